"""Connections to Vault: kept alive, used by many threads, as many as writes run in parallel.

Nothing is decided about answers here, and nothing is raised: what happened to a request is a value,
so that no traceback keeps its body. The difference that matters is kept: `NotSent` and `NotWritten`
mean that nothing reached the server, `Lost` that something may have.
"""

from __future__ import annotations

import http.client
import queue
import select
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.adapters.timely_socket import Deadline
from reconciler.adapters.vault_wire import CutOff, NotHttp, Request, Response, answer, message


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """No connection could be opened: nothing reached the server."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotWritten:
    """It cannot be written as a request, and never will be: nothing reached the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Sent, at least in part, and no complete answer came."""

    reason: str


Exchange: TypeAlias = Response | NotSent | NotWritten | Lost


class ConnectionPool:
    """At most `size` connections at once; a thread that finds none free waits."""

    def __init__(
        self,
        connect: Callable[[], http.client.HTTPConnection],
        *,
        host: str,
        size: int,
        answer_timeout: float,
        pace: Callable[[], None] = lambda: None,
    ) -> None:
        """`connect` opens a new connection; `host` is the server, as in an address; within
        `answer_timeout` seconds an answer has to be whole; `pace` is called before every request.
        """
        self._connect = connect
        self._host = host
        self._pace = pace
        self._answer_timeout = answer_timeout
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
        self._permits = threading.BoundedSemaphore(size)

    def send(self, request: Request) -> Exchange:
        """Send one request and wait for its answer; redirects are answers like any other."""
        self._pace()
        with self._permits:
            connection = self._connected()
            if isinstance(connection, NotSent):
                return connection
            try:
                exchange = self._exchanged(connection.sock, request)
            except BaseException:
                connection.close()
                raise
            if isinstance(exchange, Lost) or (isinstance(exchange, Response) and exchange.is_last):
                connection.close()
            else:
                self._idle.put(connection)
            return exchange

    def close(self) -> None:
        """End the connections that are not in use."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def _connected(self) -> http.client.HTTPConnection | NotSent:
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return self._new()
            if _is_open(connection):
                return connection
            connection.close()

    def _new(self) -> http.client.HTTPConnection | NotSent:
        where = ""
        try:
            connection = self._connect()
            where = f" ({connection.host}:{connection.port})"
            connection.connect()
        except (OSError, http.client.HTTPException, ValueError) as error:
            return NotSent(reason=reason_of(error) + where)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _exchanged(self, sock: socket.socket, request: Request) -> Exchange:
        try:
            written = message(request, self._host)
        except ValueError:
            return NotWritten()
        try:
            deadline = Deadline.after(self._answer_timeout)
            sock.settimeout(self._answer_timeout)
            sock.sendall(written)
            return answer(sock, deadline)
        except CutOff:
            return Lost(reason="the answer was cut off or too long")
        except (NotHttp, OSError, ValueError) as error:
            return Lost(reason=reason_of(error))


def _is_open(connection: http.client.HTTPConnection) -> bool:
    """Whether an idle connection still stands: a server that closed it has made it readable."""
    if connection.sock is None:
        return False
    try:
        readable, _, _ = select.select([connection.sock], [], [], 0)
    except (OSError, ValueError):
        return False
    return not readable


def reason_of(error: Exception) -> str:
    """Say what happened without repeating anything that was sent or received."""
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return "the TLS handshake failed"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "the connection ended early or did not speak HTTP"
