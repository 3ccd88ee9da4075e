"""One word for how a key stands: the strongest thing that keeps it from being used.

Which presented secret is admitted is decided in `credentials/access.py`; this is only its name.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from reconciler.model.keys import KeyRecord, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.moments import day, distance
from reconciler.planning.rotation import next_rotation
from reconciler.render.style import Tint


class KeyState(StrEnum):
    """What people read in the column STATE."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    HELD = "held"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    REMOVED = "removed"

    @property
    def tint(self) -> Tint:
        """Give its colour; the word always stands beside it."""
        return _TINTS[self]


_TINTS = {
    KeyState.ACTIVE: Tint.GREEN,
    KeyState.INACTIVE: Tint.YELLOW,
    KeyState.HELD: Tint.RED,
    KeyState.EXPIRED: Tint.RED,
    KeyState.SUPERSEDED: Tint.DIM,
    KeyState.REMOVED: Tint.DIM,
}


def key_state(record: KeyRecord, now: datetime) -> KeyState:
    """Name how the key stands at `now`."""
    if record.status is KeyStatus.REMOVED:
        return KeyState.REMOVED
    if record.status is KeyStatus.SUPERSEDED:
        return KeyState.SUPERSEDED
    if record.hold is not None:
        return KeyState.HELD
    if record.is_expired(now):
        return KeyState.EXPIRED
    return KeyState.ACTIVE if record.fields.active else KeyState.INACTIVE


def expiry_text(record: KeyRecord, now: datetime) -> str:
    """Give `2027-02-22 (in 12 d)`, or `never`."""
    if record.expires_at is None:
        return "never"
    return f"{day(record.expires_at)} ({distance(record.expires_at, now)})"


def rotation_text(record: KeyRecord, now: datetime) -> str:
    """Say when the schedule comes due: a date, `due`, `rests`, or `-` where there is none."""
    due, told = next_rotation(record), rotation_distance(record, now)
    return told if due is None or not told.startswith("in ") else f"{day(due)} ({told})"


def rotation_distance(record: KeyRecord, now: datetime) -> str:
    """Say how far the next scheduled rotation is: `in 7 d`, `due`, `rests`, or `-`."""
    due = next_rotation(record)
    state = key_state(record, now)
    if due is None or state in {KeyState.EXPIRED, KeyState.SUPERSEDED, KeyState.REMOVED}:
        return "-"
    if state is not KeyState.ACTIVE:
        return "rests"
    return "due" if due <= now else distance(due, now)


def versions_text(record: KeyRecord, retiring: str = "") -> str:
    """Count the versions by state: `1 current, 1 retiring`; `-` where there is none.

    `retiring` is said of those that a rotation replaced, such as `still used`.
    """
    states = [version.state for version in record.versions]
    notes = {VersionState.RETIRING: f" ({retiring})"} if retiring else {}
    present = [s for s in VersionState if s in states]
    return ", ".join(f"{states.count(s)} {s.value}{notes.get(s, '')}" for s in present) or "-"
