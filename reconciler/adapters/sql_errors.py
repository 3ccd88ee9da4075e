"""What a database's trouble means to us: nothing was done, or the outcome is not known.

Messages hold the place of the store without its password, and the kind of trouble; never the
statement, its parameters or the database's own details, which may repeat stored values. What the
server says while a connection is opened is repeated: no value of ours was sent yet.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import Enum

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.errors import CommitUnknown, KeyrecError, StoreOutdated, StoreUnavailable

INIT_ADVICE = "run: keyrec init"

_AGAIN = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "23505",  # unique violation: another transaction was faster, look again
}
_ROLLED_BACK_CLASSES = ("23", "40")
"""Classes of SQLSTATE with which COMMIT itself says that it did not happen."""
_ADVICE = {
    "28P01": "check the user and password of the store's URL",
    "28000": "check the user of the store's URL and the server's pg_hba.conf",
    "3D000": "create the database, then run: keyrec init",
    "42501": "grant the role what docs/reference/store.md lists",
    "55P03": "another transaction is under way; try again",
    "57014": "the server ended a statement that took too long; try again",
    "53300": "the server has no connection left; try again or use a pooler",
    "25006": "the server is read-only: reach the primary",
}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SQLITE_DEFINITE = {*_BUSY, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_FULL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which store, as messages name it."""

    name: str
    """Kind, host and database, or the file: no user, no password, no options."""
    password: str | None = None
    """Taken out of everything that is repeated."""

    def __repr__(self) -> str:
        """Keep the password out of every traceback."""
        return f"Place({self.name!r})"

    def __str__(self) -> str:
        return self.name


class Stage(Enum):
    """How far a transaction had come."""

    CONNECTING = "connecting"
    WORKING = "working"
    COMMITTING = "committing"


def is_worth_repeating(error: SQLAlchemyError, stage: Stage) -> bool:
    """Whether the transaction was certainly rolled back, and may well succeed if run again."""
    if stage is Stage.CONNECTING or not isinstance(error, DBAPIError):
        return False
    if stage is Stage.COMMITTING and not _is_rolled_back(error):
        return False
    is_constraint = _sqlite_code(error) == sqlite3.SQLITE_CONSTRAINT
    return is_constraint or error.connection_invalidated or _state(error) in _AGAIN


def translate(error: SQLAlchemyError, stage: Stage, place: Place) -> KeyrecError:
    """Say in our words what happened at `place`."""
    if stage is Stage.COMMITTING and not _is_rolled_back(error):
        return CommitUnknown(
            f"the store ({place}) did not say whether a transaction was committed",
            advice="run the same command again: it goes on from what was stored",
        )
    if _is_missing_table(error):
        return StoreOutdated(f"the store ({place}) has no tables of keyrec", advice=INIT_ADVICE)
    trouble = _trouble(error)
    if stage is Stage.CONNECTING and _sqlite_code(error) is None:
        trouble = f"cannot be reached: {_answer(error, place)}"
    return StoreUnavailable(f"the store ({place}) {trouble}", advice=_advice(error))


def _is_rolled_back(error: SQLAlchemyError) -> bool:
    state = _state(error)
    if state is not None:
        return state.startswith(_ROLLED_BACK_CLASSES)
    return _sqlite_code(error) in _SQLITE_DEFINITE


def _is_missing_table(error: SQLAlchemyError) -> bool:
    if _state(error) in {"42P01", "42703", "3F000"}:
        return True
    original = getattr(error, "orig", None)
    is_sqlite = isinstance(original, sqlite3.OperationalError)
    return is_sqlite and str(original).startswith(("no such table", "no such column"))


def _answer(error: SQLAlchemyError, place: Place) -> str:
    """Give the last thing that the driver said about a connection that did not come about."""
    lines = str(getattr(error, "orig", None) or "no answer").strip().splitlines()
    answer = lines[-1].strip()
    return answer.replace(place.password, "***") if place.password else answer


def _trouble(error: SQLAlchemyError) -> str:
    code, state = _sqlite_code(error), _state(error)
    if code in _BUSY:
        return "is locked by another program"
    if code == sqlite3.SQLITE_READONLY or state == "25006":
        return "cannot be written to"
    if code == sqlite3.SQLITE_NOTADB:
        return "is not a database"
    if state is not None:
        return f"refused (SQLSTATE {state})"
    if code is not None:
        return f"failed ({getattr(getattr(error, 'orig', None), 'sqlite_errorname', code)})"
    return "stopped answering"


def _advice(error: SQLAlchemyError) -> str:
    code, state = _sqlite_code(error), _state(error)
    if code in _BUSY:
        return "wait for the other program to end, then try again"
    if code is not None:
        return "check the file, its rights and the free space of its file system"
    return _ADVICE.get(state or "", "check that the server runs and that the store's URL is right")


def _state(error: SQLAlchemyError) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _sqlite_code(error: SQLAlchemyError) -> int | None:
    """Give SQLite's primary result code."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
