"""A real nginx in a folder of the test's own, an application behind it, and the wire between.

`Nginx` is started in the foreground and ended by its own process, never by name. Where it is not
installed the tests are skipped and say why, or fail where KEYREC_TEST_REQUIRE names `nginx`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import pytest

ABSENT = "no nginx with auth_request on PATH or in /usr/sbin, or no curl: install nginx-light, curl"
PATIENCE_SECONDS = 90
AGAIN_SECONDS = 0.02
_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def nginx_program() -> Path:
    """Give the program; the test is skipped, or fails, where it or curl cannot do this."""
    found = shutil.which("nginx", path=_PLACES)
    if found is None or shutil.which("curl") is None:
        _absent()
    built = subprocess.run([found, "-V"], capture_output=True, text=True, check=True).stderr
    if "http_auth_request_module" not in built:
        _absent()
    return Path(found)


def _absent() -> NoReturn:
    if "nginx" in os.environ.get("KEYREC_TEST_REQUIRE", "").split(","):
        pytest.fail(ABSENT)
    pytest.skip(ABSENT)


def until(question: Callable[[], bool], what: str) -> None:
    """Ask again until the answer is yes; fails after a minute and a half."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < end, f"{what}: not within {PATIENCE_SECONDS} seconds"
        time.sleep(AGAIN_SECONDS)


def is_listening(port: int) -> bool:
    """Whether somebody takes connections at a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def running_nginx(folder: Path, port: int) -> Iterator[None]:
    """Run nginx with the nginx.conf of a folder, which has it listen on a port, for a block."""
    (folder / "run").mkdir(exist_ok=True)
    command = [str(nginx_program()), "-p", str(folder), "-c", "nginx.conf", "-e", "run/error.log"]
    # As root its workers would become somebody who cannot enter the test's folder.
    options = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    with (
        (folder / "run/said").open("wb") as said,
        subprocess.Popen([*command, "-g", options], stdout=said, stderr=said) as process,
    ):
        try:
            until(lambda: is_listening(port) or process.poll() is not None, "nginx listens")
            assert process.poll() is None, (folder / "run/said").read_text()
            yield
        finally:
            process.terminate()
            process.wait(timeout=10)


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request that came through to the application."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all_of(self, name: str) -> list[str]:
        """Give all values of a header."""
        return [value for written, value in self.headers if written.lower() == name.lower()]

    def only(self, name: str) -> str | None:
        """Give the value of a header that comes at most once."""
        values = self.all_of(name)
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None


@dataclass(kw_only=True)
class Application:
    """What nginx stands in front of: it remembers every request, and says `served`."""

    port: int = 0
    received: list[Received] = field(default_factory=list)

    @contextlib.contextmanager
    def running(self) -> Iterator[Application]:
        """Listen for a block."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.received))
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(received: list[Received]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            received.append(
                Received(
                    method=self.command,
                    target=self.path,
                    headers=tuple(self.headers.items()),
                    body=self.rfile.read(length),
                )
            )
            self.send_response(200)
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(b"served\n")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.serve)
    return Handler


@dataclass(kw_only=True)
class Wire:
    """A connection to a server, byte for byte, that remembers what was sent to it."""

    goal: int
    port: int = 0
    connections: int = 0
    _sent: bytearray = field(default_factory=bytearray)
    _ends: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def requests(self) -> list[str]:
        """Give the requests that were sent, each with its headers; they have no bodies."""
        return self._sent.decode("latin-1").split("\r\n\r\n")[:-1]

    def forget(self) -> None:
        """Begin anew."""
        self._sent.clear()

    @contextlib.contextmanager
    def running(self) -> Iterator[Wire]:
        """Listen for a block."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
            accepting = threading.Thread(target=self._accept, args=(server,))
            accepting.start()
            try:
                yield self
            finally:
                _end(server)
                accepting.join()
                for end in self._ends:
                    _end(end)
                for thread in self._threads:
                    thread.join()
                for end in self._ends:
                    end.close()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            self.connections += 1
            self._ends.append(near)
            try:
                far = socket.create_connection(("127.0.0.1", self.goal))
            except OSError:
                _end(near)
                continue
            self._ends.append(far)
            for source, sink, log in ((near, far, self._sent), (far, near, bytearray())):
                self._threads.append(threading.Thread(target=_pump, args=(source, sink, log)))
                self._threads[-1].start()


def _pump(source: socket.socket, sink: socket.socket, log: bytearray) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            log += part
            sink.sendall(part)
    _end(sink)


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
