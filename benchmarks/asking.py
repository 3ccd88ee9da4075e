"""A client that asks one HTTP server the same few things all the time, and what the server took.

Raw sockets that stay open, one request at a time on each: the client costs a few microseconds a
request, so the server is what is measured. What the server took of the processor is the kernel's
word, to the nanosecond, over all its threads.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

from benchmarks.measure import Failed, Taken

CONNECTIONS = 8
_MOST = 65536
_END = b"\r\n\r\n"


def request(path: str, headers: dict[str, str]) -> bytes:
    """Write a GET request."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join((*lines, "", "")).encode("ascii")


def asked(port: int, texts: Sequence[bytes], times: int, pid: int) -> Taken:
    """Send requests in turns, so many over a few connections; what the server of that process took.

    Raises:
        Failed: something else than an empty 200 was answered.
    """
    with ExitStack() as opened, selectors.DefaultSelector() as ready:
        for _ in range(CONNECTIONS):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.register(connection, selectors.EVENT_READ)
        _ask(ready, cycle(texts), len(texts) + 5 * CONNECTIONS)
        cpu, begun = cpu_of(pid), time.perf_counter()
        _ask(ready, cycle(texts), times)
        wall = time.perf_counter() - begun
        return Taken(wall=wall, cpu=cpu_of(pid) - cpu, work=times)


def cpu_of(pid: int) -> float:
    """Give the seconds of processor time that a process has taken, by all threads that live."""
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text(encoding="ascii").split()[0]) for file in files) / 1e9


def _ask(ready: selectors.BaseSelector, texts: Iterator[bytes], times: int) -> None:
    for key in ready.get_map().values():
        _send(key.fileobj, next(texts))
    sent, answered = CONNECTIONS, 0
    while answered < times:
        for key, _ in ready.select(30):
            _require_answer(key.fileobj)
            answered += 1
            if sent < times:
                _send(key.fileobj, next(texts))
                sent += 1


def _send(connection: object, text: bytes) -> None:
    assert isinstance(connection, socket.socket)  # noqa: S101 - for the reader and mypy
    connection.sendall(text)


def _require_answer(connection: object) -> None:
    assert isinstance(connection, socket.socket)  # noqa: S101 - for the reader and mypy
    answer = connection.recv(_MOST)
    while answer and not answer.endswith(_END):
        answer += connection.recv(_MOST)
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise Failed(f"the server answered {answer[:200]!r}")
