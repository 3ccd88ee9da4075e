"""A thread that keeps the snapshot at the store's revision, and knows how old it is.

The rule: age is counted from before the question was sent, and includes the lag of a replica. The
store is asked at least twice within the revocation bound; whoever meets an older snapshot has it
asked at once. A store that does not answer is out of reach until it does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.errors import KeyrecError, StoreUnavailable
from reconciler.verification.bounds import Bounds
from reconciler.verification.doors import VerificationStore
from reconciler.verification.snapshot import Snapshot

LISTEN_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is known of the store's time and of the snapshot's age."""

    as_of: float
    """The process's steady clock when the snapshot was certainly true; minus infinity before."""
    asked_at: float
    """The same clock when the store was asked."""
    store_time: datetime
    """The database's clock at the answer."""

    def now(self, at: float) -> datetime:
        """Give the database's time, never earlier than it is there."""
        return self.store_time + timedelta(seconds=at - self.asked_at)


class Follower:
    """Asks for changes, in a thread of its own and at anybody's wish."""

    def __init__(
        self,
        store: VerificationStore,
        snapshot: Snapshot,
        *,
        bounds: Bounds,
        steady: Callable[[], float],
        on_trouble: Callable[[str], None],
    ) -> None:
        """Nothing is asked yet; `steady` is a clock in seconds that never goes back."""
        self.view: View | None = None
        self.is_in_reach = False
        self.refreshes = 0
        self._store = store
        self._snapshot = snapshot
        self._bounds = bounds
        self._steady = steady
        self._on_trouble = on_trouble
        self._waiting: list[Future[bool]] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=f"keyrec-{name}", daemon=True)
            for work, name in ((self._follow, "follower"), (self._listen, "listener"))
        ]

    def start(self) -> None:
        """Look once, and go on looking.

        Raises:
            StoreOutdated: these are not this program's tables. A store that is out of reach only
                now is looked for again.
        """
        try:
            self._ask()
        except StoreUnavailable as error:
            self._on_trouble(f"The store is out of reach: {error.message}")
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads; whoever waits is told that nothing was seen."""
        self._stop.set()
        self._wake.set()
        self._store.stop_waiting()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(LISTEN_SECONDS)
        self._tell(self._those_who_wait(), seen=False)

    def refreshed(self) -> Future[bool]:
        """Have the store asked at once; whether it answered."""
        wish: Future[bool] = Future()
        with self._lock:
            self._waiting.append(wish)
        self._wake.set()
        if self._stop.is_set():
            self._tell(self._those_who_wait(), seen=False)
        return wish

    def lose_sight(self) -> None:
        """Take the store to be out of reach: somebody waited for an answer in vain."""
        self.is_in_reach = False

    def look(self) -> bool:
        """Ask the store what changed, and follow; whether it answered."""
        try:
            self._ask()
        except KeyrecError as error:
            if self.is_in_reach:
                self._on_trouble(f"The store is out of reach: {error.message}")
            self.is_in_reach = False
            return False
        return True

    def _ask(self) -> None:
        asked_at = self._steady()
        changes = self._store.changes(self._snapshot.mark)
        self._snapshot.follow(changes)
        self.view = View(
            as_of=asked_at - changes.mark.behind.total_seconds(),
            asked_at=asked_at,
            store_time=changes.mark.now,
        )
        self.is_in_reach = True
        self.refreshes += 1

    def _follow(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(self._until_next_look())
            self._wake.clear()
            wishes = self._those_who_wait()
            try:
                seen = self.look()
            except Exception as fault:  # noqa: BLE001 - a thread that ends would end all sight
                self._on_trouble(f"Following the store failed: {type(fault).__name__}")
                seen = False
            self._tell(wishes, seen=seen)

    def _until_next_look(self) -> float:
        """Give the seconds to wait, counted from when the last answer was asked for."""
        last = self.view.asked_at if self.view is not None and self.is_in_reach else self._steady()
        return max(0.0, last + self._bounds.poll - self._steady())

    def _listen(self) -> None:
        while not self._stop.is_set():
            if self._store.wait(LISTEN_SECONDS):
                self._wake.set()

    def _those_who_wait(self) -> list[Future[bool]]:
        with self._lock:
            wishes, self._waiting = self._waiting, []
        return wishes

    @staticmethod
    def _tell(wishes: list[Future[bool]], *, seen: bool) -> None:
        for wish in wishes:
            if wish.set_running_or_notify_cancel():
                wish.set_result(seen)
