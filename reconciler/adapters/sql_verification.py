"""The store as a verifier sees it, on SQLite and PostgreSQL: `VerificationStore`.

Reading needs the right to read alone; a replica does. Uses are written beside the keys. A renewed
hash is written into the row of its version, only where the old one still stands, and waits there
for whoever changes that version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from ipaddress import ip_address
from typing import Any, Final
from typing import cast as as_a

from sqlalchemy import (
    JSON,
    Connection,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    null,
    select,
    update,
)
from sqlalchemy.exc import NoResultFound

from reconciler.adapters.sql_changes import changed_since, read_behind, read_mark
from reconciler.adapters.sql_database import Database
from reconciler.adapters.sql_doorbell import Doorbell
from reconciler.adapters.sql_engine import impatient, is_sqlite
from reconciler.adapters.sql_records import record_of
from reconciler.adapters.sql_rows import KeyRow, VersionRow
from reconciler.adapters.sql_tables import key_versions, keys, meta
from reconciler.adapters.sql_types import Instant
from reconciler.adapters.sql_uses import write_uses
from reconciler.model.allowlist import contains
from reconciler.model.uses import UseReport
from reconciler.ports import Clock, StoredVersion
from reconciler.verification.doors import Changes, Issued, StoreMark

_WANTED: Final = "wanted"
"""The ids that are asked for, as one JSON text."""
_MARK_WIDTH: Final = 4
_VERSION_NAMES: Final = tuple(key_versions.c.keys())
_KEY_NAMES: Final = tuple(keys.c.keys())
_KEY_AT: Final = _MARK_WIDTH + len(_VERSION_NAMES)


class SqlVerificationStore:
    """The issuer's memory in a SQL database, to be asked about presented keys."""

    def __init__(self, url: str, *, clock: Clock | None = None) -> None:
        """Name the store; nothing is opened before the first call. As `SqlStore`."""
        self._database = Database(impatient(url), clock, keeps_file=False)
        self._doorbell = Doorbell(self._database.engine)
        self._issued = _issued_statement(
            is_sqlite=is_sqlite(self._database.url), asks_time=clock is None
        )

    def changes(self, since: StoreMark | None) -> Changes:
        """Say what changed since a mark, as of one view of the store."""
        behind = self._database.read(read_behind)

        def read(connection: Connection) -> Changes:
            return changed_since(connection, since, self._mark(connection, behind))

        return self._database.read(read)

    def issued(self, version_ids: Sequence[str]) -> Issued:
        """Give these versions with their keys and hashes, by one statement."""

        def read(connection: Connection) -> Issued:
            wanted = {_WANTED: json.dumps([*version_ids])}
            rows = connection.execute(self._issued, wanted).all()
            if not rows:
                raise NoResultFound
            store_id, sequence, head, now = rows[0][:_MARK_WIDTH]
            mark = StoreMark(
                store_id=store_id,
                sequence=sequence,
                head=head,
                now=now or self._database.now(connection),
            )
            versions, damaged = _versions(rows)
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


def _issued_statement(*, is_sqlite: bool, asks_time: bool) -> Select[*tuple[Any, ...]]:
    """Give the question for the store's mark, and beside it each wanted version with its key.

    There is a row without a version where none of them is known.
    """
    text = bindparam(_WANTED, type_=Text)
    if is_sqlite:
        listed = func.json_each(text).table_valued(column("value", Text), name=_WANTED)
    else:
        unfolded = func.json_array_elements_text(cast(text, JSON))
        listed = unfolded.table_valued(column("value", Text), name=_WANTED)
    now = func.clock_timestamp(type_=Instant) if asks_time else null()
    is_wanted = key_versions.c.version_id.in_(select(listed.c.value))
    mark = meta.c.store_id, meta.c.audit_sequence, meta.c.audit_head, now.label("now")
    return (
        select(*mark, *key_versions.c, *keys.c)
        .select_from(meta)
        .outerjoin(key_versions, is_wanted)
        .outerjoin(keys, keys.c.key_id == key_versions.c.key_id)
    )


def _versions(rows: Iterable[Row[Any]]) -> tuple[Mapping[str, StoredVersion], frozenset[str]]:
    """Give the versions that can be read, and the ids of those that cannot."""
    read: dict[str, StoredVersion] = {}
    damaged: set[str] = set()
    for row in rows:
        version = dict(zip(_VERSION_NAMES, row[_MARK_WIDTH:_KEY_AT], strict=True))
        key = dict(zip(_KEY_NAMES, row[_KEY_AT:], strict=True))
        version_id = version["version_id"]
        if version_id is None:
            continue
        try:
            read[version_id] = _stored(as_a("KeyRow", key), version)
        except (ValueError, TypeError, LookupError):
            damaged.add(version_id)
    return read, frozenset(damaged)


def _stored(key: KeyRow, row: Mapping[str, Any]) -> StoredVersion:
    """Read one version. ValueError where its row cannot be understood, its ranges among it."""
    record = record_of(key, (as_a("VersionRow", row),))
    contains(record.fields.ranges or (), ip_address("0.0.0.0"))  # noqa: S104 - any address does
    return StoredVersion(record=record, version=record.versions[0], secret_hash=row["secret_hash"])
