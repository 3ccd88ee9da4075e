"""The identity token that a job of GitHub asks for: one request, with the audience appended.

Used for whoever applies, and for the login to Vault. GitHub gives a job the address and what to ask
with only where its workflow says `permissions: id-token: write`.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from reconciler.adapters.web_get import NoAnswer, get
from reconciler.config import TokenRequest
from reconciler.model.frames import without_frames
from reconciler.model.secret import Secret


def is_offered(request: TokenRequest) -> bool:
    """Whether this job may ask."""
    return bool(request.url) and request.token is not None


def requested_token(request: TokenRequest, audience: str) -> Secret | NoAnswer:
    """Ask for a token that is meant for an audience."""
    if not request.url or request.token is None:
        return NoAnswer(reason="this job may not ask for one")
    joint = "&" if "?" in request.url else "?"
    url = f"{request.url}{joint}audience={quote(audience, safe='')}"
    try:
        return _token_of(get(url, bearer=Secret(request.token.get_secret_value())))
    except BaseException as fault:  # noqa: BLE001 - it is raised again, without its frames
        raise without_frames(fault) from None


def _token_of(answer: bytes | NoAnswer) -> Secret | NoAnswer:
    """Take the token out of what GitHub answers."""
    if isinstance(answer, NoAnswer):
        return answer
    try:
        return Secret(json.loads(answer)["value"].strip())
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return NoAnswer(reason="its answer holds no token")
