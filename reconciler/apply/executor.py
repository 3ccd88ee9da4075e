"""Walks an agreed plan and carries it out, in phases; one key's trouble stops no other key.

Store-only changes come first, for they end access and need no sink; then secrets in batches; then
what time brings; then copies of ended secrets in the sink. Nothing is planned or judged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from reconciler.apply.answers import failed_work, refusal_words
from reconciler.apply.batches import batches
from reconciler.apply.cleaning import Cleaner
from reconciler.apply.copies import copies
from reconciler.apply.doors import RunWatch
from reconciler.apply.effects import declared_work, rotation_work, store_write
from reconciler.apply.ledger import Ledger, words_of
from reconciler.apply.overlapping import Job, Overlapping
from reconciler.apply.steps import SecretMaker
from reconciler.errors import CommitUnknown, KeyrecError
from reconciler.model.audit import AuditNote
from reconciler.model.journal import PathRow
from reconciler.model.keys import KeySpec
from reconciler.model.states import ObservedState
from reconciler.model.writes import RetireVersion, Write
from reconciler.planning.actions import MaintenanceKind
from reconciler.planning.drift_words import drift_advice, drift_message
from reconciler.planning.plan import Change, MaintenanceItem, Plan
from reconciler.ports import SecretSink

STORE_BATCH = 500
"""Store-only writes to a transaction."""


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
    ledger: Ledger

    def execute(self) -> None:
        """Carry the plan out; the ledger holds one outcome for every change and every item.

        Raises:
            LeaseLost: another run took over. What was under way is told as failed, for the next
                run goes on with it; what was not begun as not attempted.
            StoreUnavailable, CommitUnknown: likewise.
        """
        try:
            self._leave_to_people()
            written = self._write_store()
            self._make_secrets(written)
            self._retire()
            self._destroy(written)
        finally:
            self.ledger.tell_the_rest()

    # Paths that were changed outside and are not mended.

    def _leave_to_people(self) -> None:
        for item in self._items(MaintenanceKind.REPAIR):
            if item.drift is None:
                raise AssertionError("what is left to people was found in the sink")
            self.ledger.blocked(item, drift_message(item.drift), drift_advice(item.drift))

    # Phase 1: what needs no sink.

    def _write_store(self) -> set[str]:
        """Run all store-only writes; the keys whose write stands or was not needed."""
        manager = self.plan.manager
        planned = [(c, store_write(c, manager)) for c in self.plan.changes]
        done = {c.address for c, write in planned if write is None}
        pending = [(c, write) for c, write in planned if write is not None]
        for batch in batches(pending, STORE_BATCH):
            if self.watch.stop.is_set():
                break
            done |= self._write_batch(batch)
        return done

    def _write_batch(self, batch: Sequence[tuple[Change, Write]]) -> set[str]:
        try:
            committed = self.maker.transactions.run([write for _, write in batch])
        except CommitUnknown as error:
            for change, _ in batch:
                self.ledger.failed(change, *words_of(error))
            raise
        done = set()
        for (change, _), refusal in zip(batch, committed.refusals, strict=True):
            if refusal is not None:
                self.ledger.failed(change, *refusal_words(refusal))
                continue
            if change.is_key:
                done.add(change.address)
            if change.secret is None or change.secret.ends:
                self.ledger.applied(change)
        return done

    # Phase 2: secrets.

    def _make_secrets(self, written: set[str]) -> None:
        paths = {p.path: p for p in self.observed.paths if p.sink_id == self.plan.target.sink_id}
        jobs = chain(self._declared_works(written, paths), self._rotations(written, paths))
        if self.sink_trouble is not None:
            self._fail(jobs, self.sink_trouble)
            return
        overlapping = Overlapping(
            maker=self.maker, ledger=self.ledger, stop=self.watch.stop, batch_size=self.batch_size
        )
        overlapping.make(jobs)

    def _fail(self, jobs: Iterable[Job], error: KeyrecError) -> None:
        for subject, work in jobs:
            if self.watch.stop.is_set():
                return
            self.ledger.tell(subject, failed_work(work, error))

    def _declared_works(self, written: set[str], paths: Mapping[str, PathRow]) -> Iterator[Job]:
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
                yield change, work

    def _rotations(self, written: set[str], paths: Mapping[str, PathRow]) -> Iterator[Job]:
        updated = dict(_updated(self.plan, written))
        for item in self._items(MaintenanceKind.ROTATE):
            if item.record is None:
                raise AssertionError("a rotation is of a stored key")
            spec = updated.get(item.record.key_id)
            yield item, rotation_work(item, item.record, paths, updated=spec)

    # Phase 3: overlaps that have passed.

    def _retire(self) -> None:
        for batch in batches(self._items(MaintenanceKind.RETIRE), STORE_BATCH):
            if self.watch.stop.is_set():
                return
            committed = self.maker.transactions.run(
                [
                    RetireVersion(version_id=_version(i), note=_note(i, "secret-retired"))
                    for i in batch
                ]
            )
            for item, refusal in zip(batch, committed.refusals, strict=True):
                if refusal is None:
                    self.ledger.applied(item)
                else:
                    self.ledger.failed(item, *refusal_words(refusal))

    # Phase 4: copies in the sink. Hygiene: acceptance ended long before.

    def _destroy(self, written: set[str]) -> None:
        cleaner = Cleaner(
            maker=self.maker,
            sink=self.sink,
            sink_trouble=self.sink_trouble,
            watch=self.watch,
            batch_size=self.batch_size,
            ledger=self.ledger,
        )
        cleaner.destroy(copies(self.plan, self.observed, written))

    def _items(self, kind: MaintenanceKind) -> list[MaintenanceItem]:
        return [item for item in self.plan.maintenance if item.kind is kind]


def _updated(plan: Plan, written: set[str]) -> Iterator[tuple[str, KeySpec]]:
    """Give the keys whose records this run has just changed, with what it wrote."""
    for change in plan.changes:
        if change.record is not None and change.spec is not None and change.address in written:
            yield change.record.key_id, change.spec


def _version(item: MaintenanceItem) -> str:
    return item.version_id or ""


def _note(item: MaintenanceItem, event: str) -> AuditNote:
    if item.reason is None:
        raise AssertionError("what ends a secret has a reason")
    return AuditNote(
        event=event,
        address=item.address,
        reason=item.reason.value,
        detail=(("versionId", _version(item)),),
    )
