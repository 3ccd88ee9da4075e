"""Transactions on one database: begun, run again where that is safe, ended, errors translated.

The rule that lives here: work runs in one transaction from start to end, may run more than once,
and is only ever repeated when the earlier try was certainly rolled back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, RootTransaction, func, select
from sqlalchemy.exc import SQLAlchemyError

from reconciler.adapters.sql_engine import (
    WRITES,
    has_file,
    is_sqlite,
    limit_transaction,
    open_engine,
    place_of,
    read_url,
)
from reconciler.adapters.sql_errors import INIT_ADVICE, Stage, is_worth_repeating, translate
from reconciler.adapters.sql_tables import SCHEMA_VERSION, meta
from reconciler.adapters.sql_types import Instant
from reconciler.errors import KeyrecError, StoreOutdated
from reconciler.ports import Clock

Answer = TypeVar("Answer")

_TRIES = 4


class Database:
    """One opened store: transactions and the time."""

    def __init__(self, url: str, clock: Clock | None, *, keeps_file: bool = True) -> None:
        """Read the URL; nothing is opened before the first transaction.

        `keeps_file`: as `sql_engine.open_engine`.
        """
        self.url = read_url(url)
        if clock is None and is_sqlite(self.url):
            raise ValueError("SQLite has no time of its own: give a clock")
        self.place = place_of(self.url)
        self.engine = open_engine(self.url, keeps_file=keeps_file)
        self._clock = clock
        self._is_checked = False

    def now(self, connection: Connection) -> datetime:
        """Give the database's time at this moment, not at the transaction's start."""
        if self._clock is not None:
            return self._clock.now()
        return connection.execute(select(func.clock_timestamp(type_=Instant))).scalar_one()

    def read(self, work: Callable[[Connection], Answer]) -> Answer:
        """Run work that changes nothing, on one consistent view of the store."""
        return self._run(work, writes=False, checked=True)

    def write(self, work: Callable[[Connection], Answer]) -> Answer:
        """Run work that changes the store; CommitUnknown where its end is not known."""
        return self._run(work, writes=True, checked=True)

    def write_unchecked(self, work: Callable[[Connection], Answer]) -> Answer:
        """Run work that changes the store, whatever tables are there."""
        return self._run(work, writes=True, checked=False)

    def stored_version(self) -> int | None:
        """Give the version of the tables; None where there are none."""
        if not has_file(self.url):
            return None
        try:
            return self._run(_read_version, writes=False, checked=False)
        except StoreOutdated:
            return None

    def check(self) -> None:
        """Return where the tables are this program's; else StoreOutdated."""
        self._require_version(self.stored_version())

    def _require_version(self, version: int | None) -> None:
        if version is None:
            raise StoreOutdated(f"there is no store yet ({self.place})", advice=INIT_ADVICE)
        if version < SCHEMA_VERSION:
            raise StoreOutdated(
                f"the store ({self.place}) is of version {version}, "
                f"this program needs {SCHEMA_VERSION}",
                advice=INIT_ADVICE,
            )
        if version > SCHEMA_VERSION:
            raise StoreOutdated(
                f"the store ({self.place}) is of version {version}, "
                f"this program knows only {SCHEMA_VERSION}",
                advice="use a newer keyrec",
            )

    def _run(self, work: Callable[[Connection], Answer], *, writes: bool, checked: bool) -> Answer:
        if checked and not self._is_checked:
            self.check()
            self._is_checked = True
        for tries_left in reversed(range(_TRIES)):
            outcome = self._try(work, writes=writes)
            if not isinstance(outcome, _Failure):
                return outcome
            if not outcome.is_repeatable or tries_left == 0:
                # Raised outside every handler: the driver's error may repeat stored values.
                raise outcome.error
        raise AssertionError("the last try returns or raises")

    def _try(self, work: Callable[[Connection], Answer], *, writes: bool) -> Answer | _Failure:
        stage = Stage.CONNECTING
        try:
            with self.engine.connect() as opened:
                connection = opened.execution_options(**self._options(writes=writes))
                stage = Stage.WORKING
                transaction = connection.begin()
                limit_transaction(connection)
                answer = work(connection)
                if writes:
                    stage = Stage.COMMITTING
                    _commit(connection, transaction)
                return answer
        except SQLAlchemyError as error:
            return _Failure(
                error=translate(error, stage, self.place),
                is_repeatable=is_worth_repeating(error, stage),
            )

    def _options(self, *, writes: bool) -> dict[str, Any]:
        if is_sqlite(self.url):
            return {WRITES: writes}
        if writes:
            return {WRITES: True, "isolation_level": "READ COMMITTED"}
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """Why one try came to nothing."""

    error: KeyrecError
    is_repeatable: bool


def _commit(connection: Connection, transaction: RootTransaction) -> None:
    """Send COMMIT; a connection on which it failed may still be inside, and is not used again."""
    try:
        transaction.commit()
    except SQLAlchemyError:
        connection.invalidate()
        raise


def _read_version(connection: Connection) -> int | None:
    return connection.execute(select(meta.c.schema_version)).scalar_one_or_none()
