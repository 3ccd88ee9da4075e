"""The HTTP endpoint as one application: which path is answered by what.

It is given a verifier and closes it when it is shut down; it opens nothing itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette

from reconciler.server.answers import refusal
from reconciler.server.authorization import AUTHORIZE, BELOW_AUTHORIZE, Authorization, Service
from reconciler.server.health import HEALTH_PATHS, health_applications
from reconciler.server.introspection import INTROSPECTION, Introspection
from reconciler.server.problems import Problem
from reconciler.server.reception import Reception
from reconciler.server.request_ids import RequestIds
from reconciler.server.requests import Application, Receive, Scope, Send, note_of, send_noted

HEARTBEAT_SECONDS: Final = 1.0

_NO_PATH = refusal(404, Problem(code="not-found", title="There is nothing at this address"))
_NO_METHOD = Problem(code="method-not-allowed", title="The address does not take this method")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the process gives: chance, a clock, and how it ends."""

    new_id: Callable[[], str]
    """Gives texts that nobody can guess: the ids of requests are made from one."""
    steady: Callable[[], float]
    close: Callable[[], None]
    """Called once, when no request is answered any more; may take its time."""
    beat: Callable[[], None] = lambda: None
    """Called about once a second."""
    health_port: int | None = None
    """The port on which health is answered, and nothing else; None: on every one."""


def application(service: Service, surroundings: Surroundings) -> Starlette:
    """Make the application."""
    return _Endpoint(service, surroundings)


class _Endpoint(Starlette):
    """Lives as Starlette's applications do; requests meet the reception first, and no router."""

    def __init__(self, service: Service, surroundings: Surroundings) -> None:
        super().__init__(lifespan=lambda _: _life(service, surroundings))
        self._reception = Reception(
            _Paths(service, surroundings.health_port),
            new_id=RequestIds(surroundings.new_id),
            steady=surroundings.steady,
            always=HEALTH_PATHS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        else:
            await self._reception(scope, receive, send)


class _Paths:
    """Answers each path by what it stands for; any byte may stand in a path below `authorize`."""

    def __init__(self, service: Service, health_port: int | None) -> None:
        self._health = health_applications(service)
        self._health_port = health_port
        self._authorize = Authorization(service)
        self._introspect = _taking("POST", Introspection(service))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._found(scope)(scope, receive, send)

    def _found(self, scope: Scope) -> Application:
        path: str = scope["path"]
        if path in self._health:
            return _taking("GET", self._health[path]) if self._is_for_health(scope) else _nothing
        if self._health_port is not None and self._is_for_health(scope):
            return _nothing
        if path == AUTHORIZE or path.startswith(BELOW_AUTHORIZE):
            return self._authorize
        return self._introspect if path == INTROSPECTION else _nothing

    def _is_for_health(self, scope: Scope) -> bool:
        """Whether health is answered on the listener that a request came to."""
        server = scope.get("server") or (None, None)
        return self._health_port is None or server[1] == self._health_port


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    note_of(scope).add(route="none")
    await send_noted(scope, send, _NO_PATH)


def _taking(method: str, app: Application) -> Application:
    """Let an application be asked by one method (and by HEAD where that is GET)."""
    methods = {"GET", "HEAD"} if method == "GET" else {method}
    allow = (("Allow", ", ".join(sorted(methods))),)

    async def taking(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in methods:
            await app(scope, receive, send)
        else:
            await send_noted(scope, send, refusal(405, _NO_METHOD, more=allow))

    return taking


@asynccontextmanager
async def _life(service: Service, surroundings: Surroundings) -> AsyncIterator[None]:
    """Beat while the application lives; then close what it was given."""
    beating = asyncio.create_task(_beat(service, surroundings))
    try:
        yield
    finally:
        beating.cancel()
        with suppress(Exception, asyncio.CancelledError):
            await beating
        await asyncio.to_thread(surroundings.close)


async def _beat(service: Service, surroundings: Surroundings) -> None:
    while True:
        service.counts.take(service.verifier.state)
        surroundings.beat()
        await asyncio.sleep(HEARTBEAT_SECONDS)
