"""The lease on SQL: one row to a manager, judged by the database's time under the row's lock.

The row stays for ever so that its epoch only rises; nobody holds it where it names no run. Taking,
renewing and giving back can be repeated with the same run id without harm.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from reconciler.adapters.sql_audit import Author, lock_chain
from reconciler.adapters.sql_database import Database
from reconciler.adapters.sql_run_tables import commits, leases
from reconciler.errors import LeaseLost
from reconciler.model.audit import BY_HAND, AuditNote
from reconciler.model.journal import LEASE_TIME_TO_LIVE, Fence, Lease

ANSWERS_KEPT = timedelta(days=7)
"""A commit is repeated within minutes or never; its answer is kept far longer than that."""


class Leases:
    """What can be done with leases, each inside one transaction of its caller."""

    def __init__(self, database: Database) -> None:
        """Ask this database for the time."""
        self._database = database

    def read(self, connection: Connection, manager: str) -> Lease | None:
        """Give the lease, held or run out; None where nobody has it."""
        return _lease(connection.execute(_row_of(manager)).one_or_none())

    def lock_fence(self, connection: Connection, fence: Fence) -> Lease:
        """Keep everybody from taking the lease before this transaction ends.

        Whether its time has run out is for the caller to see, once it has all its locks.
        """
        wanted = _row_of(fence.manager).with_for_update(read=True)
        lease = _lease(connection.execute(wanted).one_or_none())
        if lease is None or lease.fence != fence:
            raise lost(fence)
        return lease

    def acquire(
        self, connection: Connection, manager: str, *, holder: str, run_id: str
    ) -> Lease | None:
        """Take the lease where it is free; None where another run holds it."""
        row = connection.execute(_row_of(manager).with_for_update()).one_or_none()
        now, held = self._database.now(connection), _lease(row)
        expires_at = now + LEASE_TIME_TO_LIVE
        if held is not None and not held.is_free(now):
            if held.run_id != run_id:
                return None
            # Ours from a first try whose answer was lost.
            return _store(connection, replace(held, expires_at=expires_at))
        lease = Lease(
            manager=manager,
            epoch=1 if row is None else row.epoch + 1,
            run_id=run_id,
            holder=holder,
            acquired_at=now,
            expires_at=expires_at,
        )
        _forget_answers(connection, now)
        if row is None:
            connection.execute(insert(leases), [{"manager": manager, **_values(lease)}])
            return lease
        return _store(connection, lease)

    def renew(self, connection: Connection, fence: Fence) -> Lease:
        """Extend the lease; LeaseLost where it is not ours or has run out."""
        wanted = _row_of(fence.manager).with_for_update()
        held = _lease(connection.execute(wanted).one_or_none())
        now = self._database.now(connection)
        if held is None or held.fence != fence or held.is_free(now):
            raise lost(fence)
        return _store(connection, replace(held, expires_at=now + LEASE_TIME_TO_LIVE))

    def release(self, connection: Connection, fence: Fence) -> None:
        """Give the lease back where it is ours."""
        is_ours = (
            (leases.c.manager == fence.manager)
            & (leases.c.epoch == fence.epoch)
            & (leases.c.run_id == fence.run_id)
        )
        connection.execute(update(leases).where(is_ours).values(run_id=None))

    def end(self, connection: Connection, manager: str, *, actor: str) -> Lease | None:
        """Take the lease from whoever holds it, and say so in the audit chain."""
        row = connection.execute(_row_of(manager).with_for_update()).one_or_none()
        chain = lock_chain(connection)
        now, held = self._database.now(connection), _lease(row)
        if held is None or held.is_free(now):
            return None
        ended = update(leases).where(leases.c.manager == manager).values(run_id=None)
        connection.execute(ended)
        detail = (("epoch", str(held.epoch)), ("holder", held.holder), ("runId", held.run_id))
        note = AuditNote(
            event="lease-ended", address=f"lease/{manager}", reason=BY_HAND, detail=detail
        )
        chain.append(note, Author(at=now, actor=actor), subject=None)
        chain.store(connection)
        return held


def lost(fence: Fence) -> LeaseLost:
    """Give the error of a run whose lease is gone."""
    return LeaseLost(
        f"this run has lost the lease of {fence.manager}: it ran out, was ended or was taken",
        advice="run the command again: it goes on from what was stored",
    )


def _row_of(manager: str) -> Select[Any]:
    return select(leases).where(leases.c.manager == manager)


def _lease(row: Row[Any] | None) -> Lease | None:
    if row is None or row.run_id is None:
        return None
    return Lease(
        manager=row.manager,
        epoch=row.epoch,
        run_id=row.run_id,
        holder=row.holder,
        acquired_at=row.acquired_at,
        expires_at=row.expires_at,
    )


def _values(lease: Lease) -> dict[str, Any]:
    return {
        "epoch": lease.epoch,
        "run_id": lease.run_id,
        "holder": lease.holder,
        "acquired_at": lease.acquired_at,
        "expires_at": lease.expires_at,
    }


def _store(connection: Connection, lease: Lease) -> Lease:
    mine = leases.c.manager == lease.manager
    connection.execute(update(leases).where(mine).values(_values(lease)))
    return lease


def _forget_answers(connection: Connection, now: datetime) -> None:
    """Drop what nobody can ask for any more, so that the table does not grow for ever."""
    connection.execute(delete(commits).where(commits.c.at < now - ANSWERS_KEPT))
