"""A mapping that never grows past its limit: what came first goes first.

A hit changes nothing, so reading takes no lock; whoever is asked about again comes back by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)
Value = TypeVar("Value")


class Bounded(Generic[Name, Value]):
    """At most `limit` entries; safe to use from many threads."""

    def __init__(self, limit: int) -> None:
        """Start empty."""
        self._limit = limit
        self._entries: dict[Name, Value] = {}
        self._lock = threading.Lock()
        self.get: Callable[[Name], Value | None] = self._entries.get
        """Give an entry: the mapping's own, for it is asked on every call."""

    def put(self, name: Name, value: Value) -> Value | None:
        """Add or replace an entry; the oldest goes where there is no room. Give what went."""
        with self._lock:
            gone = self._entries.pop(name, None)
            if self._entries and len(self._entries) >= self._limit:
                gone = self._entries.pop(next(iter(self._entries)))
            self._entries[name] = value
            return gone

    def drop(self, name: Name) -> None:
        """Take an entry away, where it is there."""
        with self._lock:
            self._entries.pop(name, None)
