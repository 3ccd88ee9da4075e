"""SQL stores for tests that look behind the port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event

from reconciler.adapters.sql_store import SqlStore


def engine_of(store: SqlStore) -> Engine:
    """Give the store's connections."""
    return store._database.engine


@contextmanager
def statements_of(store: SqlStore) -> Iterator[list[str]]:
    """Record the statements that are sent meanwhile; one for many rows counts once."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(engine_of(store), "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine_of(store), "before_cursor_execute", note)


def everything_in(error: BaseException | None) -> str:
    """Give all texts of an error and of those it was raised from."""
    said = ""
    while error is not None:
        said += repr(error) + str(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return said
