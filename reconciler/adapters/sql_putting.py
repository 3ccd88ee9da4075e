"""Writing many rows of one table: one statement, whatever their number.

On PostgreSQL the rows travel as one JSON text that the server unfolds by the table's own types: it
plans one statement, not one for each row. SQLite plans once and is called for each row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnClause,
    Connection,
    Insert,
    Table,
    TableValuedAlias,
    Text,
    Update,
    and_,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
    update,
)

from reconciler.adapters.sql_types import in_json

Row = Mapping[str, Any]
_ROWS = "rows"
"""The parameter that holds the text."""
_KEPT = 32
"""Statements that are kept; there are fewer tables."""


def put_new(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert whole rows."""
    listed = list(rows)
    if not listed:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(_insertion(table, tuple(listed[0])), _as_text(listed))
    else:
        connection.execute(insert(table), listed)


def put_changed(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Write whole rows by their primary key; what a row does not name stays as it is."""
    listed = list(rows)
    if not listed:
        return
    own = [c.name for c in table.primary_key]
    others = tuple(name for name in listed[0] if name not in own)
    if connection.dialect.name == "postgresql":
        connection.execute(_change(table, others), _as_text(listed))
        return
    where = and_(*(table.c[name] == bindparam(f"at_{name}") for name in own))
    places = [{f"at_{n}" if n in own else n: v for n, v in row.items()} for row in listed]
    connection.execute(
        update(table).where(where).values({name: bindparam(name) for name in others}), places
    )


@lru_cache(maxsize=_KEPT)
def _insertion(table: Table, names: tuple[str, ...]) -> Insert:
    given = _unfolded(table)
    wanted = select(*(given.c[name] for name in names))
    return insert(table).from_select(names, wanted, include_defaults=False)


@lru_cache(maxsize=_KEPT)
def _change(table: Table, names: tuple[str, ...]) -> Update:
    given = _unfolded(table)
    same = and_(*(c == given.c[c.name] for c in table.primary_key))
    return update(table).where(same).values({name: given.c[name] for name in names})


def _unfolded(table: Table) -> TableValuedAlias:
    """Give the rows as a table: each column is read by the type that the table gives it."""
    shape: ColumnClause[Any] = literal_column(f"NULL::{table.name}")
    text = cast(bindparam(_ROWS, type_=Text), JSON)
    unfolded = func.json_populate_recordset(shape, text)
    return unfolded.table_valued(*(column(c.name, c.type) for c in table.c), name="given")


def _as_text(rows: Sequence[Row]) -> dict[str, str]:
    return {_ROWS: json.dumps(rows, default=in_json)}
