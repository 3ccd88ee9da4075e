"""What the holder of a key is told about why it is refused: one entry for each reason.

Only for secrets that were proven; whoever proved nothing is told nothing (`answers.py`). Who put a
key on hold, and why, is for those who ask the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.credentials.verdict import DenialReason, Denied
from reconciler.server.problems import Problem, instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The answer to a proven key that is refused."""

    status: int
    problem: Problem
    challenge: Mapping[str, str] | None = None
    """Attributes beside the realm; None: no challenge, because no other key is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What is said for one reason, whatever the key."""

    status: int
    title: str
    detail: str


_WORDS: Mapping[DenialReason, _Words] = {
    DenialReason.KEY_REMOVED: _Words(
        status=401,
        title="The key was removed",
        detail="It will never work again; ask its owner for another key.",
    ),
    DenialReason.KEY_INACTIVE: _Words(
        status=401,
        title="The key is deactivated",
        detail="It works again once its owner activates it.",
    ),
    DenialReason.KEY_HELD: _Words(
        status=401,
        title="The key is on hold",
        detail="It was stopped in an emergency; ask its owner.",
    ),
    DenialReason.KEY_EXPIRED: _Words(
        status=401,
        title="The key has expired",
        detail="It will never work again; ask its owner for another key.",
    ),
    DenialReason.VERSION_RETIRED: _Words(
        status=401,
        title="The key was rotated",
        detail="This secret was replaced; fetch the new one from where it is kept.",
    ),
    DenialReason.ADDRESS_UNKNOWN: _Words(
        status=403,
        title="The client's address is not known",
        detail="The key has an allowlist, and the address that the request comes from cannot be "
        "told.",
    ),
    DenialReason.ADDRESS_NOT_ALLOWED: _Words(
        status=403,
        title="The key may not be used from this address",
        detail="The address that the request comes from is not in the key's allowlist.",
    ),
    DenialReason.UNKNOWN_SCOPE: _Words(
        status=403,
        title="The gateway asks for a scope that does not exist",
        detail="This is the operator's to correct: the catalogue in force does not have the scope "
        "that the call is said to need.",
    ),
    DenialReason.INSUFFICIENT_SCOPE: _Words(
        status=403,
        title="The key may not do this",
        detail="The call needs a scope that the key was not granted.",
    ),
}
"""Every reason that a holder may be told."""


def told_about(denied: Denied, *, scope: str | None, address: str | None) -> Told:
    """Give what the holder of a refused key is told.

    `scope` and `address`: what the call needs and where it comes from, as it was decided about.

    Raises:
        ValueError: the reason is one that nobody is told.
    """
    words = _WORDS.get(denied.reason)
    if words is None:
        raise ValueError(f"nobody is told of {denied.reason}")
    problem = Problem(
        code=denied.reason,
        title=words.title,
        detail=words.detail,
        more=tuple(_members(denied, scope, address)),
    )
    return Told(status=words.status, problem=problem, challenge=_attributes(denied, words, scope))


def _attributes(denied: Denied, words: _Words, scope: str | None) -> Mapping[str, str] | None:
    if words.status == 401:
        return {"error": "invalid_token", "error_description": words.title}
    if denied.reason is DenialReason.INSUFFICIENT_SCOPE:
        return {"error": "insufficient_scope"} | ({} if scope is None else {"scope": scope})
    return None


def _members(denied: Denied, scope: str | None, address: str | None) -> Iterator[tuple[str, str]]:
    found: tuple[str, str | None]
    match denied.reason:
        case DenialReason.KEY_EXPIRED:
            found = (
                "expired_at",
                None if denied.record is None else instant(denied.record.expires_at),
            )
        case DenialReason.VERSION_RETIRED:
            found = "retired_at", instant(_retired_at(denied))
        case DenialReason.ADDRESS_NOT_ALLOWED:
            found = "observed_address", address
        case DenialReason.UNKNOWN_SCOPE | DenialReason.INSUFFICIENT_SCOPE:
            found = "required_scope", scope
        case _:
            return
    name, value = found
    if value is not None:
        yield name, value


def _retired_at(denied: Denied) -> datetime | None:
    versions = () if denied.record is None else denied.record.versions
    version = next((v for v in versions if v.version_id == denied.version_id), None)
    return None if version is None else version.retired_at or version.retire_at
