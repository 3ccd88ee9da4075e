"""The small model: what is promised at this moment, told by what was asked for and by what a consumer
could read. It knows nothing of operations, attempts, leases and recovery.

A value is promised from the moment it can be read at a path: without end, until another secret of
its key is confirmed, and from then on for the overlap. That ends early only where somebody asked
for it: by a manifest, a hold, a removal or a leak. Nothing is promised of the latest value of a
path that an outsider has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.model.keys import KeyRecord, KeyStatus

OVERLAP = timedelta(hours=1)
"""Of every key of the model's world."""


@dataclass(kw_only=True)
class Value:
    """A secret that a consumer has read."""

    text: str = field(repr=False)
    version_id: str
    key_id: str
    path: str
    until: datetime | None = None
    """When its overlap ends; None while no other secret of its key was confirmed."""


@dataclass
class Promised:
    """All that is promised, and what was asked for that ends a promise."""

    values: dict[str, Value] = field(default_factory=dict)
    """By version id, in the order of their reading."""
    currents: dict[str, str] = field(default_factory=dict)
    """The confirmed version of each key, as it was last seen."""
    stops: set[str] = field(default_factory=set)
    """Names whose keys a manifest has asked to stop; they may be stopped, or not yet."""
    off: set[str] = field(default_factory=set)
    """Names whose keys an apply has said to be stopped."""
    ended: set[str] = field(default_factory=set)
    """Ids of keys that were replaced or removed and were asked to stop: they never come back."""
    removed: set[str] = field(default_factory=set)
    """Ids of keys that an apply has said to be removed."""
    held: set[str] = field(default_factory=set)
    """Ids of keys that are on hold."""
    leaked: set[str] = field(default_factory=set)
    """Ids of versions that were reported as leaked."""
    touched: set[str] = field(default_factory=set)
    """Paths at which an outsider wrote, rolled back or deleted."""

    def read(self, value: Value) -> None:
        """Promise a value that can be read now."""
        self.values.setdefault(value.version_id, value)

    def confirmed(self, key_ids: Iterable[str], version_id: str, now: datetime) -> None:
        """Begin the overlap of what the confirmed version of a key, or of its heir, replaces."""
        keys = set(key_ids)
        for value in self.values.values():
            if value.key_id in keys and value.version_id != version_id:
                value.until = value.until or now + OVERLAP

    def wait(self, key_id: str, now: datetime) -> None:
        """Let the overlaps of a key that have not passed wait for the end of a repair."""
        for value in self.values.values():
            if value.key_id == key_id and value.until is not None and now < value.until:
                value.until = None

    def mended(self, path: str, version_id: str) -> None:
        """Promise of a path again what is there now; nothing was promised of what came before."""
        self.touched.discard(path)
        older = [v.version_id for v in self.values.values() if v.path == path]
        for one in older:
            if one != version_id:
                del self.values[one]

    def wish(self, name: str, *, active: bool) -> None:
        """Take notice of a manifest that says whether a key shall work."""
        if active:
            self.off.discard(name)
        else:
            self.stops.add(name)

    def may_be_stopped(self, record: KeyRecord, heir: KeyRecord | None) -> bool:
        """Whether somebody asked that this key, or the one that replaced it, admits nobody."""
        if {record.key_id} & (self.ended | self.held):
            return True
        names = {r.address.name for r in (record, heir) if r is not None}
        return bool(names & self.stops)

    def must_be_stopped(self, record: KeyRecord, heir: KeyRecord | None) -> bool:
        """Whether a stop of this key, or of the one that replaced it, was reported as done."""
        if record.key_id in self.removed | self.held:
            return True
        living = record if heir is None else heir
        return living.status is KeyStatus.LIVE and living.address.name in self.off

    def settle(self, stopped: Iterable[str], ended: Iterable[str]) -> None:
        """All wishes are done: these names are stopped, these keys are gone for good."""
        self.stops = set(stopped)
        self.off = set(self.stops)
        self.ended |= set(ended)
