"""A clock that stands still and chance that repeats itself."""

from __future__ import annotations

import hashlib
import itertools
import threading
import uuid
from datetime import datetime, timedelta, timezone

from reconciler.model.token import ALPHABET

START = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)


class FakeClock:
    """Wall time that moves only when told to."""

    def __init__(self, start: datetime = START) -> None:
        """Stand at `start`."""
        self._now = start

    def now(self) -> datetime:
        """Give the time, aware, in UTC."""
        return self._now

    def advance(self, duration: timedelta) -> datetime:
        """Move on and give the new time."""
        self._now += duration
        return self._now


class FakeEntropy:
    """Drawn digits and ids that are the same in every run with the same seed, and never repeat."""

    def __init__(self, seed: str = "keyrec") -> None:
        """Two instances with different seeds draw different things."""
        self._seed = seed
        self._draws = itertools.count(1)
        self._lock = threading.Lock()

    def base62(self, length: int) -> str:
        """Draw digits."""
        stretched = b"".join(self._block(length // 32 + 1))
        return "".join(ALPHABET[byte % 62] for byte in stretched[:length])

    def identifier(self) -> str:
        """Draw an id with the form of a version 4 UUID."""
        return str(uuid.UUID(bytes=self._block(1)[0][:16], version=4))

    def _block(self, count: int) -> list[bytes]:
        with self._lock:
            draw = next(self._draws)
        return [
            hashlib.sha256(f"{self._seed}/{draw}/{number}".encode()).digest()
            for number in range(count)
        ]
