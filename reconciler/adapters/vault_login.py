"""How a token is had: given, or by AppRole, JWT or Kubernetes login.

One function for each method. When a login happens and how long its token lives is the matter of
`vault_tokens`. Vault's own words about a failed login are shown, as nothing else says what is wrong
with a role or a claim, but never when they repeat what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

from hvac.api.auth_methods import JWT, AppRole, Kubernetes

from reconciler.adapters.github_token import is_offered, requested_token
from reconciler.adapters.vault_answers import Answer, Failure, Success, Trouble
from reconciler.adapters.vault_errors import error_of
from reconciler.adapters.vault_transport import Link
from reconciler.adapters.web_get import NoAnswer
from reconciler.config import VaultAuth, VaultAuthMethod
from reconciler.errors import LoginFailed
from reconciler.model.frames import without_frames
from reconciler.model.secret import Secret

_LONGEST_WORDS = 300
_NO_JWT = (
    "Set KEYREC_VAULT_JWT or VAULT_ID_TOKEN, name a file in jwtFile, or give the job of GitHub "
    "`permissions: id-token: write`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A token and how long it lives."""

    token: Secret
    is_obtained: bool
    """Whether keyrec logged in for it, so that keyrec renews and revokes it."""
    is_renewable: bool = False
    seconds: float = 0.0
    """0 where it does not end, or where we do not care because it was given."""


def log_in(auth: VaultAuth, link: Link) -> Login:
    """Have a token by the configured method; no error keeps a frame that holds what was shown.

    Raises:
        LoginFailed: something is missing, or Vault refused the login.
        SinkUnavailable: Vault could not be asked.
    """
    try:
        return _had(auth, link)
    except BaseException as fault:  # noqa: BLE001 - it is raised again, without its frames
        raise without_frames(fault) from None


def _had(auth: VaultAuth, link: Link) -> Login:
    match auth.method:
        case VaultAuthMethod.TOKEN:
            return Login(token=_given(auth), is_obtained=False)
        case VaultAuthMethod.APPROLE:
            return _by_approle(auth, link)
        case VaultAuthMethod.JWT:
            return _by_jwt(auth, link)
        case VaultAuthMethod.KUBERNETES:
            return _by_kubernetes(auth, link)
        case _:
            assert_never(auth.method)


def _given(auth: VaultAuth) -> Secret:
    if auth.token is not None:
        return Secret(auth.token.get_secret_value())
    if auth.token_file is not None:
        return _from_file(auth.token_file)
    raise LoginFailed(
        "There is no Vault token.",
        advice="Set VAULT_TOKEN, or choose a login in sink.vault.auth. ~/.vault-token is not read.",
    )


def _by_approle(auth: VaultAuth, link: Link) -> Login:
    role_id = auth.role_id
    if role_id is None:
        raise LoginFailed("The AppRole login has no role id.", advice="Set KEYREC_VAULT_ROLE_ID.")
    secret_id = _secret_id(auth)
    api = AppRole(link.adapter(None))
    answer = api.login(
        role_id, secret_id=secret_id.reveal(), use_token=False, mount_point=auth.mount
    )
    return _login(answer, auth, secret_id)


def _by_jwt(auth: VaultAuth, link: Link) -> Login:
    requested = _requested(auth)
    token = _jwt(auth, _NO_JWT) if requested is None else requested
    api = JWT(link.adapter(None))
    answer = api.jwt_login(_role(auth), token.reveal(), use_token=False, path=auth.mount)
    return _login(answer, auth, token)


def _by_kubernetes(auth: VaultAuth, link: Link) -> Login:
    token = _jwt(auth, "Name the service account's projected token in jwtFile.")
    api = Kubernetes(link.adapter(None))
    answer = api.login(_role(auth), token.reveal(), use_token=False, mount_point=auth.mount)
    return _login(answer, auth, token)


def _role(auth: VaultAuth) -> str:
    if auth.role is None:
        raise LoginFailed(
            f"The {auth.method.value} login has no role.",
            advice="Set sink.vault.auth.role or KEYREC_VAULT_AUTH_ROLE.",
        )
    return auth.role


def _secret_id(auth: VaultAuth) -> Secret:
    if auth.secret_id is not None:
        return Secret(auth.secret_id.get_secret_value())
    if auth.secret_id_file is not None:
        return _from_file(auth.secret_id_file)
    return Secret("")  # a role may be set up to want none


def _jwt(auth: VaultAuth, advice: str) -> Secret:
    if auth.jwt is not None and auth.method is VaultAuthMethod.JWT:
        return Secret(auth.jwt.get_secret_value())
    if auth.jwt_file is not None:
        return _from_file(auth.jwt_file)
    raise LoginFailed(f"The {auth.method.value} login has no token to show.", advice=advice)


def _requested(auth: VaultAuth) -> Secret | None:
    """Ask GitHub for a token where this job may and none is given; None where it is not asked."""
    is_given = auth.jwt is not None or auth.jwt_file is not None
    if is_given or auth.audience is None or not is_offered(auth.request):
        return None
    token = requested_token(auth.request, auth.audience)
    if isinstance(token, NoAnswer):
        raise LoginFailed(
            f"GitHub was asked for a token to show to Vault and gave none: {token.reason}.",
            advice="The job needs `permissions: id-token: write`; then run it again.",
        )
    return token


def _from_file(name: str) -> Secret:
    """Read a credential again at every login: projected tokens are replaced while we run."""
    try:
        text = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if text:
        return Secret(text)
    raise LoginFailed(
        f"The file {name} cannot be read or is empty.", advice="It should hold the credential."
    )


def _login(answer: Answer, auth: VaultAuth, shown: Secret) -> Login:
    if isinstance(answer, Success):
        obtained = _obtained(answer.document.get("auth"))
        if obtained is not None:
            return obtained
        raise LoginFailed(
            f"Vault's answer to the {auth.method.value} login holds no token.",
            advice="A login that wants a second factor cannot be used by keyrec.",
        )
    raise _refusal(answer, auth, shown)


def _obtained(auth: object) -> Login | None:
    if not isinstance(auth, Mapping) or not auth.get("client_token"):
        return None
    fields: Mapping[str, Any] = auth
    return Login(
        token=Secret(str(fields["client_token"])),
        is_obtained=True,
        is_renewable=fields.get("renewable") is True,
        seconds=seconds_of(fields),
    )


def seconds_of(auth: object) -> float:
    """Give the life of the token that an answer speaks of; 0 where it does not say."""
    seconds = auth.get("lease_duration") if isinstance(auth, Mapping) else None
    return float(seconds) if isinstance(seconds, int) else 0.0


def _refusal(failure: Failure, auth: VaultAuth, shown: Secret) -> Exception:
    refused = {Trouble.BAD_REQUEST, Trouble.DENIED, Trouble.ABSENT, Trouble.NO_ROUTE}
    if failure.trouble not in refused:
        return error_of(failure, f"the {auth.method.value} login")
    return LoginFailed(
        f"Vault refused the {auth.method.value} login at auth/{auth.mount}"
        f"{_words(failure.said, shown)}.",
        advice="Check role, mount and credential; a JWT has to be fresh and meant for this Vault.",
    )


def _words(said: tuple[str, ...], shown: Secret) -> str:
    """Give Vault's words, unless they hold a part of the credential that was shown."""
    text = " ".join(" ".join(said).split())
    parts = [part for part in shown.reveal().split(".") if part]
    if not text or any(part in text for part in parts):
        return ""
    return f": {text[:_LONGEST_WORDS]}"
