"""Rows of versions that were asked about, as the store holds them at one revision.

The rule: a row is kept until the store says that its key changed, and none is taken that was read
before a change that was followed already. What is not here is asked of the store by `loader`; how
old the whole is, is the matter of `follower`.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass

from reconciler.credentials.verdict import Allowed
from reconciler.model.policy import HashProfile
from reconciler.model.scopes import BUILT_IN_CATALOG, ScopeCatalog
from reconciler.ports import StoredVersion
from reconciler.verification.bounds import ROW_LIFE
from reconciler.verification.doors import Changes, Issued, StoreMark


@dataclass(slots=True, kw_only=True, eq=False)
class Row:
    """One version, and when it was read."""

    stored: StoredVersion
    read_at: float
    is_kept: bool = True
    """Whether it is what the store holds, as far as is known; never again once it is not."""
    allowed: Allowed | None = None
    """What is answered by it to whoever may use it: one value for all questions."""
    standing: int = 0
    """How many answers stand that were made from it."""


class Snapshot:
    """The rows of one process; safe to use from many threads."""

    def __init__(self, *, entries: int) -> None:
        """Start without rows; at most so many are kept, the first go first."""
        self.catalog: ScopeCatalog = BUILT_IN_CATALOG
        self.hashing: HashProfile | None = None
        self.mark: StoreMark | None = None
        self._entries = entries
        self._rows: dict[str, Row] = {}
        self._by_key: defaultdict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()

    def get(self, version_id: str, at: float) -> Row | None:
        """Give a row that is kept; None where it has to be asked of the store.

        `at`: of when the view of the store is; by that a row gets old, not by a store that is away.
        """
        row = self._rows.get(version_id)
        return row if row is not None and at - row.read_at <= ROW_LIFE else None

    def follow(self, changes: Changes) -> None:
        """Come to the state of a mark: what changed since is forgotten."""
        with self._lock:
            changed = self._by_key if changes.key_ids is None else changes.key_ids
            for key_id in tuple(changed):
                for version_id in tuple(self._by_key.get(key_id, ())):
                    self._forget(version_id)
            if changes.catalog is not None and changes.catalog != self.catalog:
                self.catalog = changes.catalog
            self.hashing = changes.hashing or self.hashing
            self.mark = changes.mark

    def take(self, issued: Issued, at: float) -> bool:
        """Keep rows that were read; False where they are of before what was followed already."""
        with self._lock:
            if not self._is_of_now(issued.mark):
                return False
            for version_id, stored in issued.versions.items():
                self._keep(version_id, Row(stored=stored, read_at=at))
            return True

    def _is_of_now(self, read: StoreMark) -> bool:
        known = self.mark
        if known is None or read.store_id != known.store_id or read.sequence < known.sequence:
            return False
        return read.sequence > known.sequence or read.head == known.head

    def _keep(self, version_id: str, row: Row) -> None:
        self._forget(version_id)
        while self._rows and len(self._rows) >= self._entries:
            self._forget(next(iter(self._rows)))
        self._rows[version_id] = row
        self._by_key[row.stored.record.key_id].add(version_id)

    def _forget(self, version_id: str) -> None:
        row = self._rows.pop(version_id, None)
        if row is None:
            return
        row.is_kept = False
        key_id = row.stored.record.key_id
        self._by_key[key_id].discard(version_id)
        if not self._by_key[key_id]:
            del self._by_key[key_id]
