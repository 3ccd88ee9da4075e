"""`column IN (many values)` with one parameter, whatever their number.

The values travel as one JSON text that the database unfolds: no limit on parameters, one statement
text for every number, and indexes are used on both databases.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Select,
    Text,
    cast,
    column,
    func,
    literal,
    select,
    tuple_,
)


def among(
    connection: Connection, columns: Sequence[ColumnElement[Any]], values: Iterable[tuple[str, ...]]
) -> ColumnElement[bool]:
    """Give the condition that the columns together are one of the values."""
    text = json.dumps(sorted(set(values)))
    unfold = _unfold_postgresql if connection.dialect.name == "postgresql" else _unfold_sqlite
    wanted = unfold(text, len(columns))
    return columns[0].in_(wanted) if len(columns) == 1 else tuple_(*columns).in_(wanted)


def _unfold_postgresql(text: str, width: int) -> Select[*tuple[Any, ...]]:
    rows = func.json_array_elements(cast(literal(text, Text), JSON)).table_valued(
        column("value", JSON), name="wanted"
    )
    return select(*(rows.c.value.op("->>", return_type=Text)(i) for i in range(width)))


def _unfold_sqlite(text: str, width: int) -> Select[*tuple[Any, ...]]:
    rows = func.json_each(text).table_valued("value", name="wanted")
    return select(*(func.json_extract(rows.c.value, f"$[{i}]", type_=Text) for i in range(width)))
