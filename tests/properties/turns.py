"""Threads that are none: work that a run hands to its threads is done at once, or when somebody waits
for it, as a drawn order says. So batches overlap, and the same orders give the same story.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from random import Random
from typing import Any


class _Turn(Future[Any]):
    """One piece of work, done at the latest when it is waited for."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self._work = work

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
        self.do()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Do it if nobody has, and give what went wrong."""
        self.do()
        return super().exception(timeout)


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
