"""Reading the rows that a commit's writes touch: a constant number of statements.

Each table is asked once, with one branch for each way in which its rows are wanted, so that every
branch has its index. The caller holds the lock of the audit chain's head, which orders all
transactions that change anything; the rows read here cannot change before the commit ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import Column, ColumnElement, Connection, and_, select, union_all

from reconciler.adapters.sql_among import among
from reconciler.adapters.sql_rows import KeyRow, OperationRow, ResourceRow, SinkPathRow, VersionRow
from reconciler.adapters.sql_tables import (
    is_live,
    is_open,
    key_versions,
    keys,
    operations,
    resources,
    sink_paths,
)
from reconciler.adapters.sql_wanted import Wanted
from reconciler.adapters.sql_work import Work
from reconciler.model.keys import KeyStatus
from reconciler.model.lifetime import VersionState

Row = TypeVar("Row")

VERSION_COLUMNS = tuple(c for c in key_versions.c if c.name != "secret_hash")
"""All that is ever read of a version but its hash."""


def load(connection: Connection, work: Work, wanted: Wanted) -> None:
    """Bring the wanted rows, and those that belong to them, into the work."""
    work.learn_operations(_operations(connection, wanted))
    work.learn_keys(_keys(connection, work, wanted))
    key_ids = {(row["key_id"],) for row in work.keys}
    work.learn_versions(_versions(connection, key_ids, wanted))
    work.learn_paths(_paths(connection, key_ids, wanted))
    work.resources.learn(
        ((row["kind"].value, row["workspace"], row["name"]), row)
        for row in _resources(connection, wanted)
    )


def _operations(connection: Connection, wanted: Wanted) -> list[OperationRow]:
    table = operations.c
    by_path = among(connection, (table.sink_id, table.sink_path), wanted.paths)
    by_key = among(connection, (table.key_id,), wanted.keys)
    branches = [
        (wanted.operations, among(connection, (table.operation_id,), wanted.operations)),
        (wanted.keys, and_(is_open, by_key)),
        (wanted.paths, and_(is_open, by_path)),
    ]
    return _rows(connection, tuple(table), branches, OperationRow)


def _keys(connection: Connection, work: Work, wanted: Wanted) -> list[KeyRow]:
    table = keys.c
    own = {(row["key_id"],) for row in work.operations} | wanted.keys
    of_versions = select(key_versions.c.key_id).where(
        among(connection, (key_versions.c.version_id,), wanted.versions)
    )
    successors = select(keys.c.superseded_by).where(
        among(connection, (keys.c.key_id,), wanted.successors)
    )
    replaced = and_(
        table.status == KeyStatus.SUPERSEDED, among(connection, (table.superseded_by,), own)
    )
    branches = [
        (own, among(connection, (table.key_id,), own)),
        (own, replaced),
        (wanted.successors, table.key_id.in_(successors)),
        (wanted.versions, table.key_id.in_(of_versions)),
        (
            wanted.addresses,
            and_(is_live, among(connection, (table.workspace, table.name), wanted.addresses)),
        ),
    ]
    return _rows(connection, tuple(table), branches, KeyRow)


def _versions(connection: Connection, key_ids: set[tuple[str]], wanted: Wanted) -> list[VersionRow]:
    table = key_versions.c
    unended = and_(table.state != VersionState.RETIRED, among(connection, (table.key_id,), key_ids))
    branches = [
        (key_ids, unended),
        (wanted.versions, among(connection, (table.version_id,), wanted.versions)),
    ]
    rows = _rows(connection, VERSION_COLUMNS, branches, VersionRow)
    return sorted(rows, key=lambda row: row["audit_sequence"])


def _paths(connection: Connection, key_ids: set[tuple[str]], wanted: Wanted) -> list[SinkPathRow]:
    table = sink_paths.c
    branches = [
        (key_ids, among(connection, (table.key_id,), key_ids)),
        (wanted.paths, among(connection, (table.sink_id, table.path), wanted.paths)),
    ]
    return _rows(connection, tuple(table), branches, SinkPathRow)


def _resources(connection: Connection, wanted: Wanted) -> list[ResourceRow]:
    table = resources.c
    place = (table.kind, table.workspace, table.name)
    branches = [(wanted.resources, among(connection, place, wanted.resources))]
    return _rows(connection, tuple(table), branches, ResourceRow)


def _rows(
    connection: Connection,
    columns: Sequence[Column[Any]],
    branches: Iterable[tuple[object, ColumnElement[bool]]],
    kind: type[Row],
) -> list[Row]:
    """Read all rows of the branches for which anything is wanted."""
    del kind
    parts = [select(*columns).where(condition) for wanted, condition in branches if wanted]
    if not parts:
        return []
    found = connection.execute(union_all(*parts)).mappings()
    return [cast("Row", dict(mapping)) for mapping in found]
