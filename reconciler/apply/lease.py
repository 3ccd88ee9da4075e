"""Holding the lease while a run works: waiting for it, renewing it, giving it back.

One run at a time and manager. Losing the lease stops the run; the fence in every transaction is
what makes that safe, this thread only makes it rare.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from reconciler.apply.doors import Doors
from reconciler.errors import Interrupted, KeyrecError, LeaseLost, Locked
from reconciler.model.journal import LEASE_RENEWAL, Fence, Lease

POLL = 1.0
"""Seconds between two looks at a lease that another run holds."""


@contextmanager
def held_lease(
    doors: Doors,
    manager: str,
    *,
    holder: str,
    timeout: timedelta,
    stop: threading.Event,
) -> Iterator[Lease]:
    """Take the lease, renew it until the block ends, give it back; `stop` ends the waiting.

    Raises:
        Locked: another run still held it after `timeout`.
        Interrupted: `stop` was set while it waited.
    """
    lease = _acquire(doors, manager, holder=holder, timeout=timeout, stop=stop)
    ended = threading.Event()
    renewer = threading.Thread(
        target=_renew, args=(doors, lease.fence, ended), name="keyrec-lease", daemon=True
    )
    renewer.start()
    try:
        yield lease
    finally:
        ended.set()
        renewer.join(timeout=LEASE_RENEWAL.total_seconds())
        _give_back(doors, lease.fence)


def _acquire(
    doors: Doors, manager: str, *, holder: str, timeout: timedelta, stop: threading.Event
) -> Lease:
    run_id = doors.entropy.identifier()
    waited = 0.0
    while True:
        lease = doors.store.acquire_lease(manager, holder=holder, run_id=run_id)
        if lease is not None:
            return lease
        if stop.is_set():
            raise Interrupted("interrupted while waiting for the lease; nothing was applied")
        if waited >= timeout.total_seconds():
            raise _locked(doors, manager)
        doors.sleep(POLL)
        waited += POLL


def _locked(doors: Doors, manager: str) -> Locked:
    lease = doors.store.lease(manager)
    who = "another run" if lease is None else f"{lease.holder}, since {_moment(lease)}"
    return Locked(
        f"{manager} is locked by {who}",
        advice="wait for it (--lock-timeout), or look with keyrec lock status; "
        "a dead run's lock ends by itself after 30 seconds",
    )


def _moment(lease: Lease) -> str:
    return f"{lease.acquired_at:%Y-%m-%d %H:%M:%S} UTC"


def _renew(doors: Doors, fence: Fence, ended: threading.Event) -> None:
    """Renew until the run has ended or the lease is lost.

    Nothing is told: the next transaction meets the fence, and an unreachable store commits nothing.
    """
    while not ended.wait(LEASE_RENEWAL.total_seconds()):
        try:
            doors.store.renew_lease(fence)
        except LeaseLost:
            return
        except KeyrecError:
            continue


def _give_back(doors: Doors, fence: Fence) -> None:
    """Give the lease back; where that fails it runs out by itself."""
    try:
        doors.store.release_lease(fence)
    except KeyrecError:
        return
