"""The store as a verifier sees it, on SQLite and PostgreSQL: `VerificationStore`.

Reading needs the right to read alone; a replica does. Uses are written beside the keys. A renewed
hash is written into the row of its version, only where the old one still stands, and waits there
for whoever changes that version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from ipaddress import ip_address
from typing import cast

from sqlalchemy import Connection, RowMapping, select, update

from reconciler.adapters.sql_among import among
from reconciler.adapters.sql_changes import changed_since, read_behind, read_mark
from reconciler.adapters.sql_database import Database
from reconciler.adapters.sql_doorbell import Doorbell
from reconciler.adapters.sql_engine import impatient
from reconciler.adapters.sql_records import record_of
from reconciler.adapters.sql_rows import KeyRow, VersionRow
from reconciler.adapters.sql_tables import key_versions, keys
from reconciler.adapters.sql_uses import write_uses
from reconciler.model.allowlist import contains
from reconciler.model.uses import UseReport
from reconciler.ports import Clock, StoredVersion
from reconciler.verification.doors import Changes, Issued, StoreMark


class SqlVerificationStore:
    """The issuer's memory in a SQL database, to be asked about presented keys."""

    def __init__(self, url: str, *, clock: Clock | None = None) -> None:
        """Name the store; nothing is opened before the first call. As `SqlStore`."""
        self._database = Database(impatient(url), clock, keeps_file=False)
        self._doorbell = Doorbell(self._database.engine)

    def changes(self, since: StoreMark | None) -> Changes:
        """Say what changed since a mark, as of one view of the store."""
        behind = self._database.read(read_behind)

        def read(connection: Connection) -> Changes:
            return changed_since(connection, since, self._mark(connection, behind))

        return self._database.read(read)

    def issued(self, version_ids: Sequence[str]) -> Issued:
        """Give these versions with their keys and hashes."""

        def read(connection: Connection) -> Issued:
            versions, damaged = _versions(connection, version_ids)
            mark = self._mark(connection, timedelta(0))
            return Issued(mark=mark, versions=versions, damaged=damaged)

        return self._database.read(read)

    def replace_hash(self, version_id: str, *, old: str, new: str) -> bool:
        """Store another hash of the same secret where the old one still stands."""
        is_it = (key_versions.c.version_id == version_id) & (key_versions.c.secret_hash == old)

        def write(connection: Connection) -> bool:
            done = connection.execute(update(key_versions).where(is_it).values(secret_hash=new))
            return done.rowcount == 1

        return self._database.write(write)

    def report_uses(self, report: UseReport) -> None:
        """Remember when secrets were presented."""
        self._database.write(partial(self._report, report=report))

    def wait(self, seconds: float) -> bool:
        """Return when a change was told, at the latest after so many seconds."""
        return self._doorbell.wait(seconds)

    def stop_waiting(self) -> None:
        """Let whoever waits return, now and from now on."""
        self._doorbell.close()

    def close(self) -> None:
        """Give connections back."""
        self._doorbell.close()
        self._database.engine.dispose()

    def _report(self, connection: Connection, *, report: UseReport) -> None:
        write_uses(connection, report, self._database.now(connection))

    def _mark(self, connection: Connection, behind: timedelta) -> StoreMark:
        store_id, sequence, head = read_mark(connection)
        return StoreMark(
            store_id=store_id,
            sequence=sequence,
            head=head,
            now=self._database.now(connection),
            behind=behind,
        )


def _versions(
    connection: Connection, version_ids: Iterable[str]
) -> tuple[Mapping[str, StoredVersion], frozenset[str]]:
    """Give the versions that can be read, and the ids of those that cannot."""
    wanted = [(version_id,) for version_id in version_ids]
    is_asked = among(connection, (key_versions.c.version_id,), wanted)
    rows = connection.execute(select(key_versions).where(is_asked)).mappings().all()
    owners = among(connection, (keys.c.key_id,), ((row["key_id"],) for row in rows))
    found = connection.execute(select(keys).where(owners)).mappings() if rows else ()
    by_id = {row["key_id"]: cast("KeyRow", row) for row in found}
    read: dict[str, StoredVersion] = {}
    damaged: set[str] = set()
    for row in rows:
        try:
            read[row["version_id"]] = _stored(by_id[row["key_id"]], row)
        except (ValueError, TypeError, LookupError):
            damaged.add(row["version_id"])
    return read, frozenset(damaged)


def _stored(key: KeyRow, row: RowMapping) -> StoredVersion:
    """Read one version. ValueError where its row cannot be understood, its ranges among it."""
    record = record_of(key, (cast("VersionRow", row),))
    contains(record.fields.ranges or (), ip_address("0.0.0.0"))  # noqa: S104 - any address does
    return StoredVersion(record=record, version=record.versions[0], secret_hash=row["secret_hash"])
