"""What a question costs over HTTP: `keyrec serve` beside a bare Starlette route.

python -m benchmarks --only http [--rounds N]
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path

from benchmarks.asking import asked, request
from benchmarks.issued import INSIDE, SCOPE, Issued
from benchmarks.measure import Failed, Taken, in_turns, median_ratio, middle
from benchmarks.table import Row, Target, floor_row

REQUESTS = 6000
PATIENCE = 60.0
ADDED = frozenset({"date", "content-length"})
AUTHORIZE = f"/v1/authorize?require={SCOPE}"
_WORK = "HTTP: authorize, warm"
_SIZE = f"{REQUESTS:,} requests, 8 connections"
_LOGGED = "HTTP: authorize, warm, with the access log"
_MANY = "HTTP: authorize, warm, from many addresses"
ADDRESSES = 128
_FLOOR = "a bare Starlette route"
_SAME = (
    "`keyrec -q serve`, one worker each (uvloop, httptools, no access log), over loopback and "
    "connections that stay open, "
    "asked by the same client in turns; both are sent the same request with a key, a scope and "
    "X-Forwarded-For and answer the same headers, the route without looking at anything."
)


def rows(place: Path, *, rounds: int) -> list[Row]:
    """Measure, in an empty folder."""
    issued = Issued.into(place, 1)
    headers = sent_headers(issued)
    one = [request(AUTHORIZE, headers)]
    many = [
        request(AUTHORIZE, {**headers, "X-Forwarded-For": INSIDE.rpartition(".")[0] + f".{n}"})
        for n in range(ADDRESSES)
    ]
    with _keyrec(place, "-q") as (port, pid), _keyrec(place) as (logging_port, logging_pid):
        told = place / "headers.json"
        told.write_text(json.dumps(_answered(port, headers)), encoding="utf-8")
        with _bare(place, told) as (floor_port, floor_pid):
            sides = {
                "keyrec serve": lambda: asked(port, one, REQUESTS, pid),
                _LOGGED: lambda: asked(logging_port, one, REQUESTS, logging_pid),
                _MANY: lambda: asked(port, many, REQUESTS, pid),
                _FLOOR: lambda: asked(floor_port, one, REQUESTS, floor_pid),
            }
            taken = in_turns(sides, rounds)
    return [*_rows(taken["keyrec serve"], taken[_FLOOR]), *_besides(taken)]


def _besides(taken: Mapping[str, Sequence[Taken]]) -> Iterator[Row]:
    """Give what has no target: how it runs unless it is told otherwise, and other clients."""
    for work, same in (
        (_LOGGED, "as above, without `-q`: one line to a file for each request."),
        (_MANY, f"as the first, the key from {ADDRESSES} addresses in turns."),
    ):
        yield floor_row(taken[work], taken[_FLOOR], work=work, size=_SIZE, other=_FLOOR, same=same)


def _rows(ours: Sequence[Taken], floor: Sequence[Taken]) -> list[Row]:
    rates = (f"{t.work / t.wall:,.0f}" for t in (middle(ours), middle(floor)))
    by_rate = floor_row(
        ours,
        floor,
        target=Target(sign="<=", bound=1.43),
        work=_WORK,
        size=_SIZE,
        other=_FLOOR,
        same=f"{_SAME} A rate of at least 70 % is a ratio of at most 1.43; in this run "
        f"{' and '.join(rates)} requests a second.",
    )
    by_cpu = Row(
        work=f"{_WORK}, the server's CPU a request",
        size=_SIZE,
        ours=_each(middle(ours)),
        other=_FLOOR,
        theirs=_each(middle(floor)),
        rounds=len(ours),
        ratio=median_ratio(ours, floor, lambda taken: taken.cpu),
        target=Target(sign="<=", bound=1.43),
        same="the same run; what all threads of each server took of the processor, by the kernel.",
    )
    return [by_rate, by_cpu]


def _each(taken: Taken) -> Taken:
    """Give what one request took, of the processor alone."""
    cpu = taken.cpu / taken.work
    return Taken(wall=cpu, cpu=cpu)


def sent_headers(issued: Issued) -> dict[str, str]:
    """Give what a gateway sends with a request of its client's."""
    return {
        "Authorization": f"Bearer {issued.keys[0].reveal()}",
        "X-Forwarded-For": INSIDE,
        "User-Agent": "bench/1",
        "Accept": "*/*",
    }


@contextmanager
def _keyrec(place: Path, *flags: str) -> Iterator[tuple[int, int]]:
    """Serve the store of a folder, its log in a file; port and process id."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    settings = {
        "KEYREC_STORE_URL": f"sqlite:///{place / 'keys.db'}",
        "KEYREC_TRUSTED_PROXIES": "127.0.0.1",
    }
    with _running(("reconciler", *flags, "serve", "--port", str(port)), settings) as child:
        _wait(child, lambda: _is_answering(port, "/readyz"))
        yield port, child.pid


@contextmanager
def _bare(place: Path, headers: Path) -> Iterator[tuple[int, int]]:
    """Serve the floor; port and process id."""
    told = place / "bare.port"
    with _running(("benchmarks.bare", str(told), str(headers)), {}) as child:
        _wait(child, lambda: told.exists() and told.read_text(encoding="ascii") != "")
        port = int(told.read_text(encoding="ascii"))
        _wait(child, lambda: _is_answering(port, "/v1/authorize"))
        yield port, child.pid


@contextmanager
def _running(
    module: tuple[str, ...], settings: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-m", *module]
    with subprocess.Popen(argv, env={**os.environ, **settings}) as child:  # noqa: S603 - ours
        try:
            yield child
        finally:
            child.terminate()
            child.wait(PATIENCE)


def _wait(child: subprocess.Popen[bytes], is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        if child.poll() is not None or time.monotonic() > until:
            raise Failed(f"{child.args!r} does not answer")
        time.sleep(0.02)


def _is_answering(port: int, path: str) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == HTTPStatus.OK
        except OSError:
            return False


def _answered(port: int, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Give the headers of an answer, less those that every server adds by itself."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", AUTHORIZE, headers=dict(headers))
        answer = connection.getresponse()
        if answer.status != HTTPStatus.OK:
            raise Failed(f"keyrec answered {answer.status}: {answer.read()!r}")
        return [(n, v) for n, v in answer.getheaders() if n.lower() not in ADDED]
