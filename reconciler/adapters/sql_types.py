"""How our values become columns, the same on SQLite and PostgreSQL.

Compatibility: these forms are stored. Instants are `timestamptz` on PostgreSQL and RFC 3339 text in
UTC with microseconds on SQLite (text order is time order); durations are whole microseconds; words
of enumerations are their values.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from typing import Any, Generic, TypeVar

from sqlalchemy import TIMESTAMP, BigInteger, Text, TypeDecorator
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeEngine

from reconciler.model.canonical import instant

Word = TypeVar("Word", bound=StrEnum)

_MICROSECOND = timedelta(microseconds=1)


def in_json(value: object) -> str | int:
    """Write a value that JSON has no form for as PostgreSQL's columns read it from a text."""
    if isinstance(value, datetime):
        _require_aware(value)
        return value.isoformat()
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    raise TypeError(f"no column holds {type(value).__name__}")


def _require_aware(value: datetime) -> None:
    if value.tzinfo is None:
        raise ValueError("an instant in the store is aware")


class Instant(TypeDecorator[datetime]):
    """An aware moment in UTC."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        """Choose the column's own type."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """Refuse naive moments: they mean another time elsewhere."""
        if value is not None:
            _require_aware(value)
        return value if dialect.name == "postgresql" else instant(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Give what reads a value in UTC: one call for each row."""
        del coltype
        return _utc if dialect.name == "postgresql" else _moment


class Duration(TypeDecorator[timedelta]):
    """A length of time."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        """Count microseconds."""
        del dialect
        return None if value is None else value // _MICROSECOND

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Give what reads them back."""
        del dialect, coltype
        return _length


class WordOf(TypeDecorator[Word], Generic[Word]):
    """One word of a closed set."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[Word]) -> None:
        """Name the set."""
        super().__init__()
        self.words = words
        self._by_text: dict[str | None, Word | None] = {word.value: word for word in words}
        self._by_text[None] = None

    def process_bind_param(self, value: Word | None, dialect: Dialect) -> str | None:
        """Write the plain word."""
        del dialect
        return None if value is None else self.words(value).value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Give what reads it back; a word that is none of the set raises."""
        del dialect, coltype
        return self._by_text.__getitem__


def _utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(timezone.utc)


@lru_cache(maxsize=4096)
def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


@lru_cache(maxsize=1024)
def _length(value: int | None) -> timedelta | None:
    return None if value is None else value * _MICROSECOND
