"""Running `keyrec serve`: sockets opened once, and in each worker a verifier of its own.

A worker that is a process of its own reads configuration and environment again: no secret is
handed over, and none stands in its command line.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from reconciler.bootstrap import doors
from reconciler.bootstrap.configuration import (
    configuration_path,
    find_configuration,
    require_named,
)
from reconciler.bootstrap.sockets import announce, listening_sockets, require_tls_files
from reconciler.bootstrap.verifying import open_verifier
from reconciler.config import ServerSettings, Settings
from reconciler.errors import ConfigInvalid, KeyrecError, UsageError
from reconciler.verification.client_address import Forwarding, read_forwarding

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from reconciler.server.counts import Counts

NO_MANAGER: Final = "none"
"""Whose mark stands in where no configuration names one: nothing is owned here."""
TROUBLE_LOG: Final = "keyrec.trouble"
MOST_ROWS: Final = 128
"""Workers, with those that took the place of others, whose counts are kept apart."""
STARTUP_FAILURE: Final = 3
"""How a worker ends that need not be started again."""
RETRY_SECONDS: Final = 1.0
"""Before a worker that took another's place and could not start is started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeWish:
    """What flags say; None leaves it to the configuration."""

    host: str | None = None
    port: int | None = None
    health_port: int | None = None
    workers: int | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    environment: str | None = None
    uds: str | None = None
    """Path of a Unix socket to listen on, instead of host and port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeTerms:
    """How the process is run."""

    stop: threading.Event
    """Set where a signal to stop came before the endpoint could hear of it."""
    say: Callable[[str], None]
    warn: Callable[[str], None]
    level: str = "INFO"
    """What the log says at least."""


def serve(config: str | None, wish: ServeWish, terms: ServeTerms) -> bool:
    """Answer until a signal ends it; whether all of it could be started.

    Raises:
        ConfigInvalid: the configuration cannot be used, or its address cannot be listened on.
        UsageError: the packages of the extra are not installed.
        StoreOutdated: there is no store of this program's form.
    """
    require_named(config)
    listening = _listening()
    worker = Worker.of(config, wish)
    settings = worker.settings()
    tls = require_tls_files(settings.server)
    with ExitStack() as opened:
        ways = listening_sockets(settings.server, wish.uds)
        sockets = [opened.enter_context(way) for way in ways]
        if settings.server.workers > 1:
            worker = worker.shared()
            open_verifier(settings).close()  # what is wrong is said once, not by each worker
        announce(settings.server, sockets, say=terms.say, warn=terms.warn)
        workers, level = settings.server.workers, terms.level
        running = listening.config_of(worker, workers=workers, tls=tls, level=level)
        return bool(listening.run(running, sockets, terms.stop))


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What makes the application in each worker; it can be handed to another process."""

    folder: str
    """Where paths of flags and variables begin."""
    config: str
    wish: ServeWish
    parent: int
    """The process that started the worker."""
    rows: Any = None
    """The numbers of all workers, shared between processes; None for the only one."""
    next_row: Any = None
    """Which row is taken by the next worker, shared in the same way."""

    @classmethod
    def of(cls, config: str | None, wish: ServeWish) -> Worker:
        """Give that of the only worker."""
        path = configuration_path(config).absolute()
        return cls(folder=str(Path.cwd()), config=str(path), wish=wish, parent=os.getpid())

    def shared(self) -> Worker:
        """Give that of several workers."""
        from reconciler.server.counts import WIDTH

        spawning = get_context("spawn")
        numbers, row = spawning.RawArray("d", WIDTH * MOST_ROWS), spawning.Value("i", 0)
        return replace(self, rows=numbers, next_row=row)

    def settings(self) -> Settings:
        """Read the configuration, with what flags say."""
        return wished(find_configuration(self.config, manager=NO_MANAGER).settings, self.wish)

    def __call__(self) -> Starlette:
        """Open a verifier, and give the application that closes it again."""
        if self.rows is None:
            return self._application()
        os.chdir(self.folder)
        try:
            return self._application()
        except KeyrecError as error:
            sys.stderr.write(f"keyrec: {error.message}\n")
            if not self._takes_a_place:
                sys.exit(STARTUP_FAILURE)
            time.sleep(RETRY_SECONDS)
            sys.exit(1)

    @property
    def _takes_a_place(self) -> bool:
        """Whether all workers had begun before this one: then the others go on serving, and what
        keeps it from starting, such as a store that is away, may end.
        """
        return bool(self.next_row.value >= self.settings().server.workers)

    def _application(self) -> Starlette:
        from reconciler.adapters.system import steady
        from reconciler.server.app import Surroundings, application
        from reconciler.server.authorization import Service

        settings = self.settings()
        server = settings.server
        trouble = logging.getLogger(TROUBLE_LOG)
        verifier = open_verifier(settings, on_trouble=lambda text: trouble.warning("%s", text))
        service = Service(
            verifier=verifier,
            counts=self._counts(steady),
            forwarding=forwarding_of(server),
            realm=server.realm,
            disclosure=server.disclosure,
        )
        surroundings = Surroundings(
            new_id=doors.entropy().identifier,
            steady=steady,
            close=verifier.close,
            beat=self._end_with_parent,
            health_port=server.health_port,
        )
        return application(service, surroundings)

    def _counts(self, steady: Callable[[], float]) -> Counts:
        from reconciler.server.counts import Counts

        if self.rows is None:
            return Counts.alone(steady)
        with self.next_row.get_lock():
            row = self.next_row.value % MOST_ROWS
            self.next_row.value += 1
        return Counts(rows=self.rows, row=row, steady=steady)

    def _end_with_parent(self) -> None:
        """Stop where whoever would stop and replace this worker is gone."""
        if self.rows is not None and os.getppid() != self.parent:
            signal.raise_signal(signal.SIGTERM)


def wished(settings: Settings, wish: ServeWish) -> Settings:
    """Give the settings with what flags say.

    Raises:
        ConfigInvalid: a certificate without its key, or a proxy that means nothing.
    """
    names = ("host", "port", "health_port", "workers", "tls_certificate", "tls_key")
    given = {name: getattr(wish, name) for name in names if getattr(wish, name) is not None}
    server = replace(settings.server, **given)
    if (server.tls_certificate is None) is not (server.tls_key is None):
        raise ConfigInvalid(
            "Only one of certificate and key is given; TLS needs both.",
            advice="Give --tls-cert and --tls-key, or server.tlsCertificate and server.tlsKey.",
        )
    forwarding_of(server)
    environment = wish.environment or settings.verification.environment
    verification = replace(settings.verification, environment=environment)
    return replace(settings, server=server, verification=verification)


def forwarding_of(server: ServerSettings) -> Forwarding:
    """Give whose word about a client is taken.

    Raises:
        ConfigInvalid: with everything that is wrong.
    """
    read = read_forwarding(server.trusted_proxies, server.client_address_header)
    if isinstance(read, Forwarding):
        return read
    lines = "\n".join(f"  {r.text}: {r.message}; {r.advice}" for r in read)
    raise ConfigInvalid(
        f"Trusted proxies cannot be read:\n{lines}",
        advice="Correct server.trustedProxies or server.clientAddressHeader.",
    )


def _listening() -> ModuleType:
    try:
        from reconciler.server import listening
    except ImportError as error:
        if error.name is None or error.name.startswith("reconciler"):
            raise
        raise UsageError(
            f"keyrec serve needs the package {error.name}, which is not installed.",
            advice="Install keyrec with its extra: pip install 'keyrec[server]'.",
        ) from None
    return listening
