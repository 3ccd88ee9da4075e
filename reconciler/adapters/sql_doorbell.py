"""Being told of changes by PostgreSQL (NOTIFY), so that nobody has to wait for the next look.

A help and no more: behind a pooler between transactions nothing is heard, and a file has no bell.
Trouble of any kind means that nothing was heard; whoever listens looks by itself all the same.
"""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

CHANNEL = "keyrec"
"""Every commit that appends an audit event rings it."""
_TURN_SECONDS = 1.0
"""How long it listens without looking whether it was closed."""


class Doorbell:
    """One connection that listens, opened when it is first waited for."""

    def __init__(self, engine: Engine) -> None:
        """Listen to nothing yet."""
        self._engine = engine
        self._has_bell = engine.dialect.name == "postgresql"
        self._connection: Any = None
        self._is_closed = threading.Event()
        self._turn = threading.Lock()

    def wait(self, seconds: float) -> bool:
        """Wait for a ring, at the longest for so many seconds; whether there was one."""
        if not self._has_bell:
            self._is_closed.wait(seconds)
            return False
        left = seconds
        while left > 0 and not self._is_closed.is_set():
            heard = self._listen(min(left, _TURN_SECONDS))
            if heard:
                return True
            if heard is None:
                self._is_closed.wait(left)
                return False
            left -= _TURN_SECONDS
        return False

    def close(self) -> None:
        """Let whoever waits return, and hang up after the turn."""
        self._is_closed.set()
        if self._turn.acquire(timeout=2 * _TURN_SECONDS):
            self._hang_up()
            self._turn.release()

    def _listen(self, seconds: float) -> bool | None:
        """Listen for one turn; whether it rang, None after a trouble."""
        troubles: tuple[type[Exception], ...]
        troubles = (SQLAlchemyError, OSError, self._engine.dialect.loaded_dbapi.Error)
        with self._turn:
            try:
                if self._connection is None:
                    self._connection = self._opened()
                rings = self._connection.notifies(timeout=seconds, stop_after=1)
                return bool(list(rings))
            except troubles:
                self._hang_up()
                return None
            finally:
                if self._is_closed.is_set():
                    self._hang_up()

    def _opened(self) -> Any:
        """Take a connection out of the pool for good."""
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        try:
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
