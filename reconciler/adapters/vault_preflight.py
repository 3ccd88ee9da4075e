"""Whether writes to Vault would work and would last: questions that change nothing.

A list of one-question functions; each gives one line. `preflight_of` stops after the first line
where Vault itself cannot be used, as the rest would only repeat it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hvac.api.auth_methods import Token
from hvac.api.secrets_engines import KvV2
from hvac.api.system_backend import Capabilities

from reconciler.adapters.vault_answers import Answer, Failure
from reconciler.adapters.vault_errors import error_of
from reconciler.adapters.vault_session import Session
from reconciler.config import VaultAuthMethod
from reconciler.errors import KeyrecError
from reconciler.ports import CheckResult

SHORT_LIFE = 120
"""Seconds of a given token's life under which a run may not come to its end."""
_POLICIES = "See examples/policies/vault/ for the policies that keyrec needs."
_PROBE = "preflight"
"""Stands beside the anchor, and for the path of any key when rights are asked for; nothing is
written there. A policy for one workspace grants keyrec's own paths as well, so it passes too."""


def preflight_of(session: Session) -> tuple[CheckResult, ...]:
    """Give one line per question."""
    health = _asked("vault", lambda: _health(session))
    if not health.passed:
        return (health,)
    return (
        health,
        _asked("vault token", lambda: _token(session)),
        _asked("vault mount", lambda: _mount(session)),
        _asked("vault versions last", lambda: _lasting(session)),
        _asked("vault rights", lambda: _rights(session)),
    )


def _asked(name: str, question: Callable[[], CheckResult]) -> CheckResult:
    try:
        return question()
    except KeyrecError as error:
        return CheckResult(name=name, passed=False, message=error.message, advice=error.advice)


def _health(session: Session) -> CheckResult:
    """Is it there, unsealed, and which cluster?"""
    identity = session.identity()
    return CheckResult(name="vault", passed=True, message=f"Vault answers; the sink is {identity}.")


def _token(session: Session) -> CheckResult:
    """Is there a token that will outlive the run? One that was obtained is renewed in time."""
    body = _body(session.authorised(lambda a: Token(a).lookup_self()), "looking up the token")
    seconds, uses = body.get("ttl"), body.get("num_uses")
    life = f"ends in {seconds} s" if seconds else "does not end"
    advice = ""
    if session.settings.auth.method is VaultAuthMethod.TOKEN:
        if isinstance(seconds, int) and 0 < seconds < SHORT_LIFE:
            advice = "Give a token that lives longer, or choose a login."
        if uses:
            life = f"ends after {uses} more requests"
            advice = "Give a token without a limit of uses, or choose a login."
    return CheckResult(
        name="vault token", passed=not advice, message=f"The token {life}.", advice=advice
    )


def _mount(session: Session) -> CheckResult:
    """Is the pinned mount a KV engine, version 2?"""
    mount = session.place.mount
    target = f"/v1/sys/internal/ui/mounts/{mount}"
    body = _body(session.authorised(lambda a: a.get(target)), f"looking at the mount {mount}")
    options = body.get("options")
    version = options.get("version") if isinstance(options, dict) else None
    passed = body.get("type") == "kv" and version == "2"
    return CheckResult(
        name="vault mount",
        passed=passed,
        message=f"The mount {mount} is {body.get('type')}, version {version or 'none'}.",
        advice="" if passed else f"Run `vault kv enable-versioning {mount}`, or pin another mount.",
    )


def _lasting(session: Session) -> CheckResult:
    """Would versions stay until keyrec destroys them?"""
    mount = session.place.mount
    answer = session.authorised(lambda a: KvV2(a).read_configuration(mount_point=mount))
    after = _body(answer, f"reading {mount}/config").get("delete_version_after")
    passed = after in {None, "", "0s"}
    return CheckResult(
        name="vault versions last",
        passed=passed,
        message="Versions stay until they are destroyed."
        if passed
        else f"The mount deletes every version after {after}: live keys would vanish.",
        advice="" if passed else f"Run `vault write {mount}/config delete_version_after=0s`.",
    )


def _rights(session: Session) -> CheckResult:
    """May the token write keys, look at versions, and keep the audit anchor?"""
    place = session.place
    probe = place.own(_PROBE)
    wanted = {
        f"{place.mount}/data/{probe}": {"create", "update"},
        f"{place.mount}/metadata/{probe}": {"read"},
        f"{place.mount}/data/{place.anchor}": {"create", "update", "read"},
    }
    answer = session.authorised(lambda a: Capabilities(a).get_capabilities(list(wanted)))
    granted = _body(answer, "asking for the token's rights")
    lacking = [
        f"{', '.join(sorted(missing))} on {path}"
        for path, rights in wanted.items()
        if (missing := _missing(rights, granted.get(path)))
    ]
    return CheckResult(
        name="vault rights",
        passed=not lacking,
        message="The token lacks " + "; ".join(lacking) + "."
        if lacking
        else "The token may write keys, look at versions and keep the audit anchor.",
        advice=_POLICIES if lacking else "",
    )


def _missing(wanted: set[str], granted: object) -> set[str]:
    held = set(granted) if isinstance(granted, list) else set()
    return set() if "root" in held else wanted - held


def _body(answer: Answer, doing: str) -> dict[str, Any]:
    if isinstance(answer, Failure):
        raise error_of(answer, doing)
    return dict(answer.body)
