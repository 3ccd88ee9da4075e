"""How many unproven texts may wait for the store and for a hash at once.

Whoever knows of a version id may not keep its holder out: each id has a share. The share is of ids
as they are presented, known or not, so that being turned away says nothing about an id. One text
counts once, however many requests bring it: a busy key that is new here is hashed once.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Counts the texts that are inside; safe to use from many threads."""

    def __init__(self, *, room: int, share: int) -> None:
        """`room`: how many texts may be inside; `share`: how many of them for one id."""
        self._room = room
        self._share = share
        self._requests: Counter[bytes] = Counter()
        self._texts_of: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def entered(self, name: bytes, version_id: str) -> Iterator[bool]:
        """Be inside where there is room for that text; say whether there was.

        `name` stands for the text (`Proofs.name`).
        """
        is_inside = self._enter(name, version_id)
        try:
            yield is_inside
        finally:
            if is_inside:
                self._leave(name, version_id)

    def __len__(self) -> int:
        return len(self._requests)

    def _enter(self, name: bytes, version_id: str) -> bool:
        with self._lock:
            if name not in self._requests:
                is_full = len(self._requests) >= self._room
                if is_full or self._texts_of[version_id] >= self._share:
                    return False
                self._texts_of[version_id] += 1
            self._requests[name] += 1
            return True

    def _leave(self, name: bytes, version_id: str) -> None:
        with self._lock:
            self._requests[name] -= 1
            if self._requests[name]:
                return
            del self._requests[name]
            self._texts_of[version_id] -= 1
            if not self._texts_of[version_id]:
                del self._texts_of[version_id]
