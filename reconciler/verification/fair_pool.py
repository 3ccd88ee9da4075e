"""A few threads for work of many owners: each owner has a line, and the lines take turns.

Whoever fills one line keeps nobody out of another, and who comes late waits a turn for each line,
not for everything that was there before. Lines are bounded, and so is the whole; work that waited
for too long is left undone, for nobody waits for it any more.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much may wait."""

    at_all: int = 4096
    in_a_line: int = 256
    seconds: float = 2.0
    """How long anything may wait until it is begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One piece of work."""

    work: Callable[[], Any]
    answer: Future[Any]
    since: float

    def do(self, *, is_late: bool) -> None:
        """Do it, and answer with what came of it."""
        if is_late:
            self.answer.set_exception(TimeoutError("nobody waits for it any more"))
            return
        try:
            result = self.work()
        except BaseException as fault:  # noqa: BLE001 - it is raised again where it is waited for
            self.answer.set_exception(fault)
        else:
            self.answer.set_result(result)


class FairPool:
    """Threads that end with `close`; safe to use from many threads."""

    def __init__(
        self, *, threads: int, steady: Callable[[], float], name: str, room: Room | None = None
    ) -> None:
        """Start the threads; `steady` is a clock in seconds that never goes back."""
        self.steady = steady
        self._room = room or Room()
        self._lines: dict[str, deque[_Job]] = {}
        self._waiting = 0
        self._is_closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._serve, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, owner: str, work: Callable[[], Result]) -> Future[Result] | None:
        """Have work done in its owner's turn; None where there is no room, or after the end.

        Nobody may cancel the answer: others may wait for the same one.
        """
        answer: Future[Result] = Future()
        answer.set_running_or_notify_cancel()
        with self._changed:
            line = self._lines.get(owner, deque())
            is_full = self._waiting >= self._room.at_all or len(line) >= self._room.in_a_line
            if is_full or self._is_closed:
                return None
            line.append(_Job(work=work, answer=answer, since=self.steady()))
            self._lines[owner] = line
            self._waiting += 1
            self._changed.notify()
        return answer

    @property
    def is_closed(self) -> bool:
        """Whether nothing is begun any more."""
        return self._is_closed

    def close(self) -> None:
        """Finish what waits, and end the threads."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def __len__(self) -> int:
        return self._waiting

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            job.do(is_late=self.steady() - job.since > self._room.seconds)

    def _next(self) -> _Job | None:
        """Wait for work; take it from the line whose turn it is, which then goes to the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._is_closed)
            if not self._lines:
                return None
            owner = next(iter(self._lines))
            line = self._lines.pop(owner)
            job = line.popleft()
            if line:
                self._lines[owner] = line
            self._waiting -= 1
            return job
