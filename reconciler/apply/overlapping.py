"""Batches of secrets, one after the other but not one at a time.

While the secrets of one batch are on their way to the sink, the next batch is begun in the store
and the one after it is hashed. The order of effects of each key stays the one of `steps`; at most
two batches have open operations, and at most two more have secrets in memory.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.apply.answers import failed_work
from reconciler.apply.batches import batches
from reconciler.apply.ledger import Ledger, Subject
from reconciler.apply.outcome import Outcome
from reconciler.apply.steps import Begun, Drawn, SecretMaker
from reconciler.apply.transactions import FATAL
from reconciler.apply.work import SecretWork
from reconciler.errors import CommitUnknown, Interrupted, KeyrecError, StoreUnavailable

Job: TypeAlias = tuple[Subject, SecretWork]
"""A secret to be made, and the line of the plan that it is made for."""

_AHEAD = 2
"""Batches that are hashed before they are begun: one while another is begun, and that one."""
_CUT_SHORT = Interrupted(
    "the run ended before it was known what became of it",
    advice="run plan and apply again: what was begun is brought to its end",
)


@dataclass(slots=True)
class _Batch:
    """Some secrets, and how far they are."""

    jobs: Sequence[Job]
    drawn: Drawn
    begun: Begun | None = None
    outcomes: deque[Outcome] = field(default_factory=deque)
    """What became of the last of them, and is not told yet."""
    is_finished: bool = False

    def told(self, ledger: Ledger) -> None:
        """Tell what became of them, each once."""
        while self.outcomes:
            subject, _ = self.jobs[len(self.jobs) - len(self.outcomes)]
            ledger.tell(subject, self.outcomes.popleft())


@dataclass(slots=True, kw_only=True)
class Overlapping:
    """Makes the secrets of one run and tells the ledger of each."""

    maker: SecretMaker
    ledger: Ledger
    stop: threading.Event
    """Set it, and nothing more is begun."""
    batch_size: int
    _ahead: deque[_Batch] = field(default_factory=deque)
    """Batches that are being hashed."""
    _open: deque[_Batch] = field(default_factory=deque)
    """Batches that are begun, or of which nobody knows whether they are."""

    def make(self, jobs: Iterable[Job]) -> None:
        """Make all of them.

        Raises:
            LeaseLost, StoreUnavailable, CommitUnknown: what was under way is told as failed, when
                nothing of it is on its way any more.
        """
        listed = batches(jobs, self.batch_size)
        try:
            while self._may_begin(listed):
                self._begin_next()
                if len(self._open) > 1:
                    self._finish_first()
            while self._open:
                self._finish_first()
        except BaseException as error:
            self._give_up(error if isinstance(error, FATAL) else _CUT_SHORT)
            raise
        finally:
            for batch in self._ahead:
                batch.drawn.drop()

    def _may_begin(self, listed: Iterator[list[Job]]) -> bool:
        """Say whether there is a batch to begin, when it is hashed and the one after it under way.

        Nothing is sent meanwhile that was not begun before: who wants the run to stop is heard.
        """
        while len(self._ahead) < _AHEAD and (jobs := next(listed, None)) is not None:
            self._ahead.append(_Batch(jobs, self.maker.draw([work for _, work in jobs])))
        if not self._ahead:
            return False
        self._ahead[0].drawn.wait()
        return not self.stop.is_set()

    def _begin_next(self) -> None:
        batch = self._ahead.popleft()
        self._open.append(batch)
        try:
            batch.begun = self.maker.begin(batch.drawn)
        except (StoreUnavailable, CommitUnknown):
            # The secrets of earlier ones are out: if the store is well again, it learns of them.
            while len(self._open) > 1:
                self._finish_first()
            raise

    def _finish_first(self) -> None:
        batch = self._open[0]
        if batch.begun is None:
            raise AssertionError("a batch is begun before it is finished")
        batch.outcomes = deque(self.maker.finish(batch.begun))
        batch.is_finished = True
        batch.told(self.ledger)
        self._open.popleft()

    def _give_up(self, error: KeyrecError) -> None:
        """Send nothing more; say of everything under way that nobody knows its end."""
        try:
            for batch in self._open:
                if batch.begun is not None:
                    batch.begun.drop()
        finally:
            for batch in self._open:
                if not batch.is_finished:
                    batch.outcomes = deque(failed_work(work, error) for _, work in batch.jobs)
                batch.told(self.ledger)
