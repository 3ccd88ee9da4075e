"""Threads that are none: what a run hands to its threads is done in the run's own, at an hour that is
known. So batches overlap, and the same orders give the same story every time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from random import Random
from typing import Any


class _Turn(Future[Any]):
    """One piece of work, done at the latest when it is waited for."""

    def __init__(
        self, work: Callable[[], Any], before: Callable[[Future[Any]], None] = lambda _: None
    ) -> None:
        super().__init__()
        self._work = work
        self._before = before
        """Does what has to be done before it is waited for."""

    def do(self) -> None:
        """Do it, once; a cancelled one is not done."""
        if self.done() or not self.set_running_or_notify_cancel():
            return
        try:
            self.set_result(self._work())
        except BaseException as error:  # noqa: BLE001 - whoever waits for it is told of it
            self.set_exception(error)

    def result(self, timeout: float | None = None) -> Any:
        """Do it if nobody has, and give what came of it."""
        self._wait()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Do it if nobody has, and give what went wrong."""
        self._wait()
        return super().exception(timeout)

    def _wait(self) -> None:
        if not self.done():
            self._before(self)
            self.do()


class Turns(Executor):
    """Does work in the caller's thread, now or later by the toss of a coin."""

    def __init__(self, coin: Random) -> None:
        """Toss that coin; the same coin gives the same order."""
        self._coin = coin
        self._later: list[_Turn] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it now, or keep it for later."""
        turn = _Turn(lambda: fn(*args, **kwargs))
        if self._coin.random() < 0.5:
            turn.do()
        else:
            self._later.append(turn)
        return turn

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do what nobody has waited for, as threads do before they end."""
        for turn in self._later:
            if cancel_futures:
                turn.cancel()
            turn.do()


class Queue(Executor):
    """One slow thread: work is done in the order in which it came, and only when it is waited for."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._waiting: deque[_Turn] = deque()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Put it at the end."""
        turn = _Turn(lambda: fn(*args, **kwargs), before=self._do_before)
        self._waiting.append(turn)
        return turn

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do what is left, as threads do before they end."""
        while self._waiting:
            turn = self._waiting.popleft()
            if cancel_futures:
                turn.cancel()
            turn.do()

    def _do_before(self, wanted: Future[Any]) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if turn is wanted:
                return
            turn.do()
