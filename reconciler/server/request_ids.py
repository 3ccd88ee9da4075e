"""Ids of requests: one text is drawn, all ids are made from it, many at a time, and none says
anything of another.

What does not live here: ids that requests bring with them (`reception.py`).
"""

from __future__ import annotations

import hashlib
import itertools
from collections import deque
from collections.abc import Callable

DIGITS = 32
"""Hexadecimal ones: 128 bits."""
_AT_ONCE = 256


class RequestIds:
    """Gives ids that nobody gave before and nobody can foretell; safe to use from many threads."""

    def __init__(self, draw: Callable[[], str]) -> None:
        """`draw` gives a text that nobody can guess; it is asked once."""
        self._begun = hashlib.shake_256(draw().encode())
        self._numbers = itertools.count()
        self._ready: deque[str] = deque()

    def __call__(self) -> str:
        """Give another one."""
        while True:
            try:
                return self._ready.popleft()
            except IndexError:  # to two threads at once, it may be: then both make some
                self._ready.extend(self._made())

    def _made(self) -> list[str]:
        """Make as many as one hash gives."""
        begun = self._begun.copy()
        begun.update(b"/%d" % next(self._numbers))
        digits = begun.hexdigest(_AT_ONCE * DIGITS // 2)
        return [digits[at : at + DIGITS] for at in range(0, len(digits), DIGITS)]
