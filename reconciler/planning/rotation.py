"""When a key is given a new secret without its manifest having changed.

The rule is the ordered list `RULES`; the first one that gives a reason wins. Raised generations
and paths that a manifest changes are declared changes and live in `key_changes`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.custody import lost_recipient
from reconciler.model.keys import KeyRecord, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.planning.actions import Reason
from reconciler.planning.plan import Target

JITTER_SHARE = 0.1
"""A schedule comes due up to this share of its period early, the same for a key every time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationQuestion:
    """One live record, the sink that the stored policy trusts, and the time."""

    record: KeyRecord
    target: Target
    now: datetime


def rotation_reason(question: RotationQuestion) -> Reason | None:
    """Say why the key is due for a new secret now; None where it is not.

    An ended or expired key is never given one: an expired key wants a reissue.
    """
    record = question.record
    if record.status is not KeyStatus.LIVE or record.is_expired(question.now):
        return None
    return next((reason for rule in RULES if (reason := rule(question)) is not None), None)


def no_version_is_current(question: RotationQuestion) -> Reason | None:
    """No version is current or under way: leaked, or its operation ended without one."""
    lasting = {VersionState.PROVISIONAL, VersionState.CURRENT}
    if any(v.state in lasting for v in question.record.versions):
        return None
    return Reason.NO_LIVE_VERSION


def sink_has_changed(question: RotationQuestion) -> Reason | None:
    """The current secret is in another sink than the policy trusts."""
    current = question.record.current
    if current is None or current.sink_id == question.target.sink_id:
        return None
    return Reason.SINK_CHANGED


def path_has_changed(question: RotationQuestion) -> Reason | None:
    """The key has another path than its current secret: a move that did not come to its end."""
    current = question.record.current
    if current is None or current.sink_path == question.record.fields.sink_path:
        return None
    return Reason.SINK_PATH_CHANGED


def recipient_was_removed(question: RotationQuestion) -> Reason | None:
    """Somebody can read the current secret who may not read the next one."""
    current = question.record.current
    if current is None or not lost_recipient(current.custody, question.target.custody):
        return None
    return Reason.RECIPIENT_REMOVED


def schedule_is_due(question: RotationQuestion) -> Reason | None:
    """The declared period is over; rests while the key is inactive or held."""
    record = question.record
    if not record.fields.active or record.hold is not None:
        return None
    due = next_rotation(record)
    return Reason.ROTATION_DUE if due is not None and question.now >= due else None


RULES: tuple[Callable[[RotationQuestion], Reason | None], ...] = (
    no_version_is_current,
    sink_has_changed,
    path_has_changed,
    recipient_was_removed,
    schedule_is_due,
)


def next_rotation(record: KeyRecord) -> datetime | None:
    """Give when the schedule comes due: the last confirmation plus the period less the jitter."""
    every = record.fields.rotation.every
    if every is None or record.rotated_at is None:
        return None
    return record.rotated_at + every - jitter(record.key_id, every)


def jitter(key_id: str, every: timedelta) -> timedelta:
    """Give the key's fixed share of the period, so that keys do not all rotate at once."""
    draw = int.from_bytes(hashlib.sha256(key_id.encode()).digest()[:4], "big") / 2**32
    return every * JITTER_SHARE * draw
