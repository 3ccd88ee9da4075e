"""Reading the rows that a commit's writes touch: a constant number of statements.

Each table is asked once, with one branch for each way in which its rows are wanted, so that every
branch has its index. The caller holds the lock of the audit chain's head, which orders all
transactions that change anything; the rows read here cannot change before the commit ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
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
    return _rows(
        connection,
        tuple(table),
        (
            _Branch((table.operation_id,), wanted.operations),
            _Branch((table.key_id,), wanted.keys, where=is_open),
            _Branch((table.sink_id, table.sink_path), wanted.paths, where=is_open),
        ),
        OperationRow,
    )


def _keys(connection: Connection, work: Work, wanted: Wanted) -> list[KeyRow]:
    table = keys.c
    own = {(row["key_id"],) for row in work.operations} | wanted.keys
    replaced = table.status == KeyStatus.SUPERSEDED
    return _rows(
        connection,
        tuple(table),
        (
            _Branch((table.key_id,), own),
            _Branch((table.superseded_by,), own, where=replaced),
            _Branch((table.key_id,), wanted.successors, named_by=_SUCCESSOR),
            _Branch((table.key_id,), wanted.versions, named_by=_OWNER),
            _Branch((table.workspace, table.name), wanted.addresses, where=is_live),
        ),
        KeyRow,
    )


def _versions(connection: Connection, key_ids: set[tuple[str]], wanted: Wanted) -> list[VersionRow]:
    table = key_versions.c
    unended = table.state != VersionState.RETIRED
    branches = (
        _Branch((table.key_id,), key_ids, where=unended),
        _Branch((table.version_id,), wanted.versions),
    )
    rows = _rows(connection, VERSION_COLUMNS, branches, VersionRow)
    return sorted(rows, key=lambda row: row["audit_sequence"])


def _paths(connection: Connection, key_ids: set[tuple[str]], wanted: Wanted) -> list[SinkPathRow]:
    table = sink_paths.c
    branches = (
        _Branch((table.key_id,), key_ids),
        _Branch((table.sink_id, table.path), wanted.paths),
    )
    return _rows(connection, tuple(table), branches, SinkPathRow)


def _resources(connection: Connection, wanted: Wanted) -> list[ResourceRow]:
    table = resources.c
    branches = (_Branch((table.kind, table.workspace, table.name), wanted.resources),)
    return _rows(connection, tuple(table), branches, ResourceRow)


_SUCCESSOR = (keys.c.superseded_by, keys.c.key_id)
_OWNER = (key_versions.c.key_id, key_versions.c.version_id)


@dataclass(frozen=True, slots=True)
class _Branch:
    """One way in which rows of a table are wanted."""

    columns: Sequence[Column[Any]]
    values: AbstractSet[tuple[str, ...]]
    where: ColumnElement[bool] | None = None
    named_by: tuple[Column[Any], Column[Any]] | None = None
    """The column that names the wanted rows, and the one whose values are known."""

    def condition(self, connection: Connection) -> ColumnElement[bool]:
        """Say which rows they are."""
        if self.named_by is not None:
            named, known = self.named_by
            found = select(named).where(among(connection, (known,), self.values))
            return self.columns[0].in_(found)
        chosen = among(connection, self.columns, self.values)
        return chosen if self.where is None else and_(self.where, chosen)


def _rows(
    connection: Connection,
    columns: Sequence[Column[Any]],
    branches: Iterable[_Branch],
    kind: type[Row],
) -> list[Row]:
    """Read all rows of the branches for which anything is wanted."""
    del kind
    parts = [select(*columns).where(b.condition(connection)) for b in branches if b.values]
    if not parts:
        return []
    found = connection.execute(union_all(*parts)).mappings()
    return [cast("Row", dict(mapping)) for mapping in found]
