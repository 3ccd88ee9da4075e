"""What a valid manifest may not ask of the key that the store holds.

These are faults of the manifest (exit code 3), found only when both sides are known: immutable
fields, counters that went back, a new secret for an expired key. One function per rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from reconciler.model.canonical import instant
from reconciler.model.keys import KeyRecord, KeySpec
from reconciler.model.source import Problem
from reconciler.planning.pairing import Pair


def store_problems(pair: Pair, now: datetime) -> tuple[Problem, ...]:
    """Give every reason why the declared key cannot follow the stored one."""
    spec, record = pair.spec, pair.record
    if spec is None or record is None:
        return ()
    found = (rule(spec, record, now) for rule in RULES)
    return tuple(problem for problem in found if problem is not None)


def expiration_is_immutable(spec: KeySpec, record: KeyRecord, now: datetime) -> Problem | None:
    """The expiration is set at creation and never edited (the console page's rule)."""
    del now
    old, new = record.fields.expiration, spec.fields.expiration
    if old == new or _is_reissued(spec, record):
        return None
    return Problem(
        where=spec.where("spec.expiration"),
        code="expiration-immutable",
        message=f"the expiration of {spec.address} is {old.value} and cannot be changed",
        advice=f"write {old.value} again; for {new.value}, declare a new key under another name, "
        f"or replace this one by raising spec.reissue to {record.fields.reissue + 1}",
    )


def environment_is_immutable(spec: KeySpec, record: KeyRecord, now: datetime) -> Problem | None:
    """The environment is part of the key's text."""
    del now
    old, new = record.fields.environment, spec.fields.environment
    if old == new or _is_reissued(spec, record):
        return None
    return Problem(
        where=spec.where("spec.environment"),
        code="environment-immutable",
        message=f"the environment of {spec.address} is {old} and cannot be changed",
        advice=f"write {old} again; for {new}, declare a new key, "
        f"or replace this one by raising spec.reissue to {record.fields.reissue + 1}",
    )


def generation_never_falls(spec: KeySpec, record: KeyRecord, now: datetime) -> Problem | None:
    """A rotation cannot be taken back."""
    del now
    old, new = record.fields.rotation.generation, spec.fields.rotation.generation
    if new >= old or _is_reissued(spec, record):
        return None
    return Problem(
        where=spec.where("spec.rotation.generation"),
        code="generation-lowered",
        message=f"{spec.address} is at generation {old}; {new} would go back",
        advice=f"write generation: {old}, or {old + 1} to rotate now",
    )


def reissue_never_falls(spec: KeySpec, record: KeyRecord, now: datetime) -> Problem | None:
    """A replaced key does not come back."""
    del now
    old, new = record.fields.reissue, spec.fields.reissue
    if new >= old:
        return None
    return Problem(
        where=spec.where("spec.reissue"),
        code="reissue-lowered",
        message=f"{spec.address} was reissued as number {old}; {new} would go back",
        advice=f"write reissue: {old}, or {old + 1} to replace the key now",
    )


def expired_key_gets_no_secret(spec: KeySpec, record: KeyRecord, now: datetime) -> Problem | None:
    """Rotation never extends a key's life."""
    wanted = _field_that_wants_a_secret(spec, record)
    if not record.is_expired(now) or _is_reissued(spec, record) or wanted is None:
        return None
    return Problem(
        where=spec.where(wanted),
        code="key-expired",
        message=f"{spec.address} expired at {instant(record.expires_at)}; "
        "a new secret would not bring it back",
        advice=f"replace it by raising spec.reissue to {record.fields.reissue + 1}",
    )


RULES: tuple[Callable[[KeySpec, KeyRecord, datetime], Problem | None], ...] = (
    expiration_is_immutable,
    environment_is_immutable,
    generation_never_falls,
    reissue_never_falls,
    expired_key_gets_no_secret,
)


def _field_that_wants_a_secret(spec: KeySpec, record: KeyRecord) -> str | None:
    if spec.fields.rotation.generation > record.fields.rotation.generation:
        return "spec.rotation.generation"
    if spec.fields.sink_path != record.fields.sink_path:
        return "spec.secret.path"
    return None if spec.adopts_version is None else "spec.secret.adopt"


def _is_reissued(spec: KeySpec, record: KeyRecord) -> bool:
    return spec.fields.reissue > record.fields.reissue
