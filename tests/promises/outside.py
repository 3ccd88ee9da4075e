"""The promises of the protocol, held from outside: what consumers read, what gateways accept, what
the rows say. Nothing here asks the run.

P1, P2 and P7 hold at every instant, so they are asked right after a kill too; the others when the
next run has finished. Whoever consumes reads with the sink's own means, not through keyrec; the
gateway is the real one, on the rows as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.credentials.access import decide, present
from reconciler.credentials.hashing import verify
from reconciler.credentials.verdict import Allowed, Circumstances, Issuer, Presented
from reconciler.model.audit import GENESIS, AuditEvent, event_hash
from reconciler.model.keys import KeyRecord, KeyStatus
from reconciler.model.secret import Secret
from reconciler.ports import KeyStore
from tests.fakes.world import MANAGER
from tests.promises.place import Place
from tests.promises.scenes import ALLOWED, OVERLAP, PATHS, REVISION

DECLARED = frozenset(
    f"key-{done}"
    for done in (
        "created",
        "updated",
        "activated",
        "deactivated",
        "reissued",
        "renamed",
        "adopted",
        "removed",
    )
)
"""Events of what a manifest asks for."""
OURS = "krk_"
"""How values begin that keyrec has made; what a stranger left at a path is promised nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Where a value was the latest, and when it was last seen to be."""

    path: str
    at: datetime


@dataclass
class Outside:
    """Everybody who is not keyrec: consumers with their values, a gateway, an auditor."""

    place: Place
    may_end: bool
    """Whether keys end by what the scene does."""
    values: dict[str, Seen] = field(default_factory=dict)
    """Every value that was ever the latest at a path."""
    violations: list[str] = field(default_factory=list)

    def again(self) -> Outside:
        """Give what is known now, to go on from it more than once."""
        return replace(self, values=dict(self.values), violations=list(self.violations))

    def look(self) -> None:
        """Read every path, and present every value that was ever read there (P1, P2, P7)."""
        latest = self._latest()
        with self.place.observed() as store:
            for value, seen in self.values.items():
                presented, is_let_in = self._presented(store, value)
                promise = "P1" if latest.get(seen.path) == value else "P2"
                if has_ended(presented):
                    self._hold(not is_let_in, "P7 an ended secret gets in", seen.path)
                    self._hold(self.may_end, f"{promise} nobody ended it", seen.path)
                elif seen.at + OVERLAP > self.place.clock.now():
                    self._hold(is_let_in, f"{promise} does not work", seen.path)

    def look_at_the_end(self) -> None:
        """Hold what is promised of a finished run."""
        self.look()
        with self.place.observed() as store:
            for record in store.observe(MANAGER).live.values():
                self._hold_current(record)
            self._hold_chain(store)
        self._hold_rows()
        self._hold_secrecy()

    def look_after_the_overlaps(self) -> None:
        """Hold that nothing but the latest value of a living key gets in, or is kept, any more."""
        latest = self._latest()
        with self.place.observed() as store:
            for value, seen in self.values.items():
                presented, is_let_in = self._presented(store, value)
                is_wanted = latest.get(seen.path) == value and not has_ended(presented)
                self._hold(is_let_in == is_wanted, "P2 beyond its overlap", seen.path)
        for row in self.place.rows(_ENDED):
            is_there = self.place.holds.holds(row["sink_path"], row["sink_version"])
            self._hold(not is_there, "P7 a copy is not destroyed", row["sink_path"])

    def _latest(self) -> Mapping[str, str]:
        """Read every path as consumers do, and remember what is read."""
        found = {path: self.place.holds.read(path) for path in PATHS}
        latest = {path: value for path, value in found.items() if value and value.startswith(OURS)}
        now = self.place.clock.now()
        self.values |= {value: Seen(path=path, at=now) for path, value in latest.items()}
        return latest

    def _presented(self, store: KeyStore, value: str) -> tuple[Presented, bool]:
        """Present a value at the gateway: what was found, and whether it lets it in."""
        presented = present(Secret(value), issuer=Issuer(), lookup=store.presented, verify=verify)
        at = Circumstances(now=self.place.clock.now(), address=ALLOWED)
        return presented, isinstance(decide(presented, at), Allowed)

    def _hold_current(self, record: KeyRecord) -> None:
        """P3: the current secret is in the sink, by exactly the recorded version."""
        current, where = record.current, str(record.address)
        self._hold(current is not None, "P3 has no current secret", where)
        if current is None or current.sink_version is None:
            return
        value = self.place.holds.read(current.sink_path)
        is_its = value is not None and value.split("_")[2] == current.version_id
        self._hold(is_its, "P3 the current secret is not the latest at the path", where)
        is_there = self.place.holds.holds(current.sink_path, current.sink_version)
        is_last = not self.place.holds.holds(current.sink_path, current.sink_version + 1)
        self._hold(is_there and is_last, "P3 not by the recorded version", where)

    def _hold_rows(self) -> None:
        """P5: nothing is under way, and no version without an end."""
        for row in self.place.rows(_UNFINISHED):
            self._hold(False, f"P5 {row['what']} is left", row["sink_path"])

    def _hold_secrecy(self) -> None:
        """P4: no value stands in the store, nor in plain text on the sink's disk."""
        kept = self.place.at_rest()
        for value, seen in self.values.items():
            self._hold(value.split("_")[3].encode() not in kept, "P4 plain text", seen.path)

    def _hold_chain(self, store: KeyStore) -> None:
        """P8: gapless, linked, to its head; everything once, with its actor and its cause."""
        previous, number = GENESIS, 0
        confirmed: list[str] = []
        for number, event in enumerate(store.events(), start=1):
            is_linked = event.sequence == number and event.previous_hash == previous
            self._hold(is_linked and event.hash == event_hash(event), "P8 chain", f"{number}")
            self._hold(is_accounted_for(event), "P8 actor, commit, line, reason", f"{number}")
            previous = event.hash
            if event.note.event == "secret-confirmed":
                confirmed.append(dict(event.note.detail)["versionId"])
        self._hold(store.audit_head() == (number, previous), "P8 head", f"{number}")
        anchor = json.loads(self.place.holds.anchor())
        self._hold((anchor["sequence"], anchor["hash"]) == (number, previous), "P8 anchor", "")
        rows = sorted(row["version_id"] for row in self.place.rows(_CONFIRMED))
        self._hold(sorted(confirmed) == rows, "P8 each confirmation once", f"{len(rows)}")

    def _hold(self, is_so: bool, promise: str, where: str) -> None:
        if not is_so:
            self.violations.append(f"{promise}: {where}")


_ENDED = """
    SELECT sink_path, sink_version FROM key_versions AS ended
    WHERE state = 'retired' AND sink_version IS NOT NULL AND NOT EXISTS (
        SELECT * FROM key_versions AS living
        WHERE living.state <> 'retired'
        AND living.sink_path = ended.sink_path AND living.sink_version = ended.sink_version
    )"""
"""Copies of ended secrets; the number of one may be a living one's where a path was deleted."""
_UNFINISHED = """
    SELECT 'an operation' AS what, sink_path FROM operations WHERE state = 'open'
    UNION ALL
    SELECT 'a provisional version', sink_path FROM key_versions WHERE state = 'provisional'"""
_CONFIRMED = "SELECT version_id FROM key_versions WHERE confirmed_at IS NOT NULL"


def has_ended(presented: Presented) -> bool:
    """Whether somebody ended the value, or its key, on purpose."""
    stored = presented.stored
    if stored is None:
        return False
    record = stored.record
    is_stopped = record.status is KeyStatus.REMOVED or not record.fields.active
    return is_stopped or stored.version.leaked


def is_accounted_for(event: AuditEvent) -> bool:
    """Whether an event names its actor; what a manifest asked for also commit, line and reason."""
    if event.note.event not in DECLARED:
        return bool(event.actor)
    cause = (event.actor, event.note.source, event.note.reason)
    return all(cause) and event.revision == REVISION
