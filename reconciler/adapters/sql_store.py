"""The key store on SQL: `KeyStore` on SQLite and PostgreSQL.

Every method is one transaction, and this module shows which: what runs inside them lives in the
other `sql_` modules. Errors are translated in `sql_database` and `sql_errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, select

from reconciler.adapters import sql_reading
from reconciler.adapters.sql_anchor import read_ended, read_hash
from reconciler.adapters.sql_audit import (
    Author,
    lock_chain,
    read_head,
    read_history,
    read_page,
)
from reconciler.adapters.sql_commit import answered_before, require_fence, run_commit
from reconciler.adapters.sql_database import Database
from reconciler.adapters.sql_fingerprint import rows_fingerprint
from reconciler.adapters.sql_flush import flush
from reconciler.adapters.sql_leases import Leases, lost
from reconciler.adapters.sql_migrating import bring_back, migrate
from reconciler.adapters.sql_resources import put_resource
from reconciler.adapters.sql_tables import resources
from reconciler.adapters.sql_uses import read_marks, write_uses
from reconciler.adapters.sql_work import Work
from reconciler.errors import CommitUnknown, StoreUnavailable
from reconciler.model.anchor import EndedVersion
from reconciler.model.audit import BY_HAND, AuditEvent, AuditNote
from reconciler.model.journal import Fence, Lease
from reconciler.model.keys import KeyAddress, KeyRecord
from reconciler.model.resources import Resource, ResourceKind
from reconciler.model.states import ObservedState
from reconciler.model.uses import UseMark, UseReport
from reconciler.model.writes import Commit, Committed
from reconciler.ports import Clock, StoredVersion

Answer = TypeVar("Answer")

_TRIES = 3


class SqlStore:
    """The issuer's memory in a SQL database."""

    def __init__(self, url: str, *, clock: Clock | None = None) -> None:
        """Name the store; nothing is opened before the first call.

        `clock` gives the database's time; SQLite needs one, PostgreSQL has its own.

        Raises:
            ConfigInvalid: the URL names no database of ours, or its driver is not installed.
        """
        self._database = Database(url, clock)
        self._leases = Leases(self._database)

    def check(self) -> None:
        """Return where the tables are of this program's version; else StoreOutdated."""
        self._database.check()

    def migrate(self) -> bool:
        """Make the store, or bring its tables to this program's form; whether it was done."""
        return migrate(self._database)

    def bring_back(self, form: int, *, actor: str) -> bool:
        """Bring the tables back to an older form, audited; whether it was done."""
        return bring_back(self._database, form, actor)

    def seed(self, policy: Resource, *, actor: str) -> bool:
        """Store the first policy; False where there is one."""
        return self._database.write(partial(self._seed, policy=policy, actor=actor))

    def now(self) -> datetime:
        """Give the database's time."""
        return self._database.read(self._database.now)

    def observe(self, manager: str, *, whole: frozenset[KeyAddress] = frozenset()) -> ObservedState:
        """Read everything of one manager in one transaction, and these foreign records whole."""

        def read(connection: Connection) -> ObservedState:
            now = self._database.now(connection)
            return sql_reading.observe(connection, manager, now, whole)

        return self._database.read(read)

    def fingerprint(self) -> str | None:
        """Give a text that is another one after any change of what is stored, uses apart."""
        return self._database.read(rows_fingerprint)

    def presented(self, version_id: str) -> StoredVersion | None:
        """Give a version with its key and hash; None where the id is unknown."""
        return self._database.read(partial(sql_reading.presented, version_id=version_id))

    def find(self, address: KeyAddress) -> tuple[KeyRecord, ...]:
        """Give all records of the address, newest first, with all their versions."""
        return self._database.read(partial(sql_reading.find, address=address))

    def family(self, key_ids: frozenset[str]) -> tuple[KeyRecord, ...]:
        """Give the keys and all that they replaced, newest first, with all their versions."""
        return self._database.read(partial(sql_reading.family, key_ids=key_ids))

    def late_attempts(self, sink_id: str, path: str) -> frozenset[int]:
        """Give what writes of abandoned operations expected of a path."""
        return self._database.read(partial(sql_reading.late_attempts, sink_id=sink_id, path=path))

    def addresses(self, name: str) -> tuple[KeyAddress, ...]:
        """Give the addresses of live records with that name, sorted."""
        return self._database.read(partial(sql_reading.addresses, name=name))

    def commit(self, commit: Commit) -> Committed:
        """Run one transaction; a commit that was done before gives its first answer."""
        require_fence(commit)
        return self._database.write(partial(self._commit, commit=commit))

    def report_uses(self, report: UseReport) -> None:
        """Remember when secrets were last presented."""
        self._repeatable(lambda c: write_uses(c, report, self._database.now(c)))

    def use_marks(self, version_ids: frozenset[str]) -> tuple[UseMark, ...]:
        """Give what verifiers saw of these versions, by version, newest first."""
        return self._database.read(partial(read_marks, version_ids=version_ids))

    def acquire_lease(self, manager: str, *, holder: str, run_id: str) -> Lease | None:
        """Take the lease where it is free, or is already this run's; None where it is not."""
        take = partial(self._leases.acquire, manager=manager, holder=holder, run_id=run_id)
        return self._repeatable(take)

    def lease(self, manager: str) -> Lease | None:
        """Give the lease, held or run out; None where nobody has it."""
        return self._database.read(partial(self._leases.read, manager=manager))

    def renew_lease(self, fence: Fence) -> Lease:
        """Extend the lease; LeaseLost where it is not ours or has run out."""
        return self._repeatable(partial(self._leases.renew, fence=fence))

    def release_lease(self, fence: Fence) -> None:
        """Give the lease back; nothing happens where it is not ours."""
        self._repeatable(partial(self._leases.release, fence=fence))

    def end_lease(self, manager: str, *, actor: str) -> Lease | None:
        """End whoever holds the lease, audited."""
        return self._database.write(partial(self._leases.end, manager=manager, actor=actor))

    def history(self, address: str) -> tuple[AuditEvent, ...]:
        """Give the audit events of an address, and of its keys under earlier names."""
        return self._database.read(partial(read_history, address=address))

    def audit_head(self) -> tuple[int, str]:
        """Give the newest event's sequence and hash."""
        return self._database.read(read_head)

    def event_hash(self, sequence: int) -> str | None:
        """Give the hash of the event of that number."""
        return self._database.read(partial(read_hash, sequence=sequence))

    def ended_versions(self, since: datetime) -> tuple[EndedVersion, ...]:
        """Give what was ended for a leak or a removal since an instant, newest first."""
        return self._database.read(partial(read_ended, since=since))

    def events(self) -> Iterator[AuditEvent]:
        """Give the whole audit chain in order, a page at a time."""
        page = self._database.read(partial(read_page, after=None))
        while page.events:
            yield from page.events
            page = self._database.read(partial(read_page, after=page.last))

    def close(self) -> None:
        """Give connections back."""
        self._database.engine.dispose()

    def _repeatable(self, work: Callable[[Connection], Answer]) -> Answer:
        """Run work that does no harm twice until its end is known."""
        for _ in range(_TRIES):
            with suppress(CommitUnknown):
                return self._database.write(work)
        raise StoreUnavailable(
            f"the store ({self._database.place}) does not answer",
            advice="check that the server runs, then try again",
        )

    def _commit(self, connection: Connection, commit: Commit) -> Committed:
        lease = None
        if commit.fence is not None:
            lease = self._leases.lock_fence(connection, commit.fence)
        chain = lock_chain(connection)
        now = self._database.now(connection)
        if lease is not None and lease.is_free(now):
            raise lost(lease.fence)
        answer = answered_before(connection, commit.commit_id)
        return run_commit(connection, commit, chain, now) if answer is None else answer

    def _seed(self, connection: Connection, *, policy: Resource, actor: str) -> bool:
        chain = lock_chain(connection)
        stored = select(resources.c.name).where(resources.c.kind == ResourceKind.POLICY)
        if connection.execute(stored).first() is not None:
            return False
        work = Work(now=self._database.now(connection), actor=actor)
        put_resource(work, policy)
        flush(connection, work)
        note = AuditNote(event="store-initialised", address=str(policy.address), reason=BY_HAND)
        chain.append(note, Author(at=work.now, actor=actor), subject=None)
        chain.store(connection)
        return True
