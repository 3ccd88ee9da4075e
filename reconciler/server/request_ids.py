"""Ids of requests: one is drawn, all others are made from it; none says anything of another.

What does not live here: ids that requests bring with them (`reception.py`).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable

DIGITS = 32
"""Hexadecimal ones: 128 bits."""


class RequestIds:
    """Gives ids that nobody gave before and nobody can foretell; safe to use from many threads."""

    def __init__(self, draw: Callable[[], str]) -> None:
        """`draw` gives a text that nobody can guess; it is asked once."""
        self._begun = hashlib.sha256(draw().encode())
        self._numbers = itertools.count()

    def __call__(self) -> str:
        """Give another one."""
        begun = self._begun.copy()
        begun.update(b"/%d" % next(self._numbers))
        return begun.hexdigest()[:DIGITS]
