"""An HTTP server that answers as a test says, byte for byte, and remembers what it was sent.

Answers are given by the start of the request's target; the longest start that fits wins. An answer
can also be silence, or a connection cut at once.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    """What Content-Length says, where it lies."""


class Silence:
    """No answer until the server stops."""


class Cut:
    """The connection ends after the request was read."""


def replied(document: Any, status: int = 200, **headers: str) -> Reply:
    """Give an answer in JSON; header names with _ for -."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(
        status=status,
        body=json.dumps(document).encode(),
        headers={"Content-Type": "application/json", **named},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request that arrived complete."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    """Which connection it came by, counted from 1."""

    @property
    def document(self) -> Any:
        """Give the decoded body."""
        return json.loads(self.body)


class CannedServer:
    """A server on this machine; use it as `with canned() as server:`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.replies: dict[str, list[Reply | Silence | Cut]] = {}
        self.stopping = threading.Event()
        self.open: list[socket.socket] = []
        self.lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.canned = self
        self._http.tls = tls
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def port(self) -> int:
        """Give the port it listens on."""
        return int(self._http.server_address[1])

    @property
    def address(self) -> str:
        """Give its address."""
        return f"{'https' if self._http.tls else 'http'}://127.0.0.1:{self.port}"

    def answer(self, start: str, *replies: Reply | Silence | Cut) -> None:
        """Answer requests whose target starts so: one after the other, the last for ever."""
        self.replies[start] = list(replies)

    def reply_for(self, target: str) -> Reply | Silence | Cut:
        """Give the next answer for a target."""
        with self.lock:
            fitting = [start for start in self.replies if target.startswith(start)]
            if not fitting:
                return replied({"errors": [f"nothing canned for {target}"]}, 599)
            planned = self.replies[max(fitting, key=len)]
            return planned.pop(0) if len(planned) > 1 else planned[0]

    def targets(self) -> list[str]:
        """Give `METHOD target` of everything received, in order."""
        return [f"{request.method} {request.target}" for request in self.received]

    def drop_connections(self) -> None:
        """End every open connection, as a restart does."""
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """End it, and every connection that is still open."""
        self.stopping.set()
        self._http.shutdown()
        self.drop_connections()
        self._http.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    canned: CannedServer
    tls: ssl.SSLContext | None = None
    daemon_threads = False

    def get_request(self) -> tuple[Any, Any]:
        """Accept; where this is a TLS server, shake hands later, in the connection's thread."""
        accepted, address = super().get_request()
        if self.tls:
            accepted = self.tls.wrap_socket(accepted, True, do_handshake_on_connect=False)
        return accepted, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: cut connections and failed handshakes are what tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    number = 0

    def setup(self) -> None:
        """Count the connection."""
        super().setup()
        with self.server.canned.lock:
            self.server.canned.open.append(self.connection)
            self.number = len(self.server.canned.open)

    def do_any(self) -> None:
        """Remember the request, then answer as planned."""
        canned = self.server.canned
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Received(
            method=self.command,
            target=self.path,
            headers=dict(self.headers.items()),
            body=body,
            connection=self.number,
        )
        with canned.lock:
            canned.received.append(request)
        reply = canned.reply_for(self.path)
        if isinstance(reply, Reply):
            self._send(reply)
            return
        if isinstance(reply, Silence):
            canned.stopping.wait()
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_LIST = do_DELETE = do_CONNECT = do_any  # noqa: N815 - the base's

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        length = len(reply.body) if reply.length is None else reply.length
        headers = {"Content-Length": str(length), **reply.headers}
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(reply.body)
        if reply.length is not None or headers.get("Connection") == "close":
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Keep quiet."""


@contextlib.contextmanager
def canned(tls: ssl.SSLContext | None = None) -> Iterator[CannedServer]:
    """Run a server for the length of a block."""
    server = CannedServer(tls)
    try:
        yield server
    finally:
        server.stop()
