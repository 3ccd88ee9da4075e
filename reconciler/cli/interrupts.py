"""Ctrl-C and SIGTERM: the first ends a run cleanly, the second at once.

Outside of a run nothing is under way that wants a clean end, so the first signal ends it too.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
FAREWELL = "Stopping after what is under way. Once more to stop at once; the next run goes on."


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let both signals end the program as Ctrl-C does."""
    with _answered_by(signal.default_int_handler):
        yield


@contextlib.contextmanager
def stopping(stop: threading.Event, say: Callable[[str], None]) -> Iterator[None]:
    """Let the first signal set `stop` and say so, and the second end the program.

    `say` is called from within the signal's answer, so it must not use a buffered stream.
    """

    def answer(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            signal.default_int_handler(number, frame)
        stop.set()
        say(FAREWELL)

    with _answered_by(answer):
        yield


@contextlib.contextmanager
def _answered_by(answer: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Install an answer to both signals for a time; only a main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, answer) for number in SIGNALS}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
