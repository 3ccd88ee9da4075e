"""A key presented at the command line: read without being shown, and put to the decision."""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass
from typing import Self

from reconciler.bootstrap.doors import harden
from reconciler.bootstrap.workplace import Workplace
from reconciler.cli.names import refuse_token
from reconciler.credentials.access import present
from reconciler.credentials.explain import Explanation, explain
from reconciler.credentials.hashing import verify
from reconciler.credentials.verdict import Circumstances, Issuer
from reconciler.errors import UsageError
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret

LONGEST_INPUT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How the key is used."""

    address: str | None
    wanted: ScopeGrant | None
    environment: str | None

    @classmethod
    def read(cls, *, ip: str | None, scope: str | None, environment: str | None) -> Self:
        """Read the flags.

        Raises:
            UsageError: a scope without a level, or a key among the arguments.
        """
        for text in (ip, scope, environment):
            refuse_token(text or "")
        return cls(address=ip, wanted=_grant(scope), environment=environment)


def _grant(scope: str | None) -> ScopeGrant | None:
    if scope is None:
        return None
    resource, colon, level = scope.partition(":")
    if not (resource and colon and level):
        raise UsageError(
            f"{scope!r} is no scope with a level.", advice="Write it as Webhooks:change."
        )
    return ScopeGrant(resource=resource, level=level)


def read_secret() -> Secret:
    """Read the key from stdin, or from a person without an echo; surrounding blanks do not count.

    Raises:
        UsageError: there is none.
    """
    harden()
    if sys.stdin.isatty():
        secret = Secret(getpass.getpass("Key (not shown): ", sys.stderr).strip())
    else:
        secret = Secret(sys.stdin.read(LONGEST_INPUT).strip())
    if not secret.reveal():
        raise UsageError(
            "There is no key on stdin.",
            advice="Pipe it in: vault kv get -field=api_key PATH | keyrec explain",
        )
    return secret


def explained(place: Workplace, secret: Secret, use: Use) -> Explanation:
    """Put the key to the decision and explain it."""
    issuer = Issuer(prefix=place.settings.token_prefix, environment=use.environment)
    presented = present(secret, issuer=issuer, lookup=place.store.presented, verify=verify)
    observed = place.observe()
    circumstances = Circumstances(
        now=observed.read_at,
        issuer=issuer,
        address=use.address,
        wanted=use.wanted,
        catalog=observed.catalog,
    )
    return explain(presented, circumstances)
