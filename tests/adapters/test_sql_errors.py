"""What a database's trouble becomes: a table of driver errors and our words."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from reconciler.adapters.sql_errors import Place, Stage, is_worth_repeating, translate
from reconciler.errors import CommitUnknown, KeyrecError, StoreOutdated, StoreUnavailable

PLACE = Place(name="postgresql: db.example/keys", password="hunter2")
LOST = psycopg.OperationalError("server closed the connection unexpectedly")


def wrapped(original: Exception, *, is_lost: bool = False) -> DBAPIError:
    """Give the error as SQLAlchemy raises it, with a statement and parameters that hold a hash."""
    return OperationalError(
        "INSERT INTO key_versions",
        {"secret_hash": "$argon2id$x"},
        original,
        connection_invalidated=is_lost,
    )


def sqlite_error(code: int, said: str = "trouble") -> sqlite3.OperationalError:
    """Give an error of SQLite with its code."""
    error = sqlite3.OperationalError(said)
    error.sqlite_errorcode = code
    error.sqlite_errorname = f"SQLITE_{code}"
    return error


@pytest.mark.parametrize(
    ("original", "stage", "kind", "said"),
    [
        (LOST, Stage.CONNECTING, StoreUnavailable, "cannot be reached: server closed"),
        (LOST, Stage.WORKING, StoreUnavailable, "stopped answering"),
        (LOST, Stage.COMMITTING, CommitUnknown, "did not say whether"),
        (pg.AdminShutdown(), Stage.COMMITTING, CommitUnknown, "did not say whether"),
        (pg.IdleInTransactionSessionTimeout(), Stage.COMMITTING, CommitUnknown, "did not say"),
        (pg.SerializationFailure(), Stage.COMMITTING, StoreUnavailable, "SQLSTATE 40001"),
        (pg.ForeignKeyViolation(), Stage.COMMITTING, StoreUnavailable, "SQLSTATE 23503"),
        (pg.UndefinedTable(), Stage.WORKING, StoreOutdated, "no tables of keyrec"),
        (pg.UndefinedColumn(), Stage.WORKING, StoreOutdated, "no tables of keyrec"),
        (pg.LockNotAvailable(), Stage.WORKING, StoreUnavailable, "SQLSTATE 55P03"),
        (pg.InsufficientPrivilege(), Stage.WORKING, StoreUnavailable, "SQLSTATE 42501"),
        (pg.ReadOnlySqlTransaction(), Stage.WORKING, StoreUnavailable, "cannot be written"),
        (sqlite_error(sqlite3.SQLITE_BUSY), Stage.WORKING, StoreUnavailable, "is locked"),
        (sqlite_error(sqlite3.SQLITE_BUSY | 512), Stage.WORKING, StoreUnavailable, "is locked"),
        (sqlite_error(sqlite3.SQLITE_BUSY), Stage.COMMITTING, StoreUnavailable, "is locked"),
        (sqlite_error(sqlite3.SQLITE_FULL), Stage.COMMITTING, StoreUnavailable, "SQLITE_13"),
        (sqlite_error(sqlite3.SQLITE_IOERR), Stage.COMMITTING, CommitUnknown, "did not say"),
        (sqlite_error(sqlite3.SQLITE_READONLY), Stage.WORKING, StoreUnavailable, "cannot be wr"),
        (sqlite_error(sqlite3.SQLITE_NOTADB), Stage.CONNECTING, StoreUnavailable, "is not a d"),
        (
            sqlite_error(sqlite3.SQLITE_ERROR, "no such table: keys"),
            Stage.WORKING,
            StoreOutdated,
            "no tables of keyrec",
        ),
    ],
)
def test_each_trouble_has_its_error_with_advice(
    original: Exception, stage: Stage, kind: type[KeyrecError], said: str
) -> None:
    """Nothing of the statement or its parameters is repeated."""
    error = translate(wrapped(original), stage, PLACE)
    assert type(error) is kind
    assert said.replace("is not a d", "is not a database") in error.message
    assert PLACE.name in error.message
    assert error.advice
    assert "argon2id" not in error.message + error.advice


def test_a_password_is_taken_out_of_what_the_driver_says() -> None:
    """Also where the driver repeats it."""
    original = psycopg.OperationalError('connection failed: invalid "hunter2"')
    error = translate(wrapped(original), Stage.CONNECTING, PLACE)
    assert error.message.endswith('invalid "***"')
    assert "hunter2" not in repr(PLACE)


def test_a_pool_without_a_free_connection_is_unavailable() -> None:
    """An error without a driver behind it has its words too."""
    error = translate(PoolTimeout("pool"), Stage.CONNECTING, PLACE)
    assert isinstance(error, StoreUnavailable)
    assert "no answer" in error.message


@pytest.mark.parametrize(
    ("error", "stage", "is_repeated"),
    [
        (wrapped(pg.SerializationFailure()), Stage.WORKING, True),
        (wrapped(pg.SerializationFailure()), Stage.COMMITTING, True),
        (wrapped(pg.DeadlockDetected()), Stage.WORKING, True),
        (wrapped(pg.UniqueViolation()), Stage.WORKING, True),
        (wrapped(pg.LockNotAvailable()), Stage.WORKING, False),
        (wrapped(LOST, is_lost=True), Stage.CONNECTING, False),
        (wrapped(LOST, is_lost=True), Stage.WORKING, True),
        (wrapped(LOST, is_lost=True), Stage.COMMITTING, False),
        (wrapped(sqlite_error(sqlite3.SQLITE_CONSTRAINT | 1024)), Stage.WORKING, True),
        (wrapped(sqlite_error(sqlite3.SQLITE_BUSY)), Stage.WORKING, False),
        (PoolTimeout("pool"), Stage.WORKING, False),
    ],
)
def test_only_what_was_certainly_rolled_back_is_run_again(
    error: SQLAlchemyError, stage: Stage, is_repeated: bool
) -> None:
    """A lost connection is repeated before COMMIT was sent, never after."""
    assert is_worth_repeating(error, stage) is is_repeated
