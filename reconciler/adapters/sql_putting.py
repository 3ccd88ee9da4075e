"""Writing many rows of one table: one statement, whatever their number.

On PostgreSQL the rows travel as one JSON text that the server unfolds by the table's own types: it
plans one statement, not one for each row. SQLite plans once and is called for each row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Table,
    TableValuedAlias,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)

from reconciler.adapters.sql_types import Duration, Instant

Row = Mapping[str, Any]


def put_new(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert whole rows."""
    listed = [dict(row) for row in rows]
    if not listed:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), listed)
        return
    given = _unfolded(table, listed)
    names = list(listed[0])
    wanted = select(*(given.c[name] for name in names))
    connection.execute(insert(table).from_select(names, wanted, include_defaults=False))


def put_changed(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Write whole rows by their primary key; no other column is touched."""
    listed = [dict(row) for row in rows]
    if not listed:
        return
    own = [c.name for c in table.primary_key]
    others = [name for name in listed[0] if name not in own]
    if connection.dialect.name != "postgresql":
        where = and_(*(table.c[name] == bindparam(f"at_{name}") for name in own))
        values: dict[str, Any] = {name: bindparam(name) for name in others}
        places = [{f"at_{name}": row.pop(name) for name in own} | row for row in listed]
        connection.execute(update(table).where(where).values(values), places)
        return
    given = _unfolded(table, listed)
    same = and_(*(table.c[name] == given.c[name] for name in own))
    connection.execute(update(table).where(same).values({n: given.c[n] for n in others}))


def _unfolded(table: Table, rows: list[dict[str, Any]]) -> TableValuedAlias:
    """Give the rows as a table: each column is read by the type that the table gives it."""
    text = json.dumps(rows, default=_written)
    shape = literal_column(f"NULL::{table.name}")
    unfolded = func.json_populate_recordset(shape, cast(literal(text, Text), JSON))
    return unfolded.table_valued(*(column(c.name, c.type) for c in table.c), name="given")


def _written(value: object) -> str | int | None:
    """Write what JSON has no form for, as its column is written elsewhere."""
    if isinstance(value, datetime):
        return Instant().in_text(value)
    if isinstance(value, timedelta):
        return Duration().counted(value)
    raise TypeError(f"no column holds {type(value).__name__}")
