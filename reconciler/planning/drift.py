"""What somebody changed outside: a key's path in the sink, or its row in the store.

Drift is what differs from what was last applied without a change in git. Judged here from the
record and from what was seen; who looks, and how, is the matter of `apply/looking`. The safe
direction: a value that is proven to be one of ours is replaced, never trusted; a path with nothing
to read gets a new secret; whatever else stands there is a stranger's, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from reconciler.model.keys import KeyRecord, fields_fingerprint
from reconciler.model.states import ObservedState
from reconciler.planning.actions import Reason


class Holding(StrEnum):
    """What was found of the latest value at a path. Nothing is believed that was not proven."""

    UNREAD = "unread"
    """It may not be read."""
    NOTHING = "nothing"
    """It is gone, or never was."""
    CURRENT = "current"
    """The key's current secret, proven by its hash."""
    EARLIER = "earlier"
    """Another secret made for the key, for one that it replaced, or for its path; proven."""
    FOREIGN = "foreign"
    """Anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was seen at a key's path."""

    version: int
    holding: Holding


class DriftKind(StrEnum):
    """What became of a key outside of keyrec."""

    PATH_DELETED = "path-deleted"
    """The path is gone with its version count."""
    VALUE_DELETED = "value-deleted"
    """The path is there, its latest value was deleted or destroyed."""
    ROLLED_BACK = "rolled-back"
    """A secret of the key stands there that keyrec did not put there last."""
    SINK_RESTORED = "sink-restored"
    """The version count is lower than it was: the sink was brought back to an older state."""
    OVERWRITTEN = "overwritten"
    """A stranger wrote, as far as can be told."""
    RECORD_EDITED = "record-edited"
    """The key's row in the store was changed by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference from what was last applied. It can hold no secret."""

    kind: DriftKind
    address: str
    workspace: str
    key_id: str
    path: str | None = None
    """Where it is in the sink; None for a row of the store."""
    recorded: int | None = None
    """The version at which keyrec left the path."""
    seen: int | None = None
    """The version at which it was found."""
    holding: Holding = Holding.UNREAD

    @property
    def repair(self) -> Reason | None:
        """Give why maintenance makes a new secret; None where a person has to decide."""
        match self.kind:
            case DriftKind.PATH_DELETED | DriftKind.VALUE_DELETED:
                return Reason.SINK_PATH_DELETED
            case DriftKind.ROLLED_BACK:
                return Reason.SINK_ROLLED_BACK
            case DriftKind.SINK_RESTORED:
                return None if self.holding is Holding.UNREAD else Reason.SINK_ROLLED_BACK
            case DriftKind.OVERWRITTEN | DriftKind.RECORD_EDITED:
                return None
            case _:
                assert_never(self.kind)


class NotCompared(StrEnum):
    """Why a live key is not compared with the sink: something else is under way with it."""

    EXPIRED = "expired"
    UNDER_WAY = "under-way"
    """An open operation: the next apply finishes it, and knows what it may find."""
    WITHOUT_SECRET = "without-secret"  # noqa: S105 - no secret but the word for a key without one
    """No version is current: the next apply makes one."""
    MOVING = "moving"
    """The current secret is at another path or in another sink: the next apply makes a new one."""


def not_compared(record: KeyRecord, observed: ObservedState, sink_id: str) -> NotCompared | None:
    """Say why a live key's path in this sink is not looked at; None where it is.

    Held and inactive keys are: they are to work at once when they are released or activated.
    """
    current = record.current
    if record.is_expired(observed.read_at):
        return NotCompared.EXPIRED
    if any(operation.key_id == record.key_id for operation in observed.operations):
        return NotCompared.UNDER_WAY
    if current is None or current.sink_version is None:
        return NotCompared.WITHOUT_SECRET
    is_in_place = current.sink_path == record.fields.sink_path
    return None if is_in_place and current.sink_id == sink_id else NotCompared.MOVING


def path_drift(record: KeyRecord, sighting: Sighting) -> Drift | None:
    """Judge what was seen at the path of a key that has a current secret there."""
    current = record.current
    if current is None or current.sink_version is None:
        raise AssertionError("only a path with a current secret is looked at")
    kind = _kind(current.sink_version, sighting)
    if kind is None:
        return None
    return Drift(
        kind=kind,
        address=str(record.address),
        workspace=record.address.workspace,
        key_id=record.key_id,
        path=current.sink_path,
        recorded=current.sink_version,
        seen=sighting.version,
        holding=sighting.holding,
    )


def _kind(recorded: int, sighting: Sighting) -> DriftKind | None:
    if sighting.version == 0:
        return DriftKind.PATH_DELETED
    match sighting.holding:
        case Holding.NOTHING:
            return DriftKind.VALUE_DELETED
        case Holding.FOREIGN:
            return DriftKind.OVERWRITTEN
        case Holding.UNREAD | Holding.CURRENT if sighting.version == recorded:
            return None
        case Holding.UNREAD:
            behind = sighting.version < recorded
            return DriftKind.SINK_RESTORED if behind else DriftKind.OVERWRITTEN
        case Holding.CURRENT | Holding.EARLIER:
            behind = sighting.version < recorded
            return DriftKind.SINK_RESTORED if behind else DriftKind.ROLLED_BACK
        case _:
            assert_never(sighting.holding)


def record_drifts(records: Iterable[KeyRecord]) -> Iterator[Drift]:
    """Find rows whose fields are not those that were written with their fingerprint."""
    for record in records:
        written = record.stored_fingerprint
        if written is not None and written != fields_fingerprint(record.fields):
            yield Drift(
                kind=DriftKind.RECORD_EDITED,
                address=str(record.address),
                workspace=record.address.workspace,
                key_id=record.key_id,
            )
