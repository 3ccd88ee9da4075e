"""Bringing what a commit changed to the database: a constant number of statements.

The order keeps the database's own rules true after every row: addresses are left before they are
taken, operations closed before others open on their path, keys made before what refers to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, update

from reconciler.adapters.sql_among import among
from reconciler.adapters.sql_tables import (
    attempts,
    key_versions,
    keys,
    operations,
    resources,
    sink_paths,
)
from reconciler.adapters.sql_work import Work


def flush(connection: Connection, work: Work) -> None:
    """Write every change of the work."""
    _leave_addresses(connection, work)
    _update(connection, keys, work.keys.changed)
    _insert(connection, keys, work.keys.new)
    _update(connection, operations, work.operations.changed)
    _insert(connection, operations, work.operations.new)
    _insert(connection, attempts, work.attempts)
    _update(connection, key_versions, work.versions.changed)
    hashed = [{**row, "secret_hash": work.hashes[row["version_id"]]} for row in work.versions.new]
    _insert(connection, key_versions, hashed)
    _update(connection, sink_paths, work.paths.changed)
    _insert(connection, sink_paths, work.paths.new)
    _drop_resources(connection, work)
    _update(connection, resources, work.resources.changed)
    _insert(connection, resources, work.resources.new)


def _leave_addresses(connection: Connection, work: Work) -> None:
    """Move keys away from addresses that other rows of this commit may take: names are freed in
    one statement before any new name is written, so even two keys can change places.
    """
    if work.vacated:
        leaving = among(connection, (keys.c.key_id,), ((key_id,) for key_id in work.vacated))
        # No legal name starts with this character.
        connection.execute(update(keys).where(leaving).values(name="#" + keys.c.key_id))


def _insert(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    listed = [dict(row) for row in rows]
    if listed:
        connection.execute(insert(table), listed)


def _update(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write whole rows by their primary key."""
    own = [column.name for column in table.primary_key]
    listed = [
        {(f"at_{name}" if name in own else name): value for name, value in row.items()}
        for row in rows
    ]
    if listed:
        where = and_(*(table.c[name] == bindparam(f"at_{name}") for name in own))
        values: dict[str, Any] = {name: bindparam(name) for name in listed[0] if name in table.c}
        connection.execute(update(table).where(where).values(values), listed)


def _drop_resources(connection: Connection, work: Work) -> None:
    if work.resources.dropped:
        place = (resources.c.kind, resources.c.workspace, resources.c.name)
        connection.execute(
            delete(resources).where(among(connection, place, work.resources.dropped))
        )
