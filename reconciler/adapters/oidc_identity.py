"""Who applies in mode `oidc`: whom a verified identity token speaks of, by the stored policy.

The token is read where the configuration says, and believed only as the policy says: its issuer to
the letter, one algorithm, a trusted key, the audience, the times, the claims of one principal. It
is shown to nobody and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.adapters.identity_token import Presented, presented
from reconciler.adapters.issuer_keys import IssuerKeys
from reconciler.adapters.signed_token import Glance, glance_at, signed_claims
from reconciler.config import IdentitySettings
from reconciler.credentials.identity import NotBelieved, judged
from reconciler.errors import IdentityRefused
from reconciler.model.policy import Issuer
from reconciler.model.secret import Secret
from reconciler.model.workspaces import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    principal: Principal
    origin: str


class TokenIdentity:
    """Implements `reconciler.ports.Identity`; the token is asked for and verified once."""

    def __init__(
        self,
        settings: IdentitySettings,
        issuers: Iterable[Issuer],
        *,
        now: Callable[[], datetime],
    ) -> None:
        """`issuers` are those of the stored policy; `now` gives the store's time.

        It is asked once the token is there: one that is asked for meanwhile began after everything
        that was read before.
        """
        self._settings = settings
        self._issuers = tuple(issuers)
        self._now = now
        self._known: _Known | None = None

    def principal(self) -> Principal:
        """Give `<issuer>:<name>`.

        Raises:
            IdentityMissing: there is no token.
            IdentityRefused: it is not believed.
        """
        return self._found().principal

    def origin(self) -> str:
        """Say where the token came from; errors as `principal`."""
        return self._found().origin

    def _found(self) -> _Known:
        if self._known is None:
            shown, issuer, glance = self._chosen()
            principal = self._verified(shown.token, issuer, glance)
            self._known = _Known(principal=principal, origin=shown.origin)
        return self._known

    def _chosen(self) -> tuple[Presented, Issuer, Glance]:
        """Find the token's issuer; where GitHub gives several tokens, the one that has one."""
        fitting: list[Issuer] = []
        for shown in presented(self._settings, self._issuers):
            glance = glance_at(shown.token)
            if glance is None:
                raise IdentityRefused(
                    f"What {shown.origin} gives is no signed identity token.",
                    advice="It should be the three parts of a JWT, joined by dots.",
                )
            fitting = [i for i in self._issuers if i.url == glance.issuer]
            meant = [i for i in fitting if glance.audience in (i.audience, [i.audience])]
            if len(meant) > 1:
                raise _twice(meant)
            if meant or len(self._issuers) == 1:
                return shown, (meant or list(self._issuers))[0], glance
        raise _strange(fitting)

    def _verified(self, token: Secret, issuer: Issuer, glance: Glance) -> Principal:
        _require_form(glance, issuer)
        found = self._judged(token, issuer, str(glance.kid))
        if isinstance(found, NotBelieved):
            raise IdentityRefused(found.message, advice=found.advice)
        return found

    def _judged(self, token: Secret, issuer: Issuer, kid: str) -> Principal | NotBelieved:
        """Check the signature, then the claims; what the token says stays in here."""
        now = self._now()
        for key in IssuerKeys.of(self._settings, now).keys(issuer, kid):
            claims = signed_claims(token, key.public, issuer.algorithm)
            if claims is not None:
                return judged(issuer, claims, now)
        return NotBelieved(
            message=f"The token is not signed by the key of {issuer.name} that it names.",
            advice="Have a new token from the issuer; a changed one is never believed.",
        )


def _require_form(glance: Glance, issuer: Issuer) -> None:
    """Return for what can be verified at all; what is said here is not yet verified."""
    if glance.issuer != issuer.url:
        raise _strange([])
    if glance.algorithm != issuer.algorithm.value:
        raise IdentityRefused(
            f"The token is not signed by {issuer.algorithm.value}, as the policy has it of "
            f"{issuer.name}.",
            advice="Where the issuer signs by another algorithm, a platform admin changes the "
            "policy; a token does not choose.",
        )
    if not isinstance(glance.kid, str) or not glance.kid:
        raise IdentityRefused(
            "The token does not name the key that signed it (kid).",
            advice="Have one from an issuer that names its keys.",
        )


def _strange(fitting: list[Issuer]) -> IdentityRefused:
    if fitting:
        names = ", ".join(issuer.name for issuer in fitting)
        return IdentityRefused(
            f"The token's aud is not that of any of {names}, and nothing else.",
            advice="Ask for a token with the audience that the Policy names, and with no other.",
        )
    return IdentityRefused(
        "The token's iss is the url of no issuer that the policy trusts.",
        advice="Write the Policy's url as the token has it, to the letter: a slash counts.",
    )


def _twice(meant: list[Issuer]) -> IdentityRefused:
    names = ", ".join(issuer.name for issuer in meant)
    return IdentityRefused(
        f"The policy has {names} with the same url and audience: it is not clear whose the token "
        "is.",
        advice="Put their principals under one of them.",
    )
