"""Asking the application: one request as ASGI tells of it, one answer as it was sent."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette

from reconciler.config import Disclosure
from reconciler.server.app import Surroundings, application
from reconciler.server.authorization import Service
from reconciler.server.counts import Counts
from reconciler.verification.client_address import Forwarding
from reconciler.verification.terms import VerifierState
from tests.fakes.verifier import FakeVerifier

PEER = "198.51.100.7"
READY = VerifierState(
    is_ready=True, age=0.25, hashes=3, renewed_hashes=1, row_queries=2, refreshes=9
)


class WatchedVerifier(FakeVerifier):
    """A verifier that also says how it is."""

    state: VerifierState = READY


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What was answered; header names in small letters, as they went out."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Give a header's value."""
        return dict(self.headers).get(name.lower())

    @property
    def json(self) -> Any:
        """Give the body, decoded."""
        return json.loads(self.body)

    @property
    def same(self) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        """Give all but the request's id."""
        kept = tuple((n, v) for n, v in self.headers if n != "x-request-id")
        return self.status, kept, self.body


@dataclass(kw_only=True)
class Desk:
    """An application around a fake verifier, and a place to ask it from."""

    verifier: WatchedVerifier = field(default_factory=WatchedVerifier)
    forwarding: Forwarding = field(default_factory=Forwarding)
    disclosure: Disclosure = Disclosure.HOLDER
    realm: str = "keyrec"
    health_port: int | None = None
    peer: str | None = PEER
    port: int = 8321
    closed: int = 0

    def __post_init__(self) -> None:
        """Make the application."""
        ids = (f"request-{number}" for number in itertools.count(1))
        seconds = itertools.count(1000)
        self.steady = lambda: float(next(seconds))
        self.counts = Counts.alone(self.steady)
        self.app: Starlette = application(
            Service(
                verifier=self.verifier,
                counts=self.counts,
                forwarding=self.forwarding,
                realm=self.realm,
                disclosure=self.disclosure,
            ),
            Surroundings(
                new_id=lambda: next(ids),
                steady=self.steady,
                close=self._close,
                health_port=self.health_port,
            ),
        )

    def _close(self) -> None:
        self.closed += 1

    def __call__(
        self,
        path: str = "/v1/authorize",
        headers: Iterable[tuple[str, str]] = (),
        *,
        method: str = "GET",
        body: Sequence[bytes] = (b"",),
    ) -> Reply:
        """Ask, and give the answer. `body`: in pieces, as they arrive."""
        place, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": place,
            "raw_path": place.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers],
            "client": None if self.peer is None else (self.peer, 50000),
            "server": ("127.0.0.1", self.port),
            "state": {},
        }
        return asyncio.run(ask(self.app, scope, body))


async def ask(app: Starlette, scope: dict[str, Any], body: Sequence[bytes]) -> Reply:
    """Send one request to an application."""
    pieces = [
        {"type": "http.request", "body": part, "more_body": place < len(body) - 1}
        for place, part in enumerate(body)
    ]
    incoming = iter([*pieces, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(incoming)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in start["headers"])
    return Reply(
        status=start["status"],
        headers=headers,
        body=b"".join(message.get("body", b"") for message in rest),
    )
