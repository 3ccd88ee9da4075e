"""The promises of the protocol, held from outside: what consumers read, what gateways accept, what
the rows say. Nothing here asks the run.

P1 and P2 hold at every instant, so they are asked right after a kill too; P3, P5, P7 and P8 when
the next run has finished.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.credentials.hashing import verify
from reconciler.model.audit import GENESIS, event_hash
from reconciler.model.keys import KeyRecord
from reconciler.model.secret import Secret
from reconciler.ports import KeyStore
from tests.fakes.world import MANAGER
from tests.promises.place import Place
from tests.promises.scenes import OVERLAP

PATHS = (
    "payments/prod/a",
    "payments/prod/a2",
    "payments/prod/b",
    "payments/prod/moved",
    "payments/prod/x",
)
"""Every path that any scene writes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Where a value was the latest, and when it was last seen to be."""

    path: str
    at: datetime


@dataclass
class Outside:
    """Everybody who is not keyrec: consumers with their values, a gateway, an auditor."""

    place: Place
    ends: bool
    values: dict[str, Seen] = field(default_factory=dict)
    """Every value that was ever the latest at a path."""
    violations: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Read every path, and present every value that was ever read there (P1, P2)."""
        latest = {path: value for path in PATHS if (value := self.place.holds.read(path))}
        now = self.place.clock.now()
        self.values |= {value: Seen(path=path, at=now) for path, value in latest.items()}
        with self.place.observed() as store:
            for value, seen in self.values.items():
                if seen.at + OVERLAP > now and not self._has_ended(store, value):
                    promise = "P1" if latest.get(seen.path) == value else "P2"
                    is_so = authenticates(store, value, self.place)
                    self._hold(is_so, promise, seen.path)

    def look_at_the_end(self) -> None:
        """Hold what is promised of a finished run."""
        self.look()
        with self.place.observed() as store:
            live = store.observe(MANAGER).live
            for record in live.values():
                self._hold_current(record)
            self._hold_chain(store)
            self._hold_ended(store, live.values())
        self._hold_rows()

    def _has_ended(self, store: KeyStore, value: str) -> bool:
        """Whether the key was stopped by what the scene does, or is not active yet."""
        stored = store.presented(value.split("_")[2])
        if stored is None or stored.record.address.name == "b":
            return False
        return not stored.record.fields.active if not self.ends else True

    def _hold_current(self, record: KeyRecord) -> None:
        """P3: the current secret is in the sink, by exactly the recorded version."""
        current, where = record.current, str(record.address)
        self._hold(current is not None, "P3 has a current secret", where)
        if current is None or current.sink_version is None:
            return
        value = self.place.holds.read(current.sink_path)
        is_its = value is not None and value.split("_")[2] == current.version_id
        self._hold(is_its, "P3 the current secret is the latest at the path", where)
        is_there = self.place.holds.holds(current.sink_path, current.sink_version)
        is_last = not self.place.holds.holds(current.sink_path, current.sink_version + 1)
        self._hold(is_there and is_last, "P3 by the recorded version", where)

    def _hold_rows(self) -> None:
        """P5: nothing is under way, and no version without an end."""
        opened = self.place.rows("SELECT operation_id FROM operations WHERE state = 'open'")
        self._hold(not opened, "P5 no open operation", f"{len(opened)}")
        left = self.place.rows("SELECT version_id FROM key_versions WHERE state = 'provisional'")
        self._hold(not left, "P5 no provisional version", f"{len(left)}")

    def _hold_ended(self, store: KeyStore, live: Iterable[KeyRecord]) -> None:
        """P7: an ended key gets in nowhere."""
        alive = {record.key_id for record in live if record.fields.active}
        for value, seen in self.values.items():
            stored = store.presented(value.split("_")[2])
            if stored is not None and self.ends and stored.record.key_id not in alive:
                self._hold(not authenticates(store, value, self.place), "P7", seen.path)

    def _hold_chain(self, store: KeyStore) -> None:
        """P8: gapless, linked, to its head, and everybody is named."""
        previous, number = GENESIS, 0
        for number, event in enumerate(store.events(), start=1):
            is_linked = event.sequence == number and event.previous_hash == previous
            self._hold(is_linked and event.hash == event_hash(event), "P8 chain", f"{number}")
            self._hold(bool(event.actor), "P8 actor", f"{number}")
            previous = event.hash
        self._hold(store.audit_head() == (number, previous), "P8 head", f"{number}")

    def _hold(self, is_so: bool, promise: str, where: str) -> None:
        if not is_so:
            self.violations.append(f"{promise}: {where}")


def authenticates(store: KeyStore, value: str, place: Place) -> bool:
    """Whether a gateway lets the value in, as far as the secret and its key go."""
    stored = store.presented(value.split("_")[2])
    if stored is None or not verify(stored.secret_hash, Secret(value)):
        return False
    now, record = place.clock.now(), stored.record
    is_usable = record.fields.active and record.hold is None and not record.is_expired(now)
    return is_usable and stored.version.is_accepted(now)
