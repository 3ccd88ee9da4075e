"""Where the identity token of whoever applies comes from: variable, then file, then GitHub.

The first of them that is named is the one that counts; what it gives is not replaced by the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.github_token import is_offered, requested_token
from reconciler.adapters.web_get import NoAnswer
from reconciler.config import IdentitySettings, TokenRequest
from reconciler.errors import IdentityMissing, IdentityRefused
from reconciler.model.frames import without_frames
from reconciler.model.policy import Issuer
from reconciler.model.secret import Secret

LONGEST_TOKEN = 16 * 1024
"""Characters; those of GitHub and GitLab have about two thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A token, and where it came from, for people."""

    token: Secret
    origin: str


def presented(settings: IdentitySettings, issuers: tuple[Issuer, ...]) -> Iterator[Presented]:
    """Give the token; more than one only where GitHub can be asked for several audiences.

    Raises:
        IdentityMissing: there is none.
        IdentityRefused: it cannot be read or had.
    """
    if settings.token is not None:
        token = Secret(settings.token.get_secret_value())
        yield _presented(token, "KEYREC_IDENTITY_TOKEN")
    elif settings.token_file is not None:
        yield _presented(_read(settings.token_file), f"the file {settings.token_file}")
    elif is_offered(settings.request):
        for audience in dict.fromkeys(issuer.audience for issuer in issuers):
            yield _from_github(settings.request, audience)
    else:
        raise IdentityMissing(
            "The stored policy knows people by an identity token (mode oidc), and there is none.",
            advice="Set KEYREC_IDENTITY_TOKEN, name a file in identity.tokenFile, or give the job "
            "of GitHub `permissions: id-token: write`.",
        )


def _presented(token: Secret | None, origin: str) -> Presented:
    if token is None or not 0 < len(token.reveal()) <= LONGEST_TOKEN:
        raise IdentityRefused(
            f"No identity token could be read from {origin}.",
            advice="It should hold the token and nothing else.",
        )
    return Presented(token=token, origin=origin)


def _read(name: str) -> Secret | None:
    """Read a token from a file; nothing of it is kept in a variable."""
    try:
        with Path(name).open("rb") as opened:
            return Secret(opened.read(LONGEST_TOKEN + 2).decode("ascii").strip())
    except (OSError, UnicodeDecodeError):
        return None
    except BaseException as fault:  # noqa: BLE001 - it is raised again, without its frames
        raise without_frames(fault) from None


def _from_github(request: TokenRequest, audience: str) -> Presented:
    token = requested_token(request, audience)
    if isinstance(token, NoAnswer):
        raise IdentityRefused(
            f"GitHub was asked for an identity token and gave none: {token.reason}.",
            advice="The job needs `permissions: id-token: write`; then run it again.",
        )
    return _presented(token, "GitHub's token endpoint")
