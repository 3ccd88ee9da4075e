"""Bringing a store's tables to this program's version, or back to an older one.

Alembic is imported here alone, inside the function that needs it: a command that finds its store up
to date never loads it. Two programs that migrate at once wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, text

from reconciler.adapters.sql_audit import Author, lock_chain
from reconciler.adapters.sql_database import Database
from reconciler.adapters.sql_engine import has_file, is_sqlite, make_file
from reconciler.adapters.sql_tables import SCHEMA_VERSION, meta
from reconciler.errors import ConfigInvalid, StoreUnavailable
from reconciler.model.audit import BY_HAND, AuditNote

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).parent / "migrations"
FORM = "store/form"
"""What the event of a way back is about."""
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


def bring_back(database: Database, form: int, actor: str) -> bool:
    """Bring the tables back to an older form, and say so first; whether anything was done.

    Raises:
        StoreOutdated: there are no tables, or they are newer than this program.
        ConfigInvalid: there is no such form.
    """
    if not 1 <= form <= SCHEMA_VERSION:
        raise ConfigInvalid(
            f"There is no stored form {form}.", advice=f"This program knows 1 to {SCHEMA_VERSION}."
        )
    database.check()
    if form == SCHEMA_VERSION:
        return False
    work = partial(_downgrade, now=database.now, form=form, actor=actor)
    return database.write_unchecked(work)


def upgrade(connection: Connection) -> None:
    """Run every migration that is missing, in the transaction of the connection."""
    from alembic import command  # noqa: PLC0415 - half a second that only this call pays

    command.upgrade(_prepared(connection), "head")


def _downgrade(
    connection: Connection, *, now: Callable[[Connection], datetime], form: int, actor: str
) -> bool:
    """Tell the audit chain, which every form has, and go back; False where somebody just did."""
    from alembic import command  # noqa: PLC0415 - as above

    config, chain = _prepared(connection), lock_chain(connection)
    version = connection.execute(select(meta.c.schema_version)).scalar_one()
    if version <= form:
        return False
    detail = (("from", str(version)), ("to", str(form)))
    note = AuditNote(event="store-brought-back", address=FORM, reason=BY_HAND, detail=detail)
    chain.append(note, Author(at=now(connection), actor=actor), subject=None)
    chain.store(connection)
    command.downgrade(config, f"{form:04}")
    return True


def _prepared(connection: Connection) -> Config:
    """Wait for everybody else who migrates, and say where the steps are."""
    from alembic.config import Config  # noqa: PLC0415 - as above

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config(attributes={"connection": connection})
    # The percent sign is the configuration's own escape.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


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
