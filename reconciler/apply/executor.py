"""Walks an agreed plan and carries it out, in phases; one key's trouble stops no other key.

Store-only changes come first, for they end access and need no sink; then secrets in batches; then
what time brings; then copies of ended secrets in the sink. Nothing is planned or judged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from reconciler.apply.answers import outcome_of, refusal_words
from reconciler.apply.copies import Copy, copies
from reconciler.apply.doors import RunWatch
from reconciler.apply.effects import declared_work, rotation_work, store_write
from reconciler.apply.outcome import Outcome, OutcomeStatus
from reconciler.apply.steps import SecretMaker
from reconciler.apply.work import SecretWork
from reconciler.errors import CommitUnknown, KeyrecError, LeaseLost, StoreUnavailable
from reconciler.model.audit import AuditNote
from reconciler.model.journal import PathRow
from reconciler.model.states import ObservedState
from reconciler.model.writes import RetireVersion, Write
from reconciler.planning.actions import MaintenanceKind
from reconciler.planning.plan import Change, MaintenanceItem, Plan
from reconciler.ports import SecretSink

STORE_BATCH = 500
"""Store-only writes to a transaction."""

_Item = TypeVar("_Item")


@dataclass(slots=True, kw_only=True)
class Executor:
    """One execution of one plan."""

    plan: Plan
    observed: ObservedState
    maker: SecretMaker
    sink: SecretSink
    sink_trouble: KeyrecError | None
    """Why the sink cannot be used in this run; None where it can."""
    watch: RunWatch
    batch_size: int
    outcomes: list[Outcome] = field(default_factory=list)

    def execute(self) -> None:
        """Carry the plan out; `outcomes` holds one entry for every change and every item.

        Raises:
            LeaseLost: another run took over; what was not begun is told as not attempted.
            StoreUnavailable, CommitUnknown: likewise.
        """
        try:
            written = self._write_store()
            self._make_secrets(written)
            self._retire()
            self._destroy(written)
        except (LeaseLost, StoreUnavailable, CommitUnknown):
            self._tell_the_rest()
            raise
        self._tell_the_rest()

    # Phase 1: what needs no sink.

    def _write_store(self) -> set[str]:
        """Run all store-only writes; the addresses whose write stands or was not needed."""
        manager = self.plan.manager
        planned = [(c, store_write(c, manager)) for c in self.plan.changes]
        done = {c.address for c, write in planned if write is None}
        pending = [(c, write) for c, write in planned if write is not None]
        for batch in _batches(pending, STORE_BATCH):
            if self.watch.stop.is_set():
                break
            done |= self._write_batch(batch)
        return done

    def _write_batch(self, batch: Sequence[tuple[Change, Write]]) -> set[str]:
        committed = self.maker.transactions.run([write for _, write in batch])
        done = set()
        for (change, _), refusal in zip(batch, committed.refusals, strict=True):
            if refusal is not None:
                self._tell(_failed(change, *refusal_words(refusal)))
                continue
            done.add(change.address)
            if change.secret is None or change.secret.ends:
                self._tell(_applied(change))
        return done

    # Phase 2: secrets.

    def _make_secrets(self, written: set[str]) -> None:
        paths = {p.path: p for p in self.observed.paths if p.sink_id == self.plan.target.sink_id}
        works = [*self._declared_works(written, paths), *self._rotations(paths)]
        if self.sink_trouble is not None:
            for work in works:
                self._tell(_unreachable(work, self.sink_trouble))
            return
        for batch in _batches(works, self.batch_size):
            if self.watch.stop.is_set():
                return
            for outcome in self.maker.make(batch):
                self._tell(outcome)

    def _declared_works(
        self, written: set[str], paths: Mapping[str, PathRow]
    ) -> Iterator[SecretWork]:
        for change in self.plan.changes:
            if change.address not in written:
                continue
            work = declared_work(
                change,
                manager=self.plan.manager,
                paths=paths,
                entropy=self.maker.mint.entropy,
            )
            if work is not None:
                yield work

    def _rotations(self, paths: Mapping[str, PathRow]) -> Iterator[SecretWork]:
        for item in self._items(MaintenanceKind.ROTATE):
            if item.record is not None:
                yield rotation_work(item, item.record, paths)

    # Phase 3: overlaps that have passed.

    def _retire(self) -> None:
        for batch in _batches(self._items(MaintenanceKind.RETIRE), STORE_BATCH):
            if self.watch.stop.is_set():
                return
            committed = self.maker.transactions.run(
                [
                    RetireVersion(version_id=_version(i), note=_note(i, "secret-retired"))
                    for i in batch
                ]
            )
            for item, refusal in zip(batch, committed.refusals, strict=True):
                words = ("", "") if refusal is None else refusal_words(refusal)
                status = OutcomeStatus.APPLIED if refusal is None else OutcomeStatus.FAILED
                self._tell(_item_outcome(item, status, *words))

    # Phase 4: copies in the sink. Hygiene: acceptance ended long before.

    def _destroy(self, written: set[str]) -> None:
        for batch in _batches(copies(self.plan, written), self.batch_size):
            if self.watch.stop.is_set():
                return
            answers = list(self.maker.threads.map(self._destroy_one, batch))
            gone = [c for c, error in zip(batch, answers, strict=True) if error is None]
            if gone:
                self.maker.transactions.run([copy.record_destroyed() for copy in gone])
            for copy, error in zip(batch, answers, strict=True):
                if copy.is_maintenance or error is not None:
                    self._tell(copy.outcome(error))

    def _destroy_one(self, copy: Copy) -> KeyrecError | None:
        if self.sink_trouble is not None:
            return self.sink_trouble
        try:
            self.sink.destroy(copy.path, [copy.sink_version])
        except KeyrecError as error:
            return error
        return None

    # Telling.

    def _items(self, kind: MaintenanceKind) -> list[MaintenanceItem]:
        return [item for item in self.plan.maintenance if item.kind is kind]

    def _tell(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.watch.on_outcome(outcome)

    def _tell_the_rest(self) -> None:
        """Name every declared change that was not begun."""
        told = {o.address for o in self.outcomes if not o.is_maintenance}
        for change in self.plan.changes:
            if change.address not in told:
                self._tell(_of(change, OutcomeStatus.NOT_ATTEMPTED))


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _of(change: Change, status: OutcomeStatus, message: str = "", advice: str = "") -> Outcome:
    return Outcome(
        address=change.address,
        actions=tuple(a.value for a in change.actions),
        status=status,
        message=message,
        advice=advice,
    )


def _applied(change: Change) -> Outcome:
    return _of(change, OutcomeStatus.APPLIED)


def _failed(change: Change, message: str, advice: str) -> Outcome:
    return _of(change, OutcomeStatus.FAILED, message, advice)


def _unreachable(work: SecretWork, error: KeyrecError) -> Outcome:
    return outcome_of(work, OutcomeStatus.FAILED, error.message, error.advice)


def _version(item: MaintenanceItem) -> str:
    return item.version_id or ""


def _note(item: MaintenanceItem, event: str) -> AuditNote:
    return AuditNote(event=event, address=item.address, detail=(("versionId", _version(item)),))


def _item_outcome(
    item: MaintenanceItem, status: OutcomeStatus, message: str, advice: str
) -> Outcome:
    return Outcome(
        address=item.address,
        actions=(item.kind.value,),
        status=status,
        message=message,
        advice=advice,
        path=item.path,
        is_maintenance=True,
    )
