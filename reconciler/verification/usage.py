"""What a verifier remembers of uses between two reports: never in a request's way.

Only of versions that exist: what is presented at random leaves no trace. What is remembered of one
is `seen.py`; here is by whom it is written down at the same time, and when it is told.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from weakref import ReferenceType, ref

from reconciler.credentials.verdict import DenialReason
from reconciler.errors import KeyrecError
from reconciler.model.uses import UseKind, refusal_subject
from reconciler.verification.doors import VerificationStore
from reconciler.verification.seen import SeenByVersion, Tally

REPORT_SECONDS = 60.0
FOLDED_AT_ONCE: Final = 2
"""So many tallies that ended are folded for each new one: they get fewer, and no call does much."""


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
        self._seen = SeenByVersion()
        self._tallies: dict[ReferenceType[Any], Tally] = {}
        """Each by whoever counts by it: when that is gone, nothing is counted any more."""
        self._ended: deque[ReferenceType[Any]] = deque()
        """Who is gone: told at any moment, in any thread, so nothing may be waited for in it."""
        self._lock = threading.Lock()
        """Requests wait for it: nothing is done under it that takes longer the more was seen."""
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
            self._seen[version_id].use(minute, address, scope)

    def counting(self, owner: object, tally: Tally) -> None:
        """Report what is counted by a tally too, for as long as its owner lives.

        Tallies whose owners are gone are folded here: many may go between two reports.
        """
        with self._lock:
            for _ in range(min(FOLDED_AT_ONCE, len(self._ended))):
                ended = self._tallies.pop(self._ended.popleft(), None)
                if ended is not None:
                    ended.fold(self._seen)
            self._tallies[ref(owner, self._ended.append)] = tally

    def denied(
        self, version_id: str, at: datetime, *, reason: DenialReason, address: str | None
    ) -> None:
        """Remember that a version was refused, and why.

        From where only of holders: others could fill all room with addresses.
        """
        origin = None if reason is DenialReason.WRONG_SECRET else address
        subject = refusal_subject(reason.value, origin)
        minute = at.replace(second=0, microsecond=0)
        with self._lock:
            self._seen[version_id].add(UseKind.DENIED, subject, minute)

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
            seen, self._seen = self._seen, SeenByVersion()
            tallies, self._tallies = self._tallies, {}
            self._ended.clear()  # all of them are among these tallies, and are met there
        try:
            self._harvest(tallies, seen)
            self._store.report_uses(seen.report(self._reporter, until))
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

    def _harvest(self, tallies: dict[ReferenceType[Any], Tally], seen: SeenByVersion) -> None:
        """Fold tallies that are nobody else's for now, and give back those that may be counted on.

        Their owners count by them all the while: what is not met now is met the next time.
        """
        gone = []
        try:
            for owner, tally in tallies.items():
                if owner() is None:  # asked first: what is counted after it would be lost
                    gone.append(owner)
                tally.fold(seen)
            for owner in gone:
                del tallies[owner]
        finally:
            with self._lock:
                tallies.update(self._tallies)
                self._tallies = tallies

    def _keep(self, seen: SeenByVersion) -> None:
        """Put back what was not reported; under the lock only with what came in the last moment."""
        with self._lock:
            meanwhile, self._seen = self._seen, SeenByVersion()
        seen.join(meanwhile)
        with self._lock:
            newest, self._seen = self._seen, seen
            seen.join(newest)

    def _work(self) -> None:
        while not self._stop.wait(REPORT_SECONDS):
            try:
                self.report()
            except Exception as fault:  # noqa: BLE001 - a thread that ends would end all reports
                self._on_trouble(f"Reporting last uses failed: {type(fault).__name__}")
