"""Looks at the sink for drift: one request for each key, many at once, and nothing is changed.

What was seen becomes a sighting; a secret that may be read is proven by its hash, and dropped.
What it means is judged in `planning/drift`. One path that cannot be looked at stops no other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.apply.doors import Doors
from reconciler.apply.outcome import Outcome, OutcomeStatus
from reconciler.apply.readiness import require_pinned
from reconciler.credentials.hashing import verify
from reconciler.errors import ExitCode, Interrupted, KeyrecError
from reconciler.model.keys import KeyRecord, KeyStatus
from reconciler.model.secret import Secret
from reconciler.model.token import TokenFault, parse
from reconciler.planning.actions import MaintenanceKind
from reconciler.planning.drift import (
    Drift,
    Holding,
    NotCompared,
    Sighting,
    not_compared,
    path_drift,
    record_drifts,
)
from reconciler.planning.drift_words import drift_message
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.planner import records_in_scope
from reconciler.ports import KeyStore, PathSeen, SecretSink, StoredVersion

Look: TypeAlias = Sighting | KeyrecError


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A key whose path could not be looked at."""

    address: str
    path: str
    error: KeyrecError


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A key that is not compared, for something else is under way with it."""

    address: str
    why: NotCompared


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Store and sink against what was last applied; everything in the order of the records."""

    drifts: tuple[Drift, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    compared: int = 0
    """Keys whose path was looked at."""
    proven: int = 0
    """Those of them whose value was read and proven to be the current secret."""

    @property
    def exit_code(self) -> ExitCode:
        """Give 2 where something was found, else 1 where not all could be looked at."""
        if self.drifts:
            return ExitCode.CHANGES
        return ExitCode.ERROR if self.unseen else ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Compares the keys of a plan's scope with the sink."""

    store: KeyStore
    sink: SecretSink
    threads: Executor
    stop: threading.Event

    def compare(self, request: PlanRequest) -> Comparison:
        """Look at every live key in scope; only reads."""
        records = list(records_in_scope(request))
        live = [r for r in records if r.status is KeyStatus.LIVE]
        sink_id = request.target.sink_id
        reasons = [(r, not_compared(r, request.observed, sink_id)) for r in live]
        looked_at = [record for record, why in reasons if why is None]
        looks = list(zip(looked_at, self.threads.map(self._look, looked_at), strict=True))
        sightings = [(r, s) for r, s in looks if isinstance(s, Sighting)]
        drifts = (path_drift(record, sighting) for record, sighting in sightings)
        return Comparison(
            drifts=(*record_drifts(records), *(d for d in drifts if d is not None)),
            unseen=tuple(_unseen(looks)),
            left_out=tuple(
                LeftOut(address=str(r.address), why=why) for r, why in reasons if why is not None
            ),
            compared=len(sightings),
            proven=sum(1 for _, s in sightings if s.holding is Holding.CURRENT),
        )

    def _look(self, record: KeyRecord) -> Look:
        if self.stop.is_set():
            return Interrupted("the run was interrupted")
        try:
            seen = self.sink.observe(record.fields.sink_path)
            return Sighting(version=seen.version, holding=self._holding(record, seen))
        except KeyrecError as error:
            return error

    def _holding(self, record: KeyRecord, seen: PathSeen) -> Holding:
        if seen.content is not None:
            return self._proven(record, seen.content.api_key)
        if seen.is_foreign:
            return Holding.FOREIGN
        return Holding.NOTHING if seen.is_gone or seen.version == 0 else Holding.UNREAD

    def _proven(self, record: KeyRecord, api_key: Secret) -> Holding:
        """Say whose secret was read: what the value says of itself counts for nothing."""
        token = parse(api_key.reveal())
        if isinstance(token, TokenFault):
            return Holding.FOREIGN
        stored = self.store.presented(token.version_id)
        if stored is None or not _was_made_for(record, stored):
            return Holding.FOREIGN
        if not verify(stored.secret_hash, api_key):
            return Holding.FOREIGN
        current = record.current
        is_current = current is not None and current.version_id == token.version_id
        return Holding.CURRENT if is_current else Holding.EARLIER


def _was_made_for(record: KeyRecord, stored: StoredVersion) -> bool:
    """Whether keyrec made it for the key, for one that it replaced, or for this very path."""
    owners = {stored.record.key_id, stored.record.superseded_by}
    return record.key_id in owners or stored.version.sink_path == record.fields.sink_path


def find_drift(
    doors: Doors, request: PlanRequest, *, parallelism: int, stop: threading.Event
) -> Comparison:
    """Compare without a run: needs no lease, changes nothing.

    Raises:
        KeyrecError: the sink cannot be used, or is not the one that the policy pins.
    """
    require_pinned(doors.sink, request.target)
    with doors.threads(parallelism) as threads:
        looker = Looker(store=doors.store, sink=doors.sink, threads=threads, stop=stop)
        return looker.compare(request)


def _unseen(looks: Iterable[tuple[KeyRecord, Look]]) -> Iterator[Unseen]:
    for record, look in looks:
        if isinstance(look, KeyrecError):
            yield Unseen(address=str(record.address), path=record.fields.sink_path, error=look)


def unseen_outcomes(comparison: Comparison | None) -> Iterator[Outcome]:
    """Give the outcome of every key that this run could not look at."""
    for unseen in () if comparison is None else comparison.unseen:
        stopped = isinstance(unseen.error, Interrupted)
        yield Outcome(
            address=unseen.address,
            actions=(MaintenanceKind.REPAIR.value,),
            status=OutcomeStatus.NOT_ATTEMPTED if stopped else OutcomeStatus.FAILED,
            message=unseen.error.message,
            advice=unseen.error.advice,
            path=unseen.path,
            is_maintenance=True,
        )


def drift_warnings(drifts: Iterable[Drift]) -> Iterator[str]:
    """Name what is mended, and what only the store tells; the rest becomes an outcome."""
    for drift in drifts:
        if drift.repair is not None or drift.path is None:
            yield f"{drift.address}: {drift_message(drift)}"
