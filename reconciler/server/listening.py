"""How the endpoint is run by uvicorn: what is turned off, how long is waited, what is logged.

No forwarding header is read here (`verification/client_address.py` does that), no access log of
uvicorn's is written (it holds query strings), and nothing says which server this is.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from socket import socket
from typing import Any, Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from reconciler.server.connection import LimitedConnection, allow_files
from reconciler.server.requests import Application

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than proxies keep a connection, so that it is they who close it."""
HANDSHAKE_SECONDS: Final = 10
"""Which a TLS handshake may take; before its end no connection is limited else, nor counted."""
GRACE_SECONDS: Final = 10
"""How long a stop waits for requests that are being answered."""
SILENCE_SECONDS: Final = 20
"""For which a worker may give no sign of life before it is replaced: also one that only starts, on
a machine that has more to do than it can.
"""


class UtcFormatter(logging.Formatter):
    """Times of the log in UTC."""

    converter = staticmethod(time.gmtime)


def config_of(
    make: Callable[[], Application],
    *,
    workers: int = 1,
    tls: tuple[str, str] | None = None,
    level: str = "INFO",
) -> uvicorn.Config:
    """Give uvicorn's configuration.

    `make`: gives the application, once in each worker; it has to be picklable where there are
    several. `tls`: the files of certificate and key.
    """
    certificate, key = (None, None) if tls is None else tls
    return _Config(
        make,
        factory=True,
        interface="asgi3",
        http=LimitedConnection,
        ws="none",
        lifespan="on",
        workers=workers,
        log_config=_logs(level),
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=SILENCE_SECONDS,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )


def run(config: uvicorn.Config, sockets: list[socket], stop: threading.Event) -> bool:
    """Answer until SIGINT or SIGTERM; whether it could be started.

    `stop`: set where such a signal came before this could hear of it.
    """
    allow_files()
    if config.workers == 1:
        server = _Server(config, stop)
        server.run(sockets)
        return server.started
    supervisor = Multiprocess(config, sockets)
    if stop.is_set():
        supervisor.should_exit.set()
    supervisor.run()
    return all(process.exitcode != STARTUP_FAILURE for process in supervisor.processes)


class _Config(uvicorn.Config):
    """A configuration whose loop does not wait long for a TLS handshake.

    uvicorn has no setting for that, and where there are several workers it makes their servers
    itself; they all ask their configuration for a loop.
    """

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop] | None:
        """Give what makes a loop."""
        make = super().get_loop_factory()
        return partial(_hurried, make) if make is not None and self.is_ssl else make


def _hurried(make: Callable[[], asyncio.AbstractEventLoop]) -> asyncio.AbstractEventLoop:
    """Give a loop that makes TLS servers only."""
    loop = make()
    serve = partial(loop.create_server, ssl_handshake_timeout=HANDSHAKE_SECONDS)
    vars(loop)["create_server"] = serve
    return loop


class _Server(uvicorn.Server):
    """A server that also stops for a signal from before it listened to any."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event) -> None:
        super().__init__(config)
        self._stop = stop

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Start, and see whether to stop."""
        await super().startup(sockets)
        self.should_exit = self.should_exit or self._stop.is_set()


def _logs(level: str) -> dict[str, Any]:
    """Write everything to stderr, one line each."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": UtcFormatter,
                "format": "%(asctime)s %(name)s %(message)s",
                "datefmt": "%Y-%m-%dT%H:%M:%SZ",
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "line",
            }
        },
        "loggers": {
            "keyrec": {"handlers": ["stderr"], "level": level, "propagate": False},
            # What clients can multiply, such as bytes that are no HTTP, is left out.
            "uvicorn.error": {"level": "ERROR"},
            "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }
