"""What a verifier remembers of uses between two reports: never in a request's way.

Per version: the last use, to the minute; from where and for what it was allowed; why, and from
where, it was refused. Only of versions that exist: what is presented at random leaves no trace.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from weakref import ReferenceType, ref

from reconciler.credentials.verdict import DenialReason
from reconciler.errors import KeyrecError
from reconciler.model.uses import (
    MOST_MARKS,
    UseKind,
    UseMark,
    UseReport,
    refusal_subject,
)
from reconciler.verification.doors import VerificationStore

REPORT_SECONDS = 60.0


@dataclass(slots=True)
class _Seen:
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


class UseRecorder:
    """Collects uses, and reports them once a minute in a thread of its own."""

    def __init__(
        self,
        store: VerificationStore,
        *,
        reporter: str,
        now: Callable[[], datetime | None],
        on_trouble: Callable[[str], None],
    ) -> None:
        """`reporter` names this process among all verifiers; `now` is the database's time."""
        self._store = store
        self._reporter = reporter
        self._now = now
        self._on_trouble = on_trouble
        self._seen: dict[str, _Seen] = {}
        self._tallies: list[tuple[ReferenceType[Any], Tally]] = []
        """Each with whoever counts by it: when that is gone, nothing is counted any more."""
        self._lock = threading.Lock()
        self._reporting = threading.Lock()
        self._stop = threading.Event()
        self._is_troubled = False
        self._thread = threading.Thread(target=self._work, name="keyrec-uses", daemon=True)

    def start(self) -> None:
        """Begin to report."""
        self._thread.start()

    def stop(self) -> None:
        """Report what is left, and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self.report()

    def allowed(
        self, version_id: str, at: datetime, address: str | None, scope: str | None
    ) -> None:
        """Remember that a version was used."""
        minute = at.replace(second=0, microsecond=0)
        with self._lock:
            self._of(version_id).use(minute, address, scope)

    def counting(self, owner: object, tally: Tally) -> None:
        """Report what is counted by a tally too, for as long as its owner lives."""
        with self._lock:
            self._tallies.append((ref(owner), tally))

    def denied(
        self, version_id: str, at: datetime, *, reason: DenialReason, address: str | None
    ) -> None:
        """Remember that a version was refused, and why.

        From where only of holders: others could fill all room with addresses.
        """
        origin = None if reason is DenialReason.WRONG_SECRET else address
        subject = refusal_subject(reason.value, origin)
        with self._lock:
            self._of(version_id).add(UseKind.DENIED, subject, at.replace(second=0, microsecond=0))

    def report(self) -> bool:
        """Report what was seen; what cannot be reported now is kept for the next time.

        One report at a time: a later one may not speak for what an earlier one failed to tell.
        """
        with self._reporting:
            return self._report()

    def _report(self) -> bool:
        with self._lock:
            until = self._now()
            if until is None:
                return False
            self._tallies = [entry for entry in self._tallies if self._harvest(*entry)]
            seen, self._seen = self._seen, {}
        try:
            self._store.report_uses(_report_of(self._reporter, seen, until))
        except KeyrecError as error:
            self._keep(seen)
            if not self._is_troubled:
                self._on_trouble(f"Last uses cannot be reported: {error.message}")
            self._is_troubled = True
            return False
        except BaseException:
            self._keep(seen)
            raise
        self._is_troubled = False
        return True

    def _harvest(self, owner: ReferenceType[Any], tally: Tally) -> bool:
        """Take what was counted; whether more may come."""
        is_alive = owner() is not None  # asked first: what is counted after it would be lost
        times = tally.take()
        if times:
            minute = datetime.fromtimestamp(tally.last_at // 60 * 60, timezone.utc)
            self._of(tally.version_id).use(minute, tally.address, tally.scope, times)
        return is_alive

    def _of(self, version_id: str) -> _Seen:
        seen = self._seen.get(version_id)
        if seen is None:
            seen = self._seen[version_id] = _Seen()
        return seen

    def _keep(self, earlier: dict[str, _Seen]) -> None:
        """Put back what was not reported, beside what was seen meanwhile."""
        with self._lock:
            for version_id, old in earlier.items():
                new = self._of(version_id)
                new.last_used_at = new.last_used_at or old.last_used_at
                for (kind, subject), (at, times) in old.marks.items():
                    new.add(kind, subject, at, times)

    def _work(self) -> None:
        while not self._stop.wait(REPORT_SECONDS):
            try:
                self.report()
            except Exception as fault:  # noqa: BLE001 - a thread that ends would end all reports
                self._on_trouble(f"Reporting last uses failed: {type(fault).__name__}")


def _report_of(reporter: str, seen: dict[str, _Seen], until: datetime) -> UseReport:
    return UseReport(
        reporter=reporter,
        uses=tuple((v, s.last_used_at) for v, s in seen.items() if s.last_used_at is not None),
        until=until,
        marks=tuple(
            UseMark(version_id=v, kind=kind, subject=subject, last_at=at, times=times)
            for v, s in seen.items()
            for (kind, subject), (at, times) in s.marks.items()
        ),
    )
