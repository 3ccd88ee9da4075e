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
from typing import Self

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
    ahead: float
    """By how many seconds the database's clock, since 1970, is ahead of the steady one."""

    @classmethod
    def of(cls, *, asked_at: float, behind: timedelta, store_time: datetime) -> Self:
        """Give the view by an answer; `behind` is the lag of whoever gave it."""
        return cls(
            as_of=asked_at - behind.total_seconds(),
            asked_at=asked_at,
            store_time=store_time,
            ahead=store_time.timestamp() - asked_at,
        )

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
        """Whether the last look was answered, and none hangs since."""
        self.refreshes = 0
        self._store = store
        self._snapshot = snapshot
        self._bounds = bounds
        self._steady = steady
        self._on_trouble = on_trouble
        self._tried_at = steady()
        self._asking_since: float | None = None
        self._wish: Future[bool] | None = None
        """That of everybody who waits for the next look."""
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
        self._tell(self._take_wish(), seen=False)

    def refreshed(self) -> Future[bool]:
        """Have the store asked once more; whether it answered. One answer for all who wait."""
        with self._lock:
            if self._wish is None:
                self._wish = Future()
                self._wish.set_running_or_notify_cancel()
            wish = self._wish
        self._wake.set()
        if self._stop.is_set():
            self._tell(self._take_wish(), seen=False)
        return wish

    def lose_sight(self) -> bool:
        """Take the store to be out of reach where a look hangs; whether that is so.

        A thread that did not come to look says nothing about the store.
        """
        since = self._asking_since
        if since is None or self._steady() - since < self._bounds.poll:
            return False
        self.is_in_reach = False
        return True

    def look(self) -> bool:
        """Ask the store what changed, and follow; whether it answered."""
        try:
            self._ask()
        except KeyrecError as error:
            trouble = error.message
        except Exception as fault:  # noqa: BLE001 - a thread that ends would end all sight
            trouble = f"following it failed with {type(fault).__name__}."
        else:
            return True
        was_in_reach, self.is_in_reach = self.is_in_reach, False
        if was_in_reach:
            self._on_trouble(f"The store is out of reach: {trouble}")
        return False

    def _ask(self) -> None:
        asked_at = self._tried_at = self._asking_since = self._steady()
        try:
            changes = self._store.changes(self._snapshot.mark)
        finally:
            self._asking_since = None
        known = self._snapshot.mark
        if known is not None and changes.mark.store_id != known.store_id:
            raise StoreUnavailable(
                "another store stands where the one was that this verifier was opened on.",
                advice="Put the store back, or open the verifier again.",
            )
        self._snapshot.follow(changes)
        mark = changes.mark
        self.view = View.of(asked_at=asked_at, behind=mark.behind, store_time=mark.now)
        self.is_in_reach = True
        self.refreshes += 1

    def _follow(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(max(0.0, self._tried_at + self._bounds.poll - self._steady()))
            self._wake.clear()
            wish = self._take_wish()
            self._tell(wish, seen=self.look())

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                is_heard = self._store.wait(LISTEN_SECONDS)
            except Exception:  # noqa: BLE001 - a bell that is out of order is silence
                is_heard = False
                self._stop.wait(LISTEN_SECONDS)
            if is_heard:
                self._wake.set()

    def _take_wish(self) -> Future[bool] | None:
        with self._lock:
            wish, self._wish = self._wish, None
            return wish

    @staticmethod
    def _tell(wish: Future[bool] | None, *, seen: bool) -> None:
        if wish is not None:
            wish.set_result(seen)
