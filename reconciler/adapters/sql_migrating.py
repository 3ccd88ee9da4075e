"""Bringing a store's tables to this program's version.

Alembic is imported here alone, inside the function that needs it: a command that finds its store up
to date never loads it. Two programs that migrate at once wait for each other.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from reconciler.adapters.sql_database import Database
from reconciler.adapters.sql_engine import has_file, is_sqlite, make_file
from reconciler.adapters.sql_tables import SCHEMA_VERSION
from reconciler.errors import StoreUnavailable

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 4_771_304_091
"""PostgreSQL's advisory lock of those who migrate; any number that nobody else takes."""


def migrate(database: Database) -> bool:
    """Make or upgrade the tables; whether anything was done. StoreOutdated where they are newer."""
    version = database.stored_version()
    if version is not None and version >= SCHEMA_VERSION:
        database.check()
        return False
    if is_sqlite(database.url) and not has_file(database.url):
        _make_file(database)
    database.write_unchecked(upgrade)
    database.check()
    return True


def upgrade(connection: Connection) -> None:
    """Run every migration that is missing, in the transaction of the connection."""
    from alembic import command  # noqa: PLC0415 - half a second that only this call pays
    from alembic.config import Config  # noqa: PLC0415 - the same

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config(attributes={"connection": connection})
    # The percent sign is the configuration's own escape.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")


def _make_file(database: Database) -> None:
    failure: OSError | None = None
    try:
        make_file(database.url)
    except OSError as error:
        failure = error
    if failure is not None:
        raise StoreUnavailable(
            f"the store ({database.place}) cannot be made: {failure.strerror}",
            advice="check the folder and its rights",
        )
