"""One short text for all that a plan reads from a database server: equal texts mean equal plans.

Every row is looked at, so a row that was changed by hand is seen as well as one that keyrec wrote.
The work is the server's: it adds up hashes of its rows, and one number for each table comes back.
A SQLite store has no such function; its file has a stamp (`file_stamp`).

No hash of a secret is read. Uses are left out: verifiers report them every minute, and a plan that
waits for them is never remembered.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, FromClause, Select, select, text

from reconciler.adapters.sql_loading import VERSION_COLUMNS
from reconciler.adapters.sql_tables import (
    attempts,
    is_open,
    keys,
    meta,
    operations,
    resources,
    sink_paths,
)

_SUMMED = text("count(*), coalesce(sum(hashtextextended(r::text, 0)), 0)")


def rows_fingerprint(connection: Connection) -> str | None:
    """Give the text for the store as one transaction sees it; None on SQLite."""
    if connection.dialect.name != "postgresql":
        return None
    return " ".join(_summed(connection, wanted) for wanted in _wanted())


def _wanted() -> tuple[Select[Any], ...]:
    own = operations.c.operation_id == attempts.c.operation_id
    return (
        select(meta),
        select(resources),
        select(keys),
        select(*VERSION_COLUMNS),
        select(sink_paths),
        select(operations).where(is_open),
        select(attempts).join(operations, own).where(is_open),
    )


def _summed(connection: Connection, wanted: Select[Any]) -> str:
    """Hash the rows of one table where they are; a sum, for they come in any order."""
    rows: FromClause = wanted.subquery("r")
    count, total = connection.execute(select(_SUMMED).select_from(rows)).one()
    return f"{count}:{total}"
