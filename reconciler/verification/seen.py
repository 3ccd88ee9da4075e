"""What was seen of versions between two reports, and how it is counted where no lock may be taken.

Per version: the last use, to the minute; from where and for what it was allowed; why, and from
where, it was refused. What does not live here: threads, locks and reporting (`usage.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache

from reconciler.model.uses import MOST_MARKS, UseKind, UseMark, UseReport


@dataclass(slots=True)
class Seen:
    """What was seen of one version since the last report."""

    last_used_at: datetime | None = None
    marks: dict[tuple[UseKind, str], tuple[datetime, int]] = field(default_factory=dict)
    kinds: dict[UseKind, int] = field(default_factory=dict)

    def use(self, minute: datetime, address: str | None, scope: str | None, times: int = 1) -> None:
        """Count uses of one sort, the last of them in that minute."""
        self.last_used_at = max(self.last_used_at or minute, minute)
        if address is not None:
            self.add(UseKind.ORIGIN, address, minute, times)
        if scope is not None:
            self.add(UseKind.SCOPE, scope, minute, times)

    def add(self, kind: UseKind, subject: str, at: datetime, times: int = 1) -> None:
        """Count one thing; a new one only where there is room for its kind."""
        known = self.marks.get((kind, subject))
        if known is not None:
            self.marks[kind, subject] = (max(known[0], at), known[1] + times)
            return
        count = self.kinds.get(kind, 0)
        if count < MOST_MARKS:
            self.kinds[kind] = count + 1
            self.marks[kind, subject] = (at, times)

    def join(self, later: Seen) -> None:
        """Add what was seen later; what was here keeps its room."""
        if later.last_used_at is not None:
            self.use(later.last_used_at, None, None)
        for (kind, subject), (at, times) in later.marks.items():
            self.add(kind, subject, at, times)


class SeenByVersion(dict[str, Seen]):
    """What was seen of every version; a version that is asked for is there from then on."""

    def __missing__(self, version_id: str) -> Seen:
        """Begin with nothing."""
        seen = self[version_id] = Seen()
        return seen

    def join(self, later: SeenByVersion) -> None:
        """Add what was seen later."""
        for version_id, more in later.items():
            self[version_id].join(more)

    def report(self, reporter: str, until: datetime) -> UseReport:
        """Give it as it is told to the store."""
        return UseReport(
            reporter=reporter,
            uses=tuple((v, s.last_used_at) for v, s in self.items() if s.last_used_at is not None),
            until=until,
            marks=tuple(
                UseMark(version_id=v, kind=kind, subject=subject, last_at=at, times=times)
                for v, s in self.items()
                for (kind, subject), (at, times) in s.marks.items()
            ),
        )


class Tally:
    """How often one version was used from one address for one scope; counting takes no lock."""

    __slots__ = ("_taken", "address", "count", "last_at", "scope", "version_id")

    def __init__(self, version_id: str, *, address: str | None, scope: str | None) -> None:
        """Start at nothing; an address in its one form."""
        self.version_id = version_id
        self.address = address
        self.scope = scope
        self.last_at = 0.0
        """When it was used last, in seconds since 1970; to be set before it is counted."""
        self.count: Callable[[], int] = itertools.count().__next__
        """Counts one use; one step of the interpreter, so that no two threads lose one."""
        self._taken = 0

    def take(self) -> int:
        """Give how often it was counted since it was taken last; one taker at a time."""
        reached = self.count()
        times, self._taken = reached - self._taken, reached + 1
        return times

    def fold(self, seen: SeenByVersion) -> None:
        """Put down what was counted since it was taken last; one at a time, as for `take`."""
        times = self.take()
        if times:
            seen[self.version_id].use(_minute(self.last_at // 60), self.address, self.scope, times)


@lru_cache(8)
def _minute(number: float) -> datetime:
    """Give a minute since 1970: thousands of tallies are folded that were used in the same few."""
    return datetime.fromtimestamp(number * 60, timezone.utc)
