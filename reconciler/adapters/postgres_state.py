"""Asking a database server for the state of the store alone, with nothing but its driver: a plan
that has said nothing before needs no more, and starts in half the time.

Whatever is unusual gets no answer, and the store is opened as ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import cast

import psycopg

from reconciler.adapters.postgres_sums import SUMS
from reconciler.adapters.postgres_terms import CONNECTION, LIMITS

_WORD = r"(?:[\w.~-]|%[0-9A-Fa-f]{2})+"
_VALUE = r"(?:[\w.~/=-]|%[0-9A-Fa-f]{2})+"
_PLAIN = re.compile(
    rf"postgresql(?:\+psycopg)?://(?:{_WORD}(?::{_WORD})?@)?(?P<host>[\w.-]*)(?::[0-9]+)?/[\w-]+"
    rf"(?:\?(?P<query>[a-z_]+={_VALUE}(?:&[a-z_]+={_VALUE})*))?",
    re.ASCII,
)
"""Addresses that the driver reads as SQLAlchemy does."""
_IN_THE_ADDRESS = frozenset({"hostaddr", "port", "dbname", "user", "password", "service"})
_ANSWER = f"SELECT sums.*, extract(epoch FROM clock_timestamp())::float8 FROM ({SUMS}) sums"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """What a server said."""

    text: str
    """As `KeyStore.fingerprint`."""
    at: datetime
    """The server's time, aware, in UTC."""


def is_plain(url: str) -> bool:
    """Whether an address is read in one way only, so that the store can be asked with it."""
    return _plain_names(url) is not None


def server_state(url: str) -> ServerState | None:
    """Ask the server once, by a plain address; None where no answer comes, whatever the reason."""
    names = _plain_names(url)
    if names is None:
        return None
    wanted = {name: value for name, value in CONNECTION.items() if name not in names}
    try:
        with psycopg.connect(url.replace("+psycopg", "", 1), **wanted) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute(LIMITS)
            row = connection.execute(_ANSWER).fetchone()
    except psycopg.Error:
        return None  # the store says why, when it is opened
    text, seconds = cast("tuple[str, float]", row)
    return ServerState(text=text, at=datetime.fromtimestamp(seconds, timezone.utc))


def _plain_names(url: str) -> list[str] | None:
    """Give what the address's query names; None where not everybody reads the address alike."""
    found = _PLAIN.fullmatch(url)
    if found is None:
        return None
    pairs = found["query"].split("&") if found["query"] else []
    names = [pair.partition("=")[0] for pair in pairs]
    twice = len(set(names)) < len(names) or (found["host"] and "host" in names)
    return None if twice or not _IN_THE_ADDRESS.isdisjoint(names) else names
