"""Reading keys whole, with every version that they ever had: one that is asked for by its address,
and those of other managers that are to be adopted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, and_, select

from reconciler.adapters.sql_among import among
from reconciler.adapters.sql_records import address_of_key, record_of
from reconciler.adapters.sql_rows import KeyRow, VersionRow
from reconciler.adapters.sql_tables import is_live, is_open, key_versions, keys, operations
from reconciler.adapters.sql_uses import select_versions
from reconciler.model.keys import KeyAddress, KeyRecord
from reconciler.model.states import ForeignRecord


def with_all_versions(connection: Connection, condition: ColumnElement[bool]) -> list[KeyRecord]:
    """Give the keys of the condition with every version that they ever had, newest key first."""
    rows = [
        cast("KeyRow", row) for row in connection.execute(select(keys).where(condition)).mappings()
    ]
    wanted = select_versions().where(
        among(connection, (key_versions.c.key_id,), ((row["key_id"],) for row in rows))
    )
    found = connection.execute(wanted).mappings().all()
    versions, uses = by_key(found), last_uses(found)
    newest_first = sorted(rows, key=lambda row: -row["audit_sequence"])
    return [record_of(row, versions.get(row["key_id"], ()), uses) for row in newest_first]


def last_uses(rows: Iterable[Any]) -> dict[str, datetime]:
    """Give the last use of each version that was ever used, by its id."""
    return {r["version_id"]: r["last_used_at"] for r in rows if r["last_used_at"] is not None}


def by_key(rows: Iterable[Any]) -> dict[str, list[VersionRow]]:
    """Give versions by the key that they belong to, oldest first."""
    found: defaultdict[str, list[VersionRow]] = defaultdict(list)
    for row in rows:
        found[row["key_id"]].append(row)
    for versions in found.values():
        if len(versions) > 1:
            versions.sort(key=lambda version: version["audit_sequence"])
    return dict(found)


def read_foreign(
    connection: Connection, manager: str, whole: frozenset[KeyAddress]
) -> tuple[ForeignRecord, ...]:
    """Give the live records that are not this manager's, sorted; those of `whole` in full."""
    is_foreign = keys.c.manager.is_distinct_from(manager)
    wanted = select(keys.c.workspace, keys.c.name, keys.c.manager, keys.c.sink_path)
    rows = connection.execute(wanted.where(is_live, is_foreign)).mappings()
    records = _live_records(connection, whole)
    busy = _busy(connection, records)
    found = (_foreign_record(cast("KeyRow", row), records, busy) for row in rows)
    return tuple(sorted(found, key=lambda record: record.address))


def _foreign_record(
    row: KeyRow, records: Mapping[KeyAddress, KeyRecord], busy: frozenset[str]
) -> ForeignRecord:
    address = address_of_key(row)
    record = records.get(address)
    return ForeignRecord(
        address=address,
        manager=row["manager"],
        sink_path=row["sink_path"],
        record=record,
        is_busy=record is not None and record.key_id in busy,
    )


def _live_records(
    connection: Connection, addresses: frozenset[KeyAddress]
) -> dict[KeyAddress, KeyRecord]:
    """Give the live records of these addresses with all their versions."""
    if not addresses:
        return {}
    places = among(
        connection, (keys.c.workspace, keys.c.name), ((a.workspace, a.name) for a in addresses)
    )
    return {r.address: r for r in with_all_versions(connection, and_(is_live, places))}


def _busy(connection: Connection, records: Mapping[KeyAddress, KeyRecord]) -> frozenset[str]:
    """Give the ids of those keys for which an operation is open."""
    if not records:
        return frozenset()
    theirs = among(connection, (operations.c.key_id,), ((r.key_id,) for r in records.values()))
    rows = connection.execute(select(operations.c.key_id).where(is_open, theirs))
    return frozenset(row.key_id for row in rows)
