"""Health for those who run the endpoint: does the process live, can it check keys, what did it do.

Readiness is that of the store's view alone: a sink that is away keeps nobody from being let in.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST

from reconciler.server.answers import NO_STORE, Answer
from reconciler.server.authorization import Service
from reconciler.server.requests import Application, Receive, Scope, Send, note_of, send_noted

HEALTH: Final = "/healthz"
READINESS: Final = "/readyz"
METRICS: Final = "/metrics"
HEALTH_PATHS: Final = (HEALTH, READINESS, METRICS)


def health_applications(service: Service) -> dict[str, Application]:
    """Give what answers each of the paths."""

    async def health() -> Answer:
        return _status(200, "alive")

    async def readiness() -> Answer:
        is_ready = service.verifier.state.is_ready
        return _status(200, "ready") if is_ready else _status(503, "not-ready")

    async def metrics() -> Answer:
        service.counts.take(service.verifier.state)
        headers = (NO_STORE, ("Content-Type", CONTENT_TYPE_LATEST))
        return Answer(status=200, headers=headers, body=service.counts.exposition())

    return {
        path: _application(path, answer)
        for path, answer in zip(HEALTH_PATHS, (health, readiness, metrics), strict=True)
    }


def _application(path: str, answer: Callable[[], Awaitable[Answer]]) -> Application:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        note_of(scope).add(route=path.removeprefix("/"))
        await send_noted(scope, send, await answer())

    return application


def _status(status: int, word: str) -> Answer:
    body = json.dumps({"status": word}) + "\n"
    headers = (NO_STORE, ("Content-Type", "application/json"))
    return Answer(status=status, headers=headers, body=body.encode("ascii"))
