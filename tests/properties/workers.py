"""Runs that move only when they are let: a run in a thread of its own passes every effect, before and
after it (`apply/points.py`), may be left standing there as long as one likes, and dies where it is
told to.

Only one thread moves at a time, so that the same orders give the same story every time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from reconciler.apply.doors import Doors, RunWatch
from reconciler.apply.outcome import ApplyReport
from reconciler.apply.points import Effect
from reconciler.errors import LeaseLost
from reconciler.ports import KeyStore
from tests.apply.watching import Crash

PATIENCE = 60.0
"""Seconds of real time after which a thread that does not come back is a fault of the tests."""

Errand = Callable[[Doors, RunWatch], ApplyReport]


@dataclass(frozen=True)
class _NeverRenewed:
    """A store that renews no lease: time passes only where a test says so, and a lease with it."""

    store: KeyStore

    def __getattr__(self, name: str) -> Any:
        """Give what the store has."""
        return getattr(self.store, name)

    def renew_lease(self, _: Any) -> None:
        """Refuse."""
        raise LeaseLost("nothing is renewed here")


class Worker:
    """One run."""

    def __init__(self, errand: Errand, doors: Doors, seen: Callable[[], None]) -> None:
        """`seen` is called at every moment of the run; what it raises ends the run."""
        self.report: ApplyReport | None = None
        self.error: BaseException | None = None
        self.is_over = False
        self.moments = 0
        """How many effects it has passed, before and after each."""
        self._seen = seen
        self._broken: BaseException | None = None
        self._is_dead = False
        self._left: int | None = None
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._watch = RunWatch(stop=threading.Event(), on_effect=self._pass)
        doors = replace(doors, store=cast("KeyStore", _NeverRenewed(doors.store)))
        self._thread = threading.Thread(target=self._live, args=(errand, doors), daemon=True)
        self._thread.start()

    def go(self, moments: int | None = None) -> bool:
        """Let it work for that many moments, or to its end; whether it has come to its end."""
        self._left = moments
        if not self.is_over:
            self._turn.release()
            assert self._back.acquire(timeout=PATIENCE), "a run does not come back"
        if self._broken is not None:
            raise self._broken
        return self.is_over

    def interrupt(self) -> None:
        """Ask it to stop, as Ctrl-C does."""
        self._watch.stop.set()

    def kill(self) -> None:
        """End its process where it stands: nothing more is done, the lease is not given back."""
        self._is_dead = True
        self._turn.release()
        self._thread.join(timeout=PATIENCE)

    def _live(self, errand: Errand, doors: Doors) -> None:
        self._turn.acquire()
        try:
            self.report = errand(doors, self._watch)
        except BaseException as error:  # noqa: BLE001 - whoever let it go is told of it
            self.error = error
        self.is_over = True
        self._back.release()

    def _pass(self, effect: Effect) -> None:
        if self._is_dead:
            raise Crash
        if effect.name == "acquire_lease":
            return
        self._look()
        self.moments += 1
        if self._left == 0:
            self._back.release()
            self._turn.acquire()
        if self._is_dead:
            raise Crash
        if self._left:
            self._left -= 1

    def _look(self) -> None:
        try:
            self._seen()
        except BaseException as broken:
            self._broken = self._broken or broken
            raise


def moving(advance: Callable[[timedelta], Any]) -> Callable[[float], None]:
    """Give a way to wait that moves the clock instead."""

    def wait(seconds: float) -> None:
        advance(timedelta(seconds=seconds))

    return wait
