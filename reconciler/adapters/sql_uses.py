"""Last uses on SQL: reported by verifiers, read for planning.

Tables of their own: a report takes no lock that a change of keys waits for, and writes no column
that one writes. A use never goes back in time, and one of an unknown version is left out.

Compatibility: as `sql_tables`, whose metadata they belong to.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Insert, Table, Text, func, select
from sqlalchemy.dialects import postgresql, sqlite

from reconciler.adapters.sql_among import among
from reconciler.adapters.sql_tables import key_versions, metadata
from reconciler.adapters.sql_types import Instant
from reconciler.model.uses import UseReport, covered_until

version_uses = Table(
    "version_uses",
    metadata,
    Column("version_id", Text, primary_key=True),
    Column("last_used_at", Instant, nullable=False),
)

use_reporters = Table(
    "use_reporters",
    metadata,
    Column("reporter", Text, primary_key=True),
    Column("reported_until", Instant, nullable=False),
)


def write_uses(connection: Connection, report: UseReport, now: datetime) -> None:
    """Remember the later of what is known and what is reported, as far as it has happened."""
    report = report.as_of(now)
    told = dict(report.uses)
    known = select(key_versions.c.version_id).where(
        among(connection, (key_versions.c.version_id,), ((v,) for v in told))
    )
    ids = sorted(connection.execute(known).scalars()) if told else []
    _keep_later(
        connection,
        version_uses,
        [{"version_id": v, "last_used_at": told[v]} for v in ids],
    )
    said = {"reporter": report.reporter, "reported_until": report.until}
    _keep_later(connection, use_reporters, [said])


def read_uses(connection: Connection, version_ids: Iterable[str]) -> dict[str, datetime]:
    """Give the last use of each of these versions that was ever used."""
    wanted = [(version_id,) for version_id in version_ids]
    if not wanted:
        return {}
    rows = connection.execute(
        select(version_uses).where(among(connection, (version_uses.c.version_id,), wanted))
    )
    return {row.version_id: row.last_used_at for row in rows}


def read_uses_until(connection: Connection) -> datetime | None:
    """Give up to when all uses are known."""
    return covered_until(connection.execute(select(use_reporters.c.reported_until)).scalars())


def _keep_later(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows of an id and an instant; where the id is there, keep the later instant."""
    if not rows:
        return
    row_id, instant = table.c
    new = _insert(connection, table)
    later = func.max if connection.dialect.name == "sqlite" else func.greatest
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[row_id],
            set_={instant.name: later(instant, new.excluded[instant.name], type_=instant.type)},
        ),
        rows,
    )


def _insert(connection: Connection, table: Table) -> Any:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement: Insert = dialect.insert(table)
    return statement
