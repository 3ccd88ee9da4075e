"""`keyrec serve` as a process of its own, and plain requests to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

from tests.fakes.command_line import CommandLine

PATIENCE = 60.0
"""Seconds after which a test gives up; nothing is measured by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What was answered."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """Give the body, decoded."""
        return json.loads(self.body)


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """A running endpoint."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    """What it wrote to stderr so far."""
    trust: ssl.SSLContext | None = None
    server_name: str = "127.0.0.1"

    def announced(self, what: str = "Listening") -> str:
        """Wait until it says where it listens; give that."""
        pattern = re.compile(rf"{what} on (.+)")

        def found() -> str | None:
            matches = (pattern.fullmatch(line.strip()) for line in list(self.lines))
            return next((m[1] for m in matches if m is not None), None)

        place: str | None = wait_for(found, or_end_of=self.process)
        assert place is not None, "".join(self.lines)
        return place

    @property
    def port(self) -> int:
        """Give its port."""
        return int(self.announced().rpartition(":")[2])

    def connect(self, port: int | None = None) -> http.client.HTTPConnection:
        """Open a connection."""
        place = self.announced()
        if place.startswith("unix:"):
            connection = http.client.HTTPConnection("localhost", timeout=PATIENCE)
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.connect(place.removeprefix("unix:"))
            return connection
        sock = socket.create_connection(("127.0.0.1", port or self.port), timeout=PATIENCE)
        if self.trust is not None:
            sock = self.trust.wrap_socket(sock, server_hostname=self.server_name)
        connection = http.client.HTTPConnection("127.0.0.1", timeout=PATIENCE)
        connection.sock = sock
        return connection

    def __call__(
        self,
        path: str = "/v1/authorize",
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        port: int | None = None,
        json_body: object = None,
    ) -> Reply:
        """Send a request on a connection of its own."""
        sent = dict(headers or {}) | ({} if key is None else {"Authorization": f"Bearer {key}"})
        body = None
        if json_body is not None:
            body = json.dumps(json_body)
            sent["Content-Type"] = "application/json"
        with contextlib.closing(self.connect(port)) as connection:
            connection.request("GET" if body is None else "POST", path, body, sent)
            answer = connection.getresponse()
            return Reply(status=answer.status, headers=answer.headers, body=answer.read())

    def wait_until_ready(self, workers: int = 1) -> None:
        """Wait until so many workers can check keys."""

        def is_ready() -> bool | None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                text = self("/metrics").body.decode()
                return f"\nkeyrec_ready_workers {float(workers)}\n" in text or None
            return None

        assert wait_for(is_ready, or_end_of=self.process), "".join(self.lines)

    def children(self) -> list[int]:
        """Give the ids of the processes that it started."""
        pid = self.process.pid
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(word) for word in text.split()]

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """Have it end; give its exit code."""
        self.process.send_signal(with_signal)
        return self.process.wait(PATIENCE)


def wait_for(found: Any, *, or_end_of: subprocess.Popen[str] | None = None) -> Any:
    """Ask again and again until there is something; None where the process ended before."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer = found()
        if answer is not None:
            return answer
        if or_end_of is not None and or_end_of.poll() is not None:
            return found()
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def is_gone(pid: int) -> bool:
    """Whether a process has ended, also where nobody took note of it yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


@contextlib.contextmanager
def serving(line: CommandLine, *argv: str) -> Iterator[Endpoint]:
    """Run `keyrec serve`, and end it."""
    process = line.start("serve", *argv)
    endpoint = Endpoint(process=process)

    def read() -> None:
        assert process.stderr is not None
        endpoint.lines.extend(iter(process.stderr.readline, ""))

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    try:
        yield endpoint
    finally:
        for child in endpoint.children() if process.poll() is None else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        process.kill()
        process.wait(PATIENCE)
        reading.join(PATIENCE)
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()
