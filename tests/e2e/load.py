"""A steady load on `keyrec serve`: clients that ask about the same keys all the time, and remember
when each answer was asked for.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

CLIENTS = 8
REQUESTS_PER_CONNECTION = 20
"""Then a client connects anew, so that every worker is met by every client."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: wall time in seconds before it was sent, and what was answered."""

    at: float
    status: int


@dataclass
class Load:
    """All that was asked, by the name of the key."""

    port: int
    keys: Mapping[str, str]
    require: str = "?require=Reviews:read"
    """Which scope the load asks for, as a query."""
    asked: dict[str, list[Asked]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.asked = {name: [] for name in self.keys}

    @contextmanager
    def running(self) -> Iterator[Load]:
        """Ask all the time while the block runs."""
        threads = [threading.Thread(target=self._ask_on) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def statuses(self, name: str) -> set[int]:
        """Give all statuses that were answered about a key."""
        return {asked.status for asked in self.asked[name]}

    def wait_for(self, name: str, status: int, *, times: int = 40) -> None:
        """Wait until a key was answered so, that often in a row; two minutes at most."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            last = self.asked[name][-times:]
            if len(last) == times and all(asked.status == status for asked in last):
                return
            time.sleep(0.01)
        raise AssertionError(f"{name} was answered {self.statuses(name)}, not {status} alone")

    def last_accepted(self, name: str) -> float:
        """Give when the last request was sent that was let through."""
        return max(asked.at for asked in self.asked[name] if asked.status == 200)

    def _ask_on(self) -> None:
        while not self._stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                for _ in range(REQUESTS_PER_CONNECTION):
                    self._ask_about_all(connection)
            except OSError as trouble:
                self.failures.append(repr(trouble))
            finally:
                connection.close()

    def _ask_about_all(self, connection: http.client.HTTPConnection) -> None:
        for name, key in self.keys.items():
            if self._stop.is_set():
                return
            at = time.time()
            headers = {"Authorization": f"Bearer {key}"}
            connection.request("GET", f"/v1/authorize{self.require}", headers=headers)
            answer = connection.getresponse()
            answer.read()
            self.asked[name].append(Asked(at, answer.status))
