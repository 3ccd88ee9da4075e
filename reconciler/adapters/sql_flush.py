"""Bringing what a commit changed to the database: a constant number of statements.

The order keeps the database's own rules true after every row: addresses are left before they are
taken, operations closed before others open on their path, keys made before what refers to them.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, update

from reconciler.adapters.sql_among import among
from reconciler.adapters.sql_putting import put_changed, put_new
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
    put_changed(connection, keys, work.keys.changed)
    put_new(connection, keys, work.keys.new)
    put_changed(connection, operations, work.operations.changed)
    put_new(connection, operations, work.operations.new)
    put_new(connection, attempts, work.attempts)
    put_changed(connection, key_versions, work.versions.changed)
    hashed = [{**row, "secret_hash": work.hashes[row["version_id"]]} for row in work.versions.new]
    put_new(connection, key_versions, hashed)
    put_changed(connection, sink_paths, work.paths.changed)
    put_new(connection, sink_paths, work.paths.new)
    _drop_resources(connection, work)
    put_changed(connection, resources, work.resources.changed)
    put_new(connection, resources, work.resources.new)


def _leave_addresses(connection: Connection, work: Work) -> None:
    """Move keys away from addresses that other rows of this commit may take: names are freed in
    one statement before any new name is written, so even two keys can change places.
    """
    if work.vacated:
        leaving = among(connection, (keys.c.key_id,), ((key_id,) for key_id in work.vacated))
        # No legal name starts with this character.
        connection.execute(update(keys).where(leaving).values(name="#" + keys.c.key_id))


def _drop_resources(connection: Connection, work: Work) -> None:
    if work.resources.dropped:
        place = (resources.c.kind, resources.c.workspace, resources.c.name)
        connection.execute(
            delete(resources).where(among(connection, place, work.resources.dropped))
        )
