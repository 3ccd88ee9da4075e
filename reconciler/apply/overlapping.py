"""Batches of secrets, one after the other but not one at a time.

While the secrets of one batch are on their way to the sink, the next batch is begun in the store
and the one after it is hashed. The order of effects of each key stays the one of `steps`; at most
two batches have open operations, and at most one more has secrets in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.apply.answers import failed_work
from reconciler.apply.batches import batches
from reconciler.apply.ledger import Ledger, Subject
from reconciler.apply.steps import Begun, Drawn, SecretMaker
from reconciler.apply.transactions import FATAL
from reconciler.apply.work import SecretWork
from reconciler.errors import KeyrecError

Job: TypeAlias = tuple[Subject, SecretWork]
"""A secret to be made, and the line of the plan that it is made for."""


@dataclass(slots=True)
class _Batch:
    """Some secrets, and how far they are."""

    jobs: Sequence[Job]
    drawn: Drawn
    begun: Begun | None = None


@dataclass(slots=True, kw_only=True)
class Overlapping:
    """Makes the secrets of one run and tells the ledger of each."""

    maker: SecretMaker
    ledger: Ledger
    stop: threading.Event
    """Set it, and nothing more is begun."""
    batch_size: int
    _open: list[_Batch] = field(default_factory=list)
    """Batches that are begun, or of which nobody knows whether they are."""

    def make(self, jobs: Iterable[Job]) -> None:
        """Make all of them.

        Raises:
            LeaseLost, StoreUnavailable, CommitUnknown: what was under way is told as failed, when
                nothing of it is on its way any more.
        """
        listed = batches(jobs, self.batch_size)
        ahead = self._drawn(next(listed, None))
        try:
            while ahead is not None and not self.stop.is_set():
                self._begin(ahead)
                ahead = self._drawn(next(listed, None))
                if len(self._open) > 1:
                    self._finish_first()
            while self._open:
                self._finish_first()
        except FATAL as error:
            self._fail_open(error)
            raise
        finally:
            if ahead is not None:
                ahead.drawn.drop()

    def _drawn(self, jobs: list[Job] | None) -> _Batch | None:
        if jobs is None:
            return None
        return _Batch(jobs, self.maker.draw([work for _, work in jobs]))

    def _begin(self, batch: _Batch) -> None:
        self._open.append(batch)
        batch.begun = self.maker.begin(batch.drawn)

    def _finish_first(self) -> None:
        batch = self._open[0]
        if batch.begun is None:
            raise AssertionError("a batch is begun before it is finished")
        outcomes = self.maker.finish(batch.begun)
        self._open.pop(0)
        for (subject, _), outcome in zip(batch.jobs, outcomes, strict=True):
            self.ledger.tell(subject, outcome)

    def _fail_open(self, error: KeyrecError) -> None:
        for batch in self._open:
            if batch.begun is not None:
                batch.begun.wait()
            for subject, work in batch.jobs:
                self.ledger.tell(subject, failed_work(work, error))
