"""How a database is opened, so that what it says is committed stays committed.

SQLite: write-ahead log with full synchronisation, foreign keys, a writer that waits for the lock
before it reads; the file and the folders made for it belong to their owner alone. PostgreSQL: see
`postgres_terms`.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    Pool,
    QueuePool,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from reconciler.adapters.postgres_terms import CONNECTION, LIMITS
from reconciler.adapters.sql_errors import Place
from reconciler.errors import ConfigInvalid, StoreUnavailable

WRITES = "keyrec_writes"
"""Execution option of a connection whose transactions change something."""

_URL_ADVICE = "write sqlite:///keys.db or postgresql://host/database"
_ESCAPE_ADVICE = "write signs of user and password by their number: @ as %40, / as %2F, : as %3A"
_SQLITE_BUSY_SECONDS = 15
_SWITCH = "PRAGMA journal_mode=WAL"
_SWITCH_TRIES = 4
_IMPATIENCE = {
    "connect_timeout": "3",
    "keepalives_idle": "2",
    "keepalives_interval": "1",
    "keepalives_count": "3",
    "tcp_user_timeout": "5000",
}
_LIMIT_STATEMENT = text(LIMITS)


def read_url(url: str) -> URL:
    """Read a store's URL; ConfigInvalid where it names no database of ours."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None:
        raise ConfigInvalid("the store's URL cannot be read", advice=_URL_ADVICE)
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        if "@" in f"{parsed.host}{parsed.database}":
            # A part of the user or password was read as host or database, which messages name.
            raise ConfigInvalid("the store's URL cannot be read", advice=_ESCAPE_ADVICE)
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ConfigInvalid(f"the store cannot be {backend}", advice=_URL_ADVICE)
    if not parsed.database or parsed.database == ":memory:":
        raise ConfigInvalid("the store needs a file", advice=_URL_ADVICE)
    return parsed.set(drivername="sqlite+pysqlite", database=str(Path(parsed.database).absolute()))


def impatient(url: str) -> str:
    """Give a store's address for those who would rather know that it is silent: a server that has
    vanished is given up after a few seconds, unless the address says otherwise. Errors as
    `read_url`.
    """
    parsed = read_url(url)
    if is_sqlite(parsed):
        return url
    wanted = {name: value for name, value in _IMPATIENCE.items() if name not in parsed.query}
    return parsed.update_query_dict(wanted).render_as_string(hide_password=False)


def place_of(url: URL) -> Place:
    """Give the name of the store for messages."""
    if is_sqlite(url):
        return Place(name=f"sqlite: {url.database}")
    port = "" if url.port is None else f":{url.port}"
    host = url.host or url.query.get("host") or "local socket"
    return Place(name=f"postgresql: {host}{port}/{url.database or ''}", password=url.password)


def is_sqlite(url: URL) -> bool:
    """Whether the store is a file."""
    return url.get_backend_name() == "sqlite"


def open_engine(url: URL, *, keeps_file: bool = True) -> Engine:
    """Prepare connections to the store; nothing is opened yet.

    `keeps_file`: whether a file stays open between transactions. Whoever runs for weeks opens it
    anew each time: the file may have been restored from a copy meanwhile.
    """
    if is_sqlite(url):
        return _open_sqlite(url, QueuePool if keeps_file else NullPool)
    wanted = {name: value for name, value in CONNECTION.items() if name not in url.query}
    try:
        return create_engine(url, connect_args=wanted, hide_parameters=True)
    except (ImportError, NoSuchModuleError):
        failure = ConfigInvalid(
            "the driver for PostgreSQL is not installed",
            advice="install it with: pip install 'keyrec[postgres]'",
        )
    raise failure


def limit_transaction(connection: Connection) -> None:
    """Set PostgreSQL's limits for the transaction that was just begun."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LIMIT_STATEMENT)


def make_file(url: URL) -> None:
    """Make an empty store file and its folders, for their owner alone, where they are missing."""
    path = Path(url.database or "")
    for folder in reversed([f for f in path.parents if not f.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def has_file(url: URL) -> bool:
    """Whether there is something to open; a server is taken to be there.

    Raises:
        StoreUnavailable: that cannot be told.
    """
    if not is_sqlite(url):
        return True
    try:
        Path(url.database or "").stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        reason = error.strerror
    else:
        return True
    raise StoreUnavailable(
        f"the store ({place_of(url).name}) cannot be looked at: {reason}",
        advice="check the rights of the file and of the folders above it",
    )


def _open_sqlite(url: URL, pool: type[Pool]) -> Engine:
    # mode=rw: looking at a store that is not there must not make one.
    location = f"{Path(url.database or '').as_uri()}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            location,
            uri=True,
            timeout=_SQLITE_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )

    engine = create_engine(url, creator=connect, hide_parameters=True, poolclass=pool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    _use_write_ahead_log(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch a new file to the log. SQLite does not wait where another program switches it just
    now: wait for that one as a writer would, and look again.
    """
    for _ in range(_SWITCH_TRIES):
        try:
            connection.execute(_SWITCH).close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            connection.execute("BEGIN IMMEDIATE").close()
            connection.execute("ROLLBACK").close()
        else:
            return
    connection.execute(_SWITCH).close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
