"""Rows that the snapshot does not have, asked of the store many at a time.

The rule: one question is on its way at once, for everybody who waits, so that a flood of ids that
nobody issued costs a query for hundreds of them. What is read goes into the snapshot unless it is
of before what was followed already; then it is read again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from reconciler.errors import KeyrecError, StoreUnavailable
from reconciler.ports import StoredVersion
from reconciler.verification.doors import Issued, VerificationStore
from reconciler.verification.snapshot import Snapshot

MOST_AT_ONCE = 500
MOST_WAITING = 4096
_TRIES = 3


class Loader:
    """Reads rows in a thread of its own."""

    def __init__(
        self,
        store: VerificationStore,
        snapshot: Snapshot,
        *,
        steady: Callable[[], float],
        on_trouble: Callable[[str], None],
    ) -> None:
        """Nothing is read yet."""
        self._on_trouble = on_trouble
        self.queries = 0
        self._store = store
        self._snapshot = snapshot
        self._steady = steady
        self._wanted: dict[str, Future[StoredVersion | None]] = {}
        self._changed = threading.Condition()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._work, name="keyrec-loader", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; whoever waits is told that the store is out of reach."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._fail(self._take_wanted(), _closed())

    def load(self, version_id: str) -> Future[StoredVersion | None] | None:
        """Read one row; its answer is None where nobody issued that id, and raises StoreUnavailable
        where none is had. None at once: too many wait.

        Nobody may cancel the answer: others wait for the same one.
        """
        with self._changed:
            if self._is_stopped:
                raise _closed()
            wish = self._wanted.get(version_id)
            if wish is None:
                if len(self._wanted) >= MOST_WAITING:
                    return None
                wish = Future()
                wish.set_running_or_notify_cancel()
                self._wanted[version_id] = wish
                self._changed.notify()
            return wish

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._is_stopped)
                if self._is_stopped:
                    return
            self._answer(self._take_wanted())

    def _take_wanted(self) -> dict[str, Future[StoredVersion | None]]:
        with self._changed:
            taken = dict(list(self._wanted.items())[:MOST_AT_ONCE])
            for version_id in taken:
                del self._wanted[version_id]
            return taken

    def _answer(self, wishes: dict[str, Future[StoredVersion | None]]) -> None:
        try:
            issued = self._read(tuple(wishes))
        except KeyrecError as error:
            self._fail(wishes, error)
        except Exception as fault:  # noqa: BLE001 - a thread that ends would end all reading
            self._fail(wishes, _failed(fault))
        else:
            for version_id in sorted(issued.damaged):
                self._on_trouble(f"The row of the key {version_id} is damaged: it is refused.")
            for version_id, wish in wishes.items():
                wish.set_result(issued.versions.get(version_id))

    def _read(self, version_ids: tuple[str, ...]) -> Issued:
        for _ in range(_TRIES):
            read_at = self._steady()
            self.queries += 1
            issued = self._store.issued(version_ids)
            if self._snapshot.take(issued, read_at):
                return issued
        raise StoreUnavailable(
            "The store answers with older rows than it did before.",
            advice="Check whether a connection goes to a replica that lags.",
        )

    @staticmethod
    def _fail(wishes: dict[str, Future[StoredVersion | None]], error: KeyrecError) -> None:
        for wish in wishes.values():
            wish.set_exception(StoreUnavailable(error.message, advice=error.advice))


def _closed() -> StoreUnavailable:
    return StoreUnavailable("The verifier is closed.", advice="Open a new one.")


def _failed(fault: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"Reading a row failed: {type(fault).__name__}.")
