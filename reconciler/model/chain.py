"""Whether the audit chain is whole: the first event that is not as it was written, and how.

Every event carries its number, the hash of the one before it and its own. Whoever changes rows and
computes nothing anew is found here alone. Whoever writes the whole chain anew, or cuts its end and
the stored head with it, leaves a chain that is whole in itself: that is found only against a head
that was kept elsewhere, the sink's anchor or what an apply printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.model.audit import GENESIS, AuditEvent, event_hash

FARTHEST = 64
"""By how many places an event is looked for where it may have been moved to."""


class FaultKind(StrEnum):
    """What was done to the chain."""

    CHANGED = "changed"
    """An event's content does not fit its hash."""
    REMOVED = "removed"
    """Events are missing before this one."""
    INSERTED = "inserted"
    """Events stand here that the chain does not know."""
    REORDERED = "reordered"
    """Events stand in another order."""
    CUT = "cut"
    """The end is missing: the stored head is newer than the last event."""
    REWRITTEN = "rewritten"
    """What stands before this event, or at the place of a head kept elsewhere, was written anew."""
    BEHIND = "behind"
    """The chain is shorter than a head that was kept elsewhere."""
    DAMAGED = "damaged"
    """An event cannot be read at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    """The first thing that is wrong."""

    kind: FaultKind
    sequence: int
    """The event at which it shows; for a missing one the number that is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a chain, as somebody keeps it."""

    sequence: int
    hash: str


def first_fault(
    events: Iterable[AuditEvent],
    *,
    stored: Head,
    kept: Iterable[Head] = (),
    newest: Callable[[], Head] | None = None,
) -> ChainFault | None:
    """Walk the chain, oldest first, and give the first fault; None where it is whole.

    `stored` is the head that the store had beside its events before they were read, `newest` gives
    the one that it has afterwards: what was committed in between is no fault. `kept` are heads from
    elsewhere.
    """
    walk = _Walk(places=(stored, *kept))
    fault = walk.over(events)
    return fault or walk.end(stored, stored if newest is None else newest())


class _Walk:
    """One pass over a chain; only the last event is remembered."""

    def __init__(self, places: Iterable[Head]) -> None:
        self._places = tuple(places)
        self._last = Head(sequence=0, hash=GENESIS)

    def over(self, events: Iterable[AuditEvent]) -> ChainFault | None:
        """Look at each event, with the one that follows it in sight."""
        iterator = iter(events)
        event = next(iterator, None)
        while event is not None:
            following = next(iterator, None)
            fault = self._fault(event, following)
            if fault is not None:
                return fault
            self._last = Head(sequence=event.sequence, hash=event.hash)
            event = following
        return None

    def _fault(self, event: AuditEvent, following: AuditEvent | None) -> ChainFault | None:
        expected = self._last.sequence + 1
        if event.sequence > expected:
            return ChainFault(kind=FaultKind.REMOVED, sequence=expected)
        if event.is_damaged:
            return ChainFault(kind=FaultKind.DAMAGED, sequence=event.sequence or expected)
        if event.sequence < expected:
            return ChainFault(kind=FaultKind.INSERTED, sequence=event.sequence)
        if event.hash != event_hash(event):
            return _misfit(event, following, expected)
        if event.previous_hash != self._last.hash:
            return ChainFault(kind=FaultKind.REWRITTEN, sequence=expected)
        if any(p.sequence == expected and p.hash != event.hash for p in self._places):
            return ChainFault(kind=FaultKind.REWRITTEN, sequence=expected)
        return None

    def end(self, stored: Head, newest: Head) -> ChainFault | None:
        """Compare the end with the stored head, and with those that were kept elsewhere."""
        length = self._last.sequence
        if length < stored.sequence:
            return ChainFault(kind=FaultKind.CUT, sequence=length + 1)
        if length > newest.sequence:
            return ChainFault(kind=FaultKind.INSERTED, sequence=newest.sequence + 1)
        if any(place.sequence > length for place in self._places):
            return ChainFault(kind=FaultKind.BEHIND, sequence=length + 1)
        return None


def _misfit(event: AuditEvent, following: AuditEvent | None, place: int) -> ChainFault:
    """Say whether an event was changed, or stands at another place than it was written for."""
    moved = _distance(event)
    pushed = None if following is None else _distance(following)
    if moved is None:
        kind = FaultKind.INSERTED if pushed == -1 else FaultKind.CHANGED
        return ChainFault(kind=kind, sequence=place)
    if following is not None and pushed != moved:
        return ChainFault(kind=FaultKind.REORDERED, sequence=place)
    if moved > 0:
        return ChainFault(kind=FaultKind.REMOVED, sequence=place)
    # As many events before this one were put in, each with a right hash.
    return ChainFault(kind=FaultKind.INSERTED, sequence=place + moved)


def _distance(event: AuditEvent) -> int | None:
    """Give by how many places an event was moved; None where its content fits none near."""
    for far in range(1, FARTHEST + 1):
        for moved in (far, -far):
            if event_hash(replace(event, sequence=event.sequence + moved)) == event.hash:
                return moved
    return None
