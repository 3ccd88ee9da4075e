"""Waiting: between requests where a rate is set, and before a read is tried again.

Only durations are measured here, by the monotonic clock; no decision depends on the time of day.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_WAIT = 0.25
LONGEST_WAIT = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How durations are measured and waited for; tests put their own in its place."""

    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


def wait_before_retry(attempt: int, retry_after: float | None) -> float:
    """Give the seconds before try `attempt` (from 1): what the server asked for, else doubling."""
    if retry_after is not None:
        return min(retry_after, LONGEST_WAIT)
    return min(FIRST_WAIT * 2.0 ** (attempt - 1), LONGEST_WAIT)


class Pace:
    """Spreads requests of all threads evenly, at most `rate` a second."""

    def __init__(self, rate: float, timing: Timing) -> None:
        """`rate`: requests a second, more than 0."""
        self._gap = 1.0 / rate
        self._timing = timing
        self._lock = threading.Lock()
        self._next = timing.monotonic()

    def __call__(self) -> None:
        """Wait for this request's turn."""
        with self._lock:
            now = self._timing.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._gap
        if turn > now:
            self._timing.pause(turn - now)
