"""One GET that ends when its time is over, however the server keeps it waiting."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.web_get import NoAnswer, get
from tests.services.canned import Reply, canned
from tests.services.certificates import SERVER_NAME, made_certificates

LONG = 6.0
"""Seconds that a server drips, unless it is left before."""


@contextlib.contextmanager
def dripping(begin: bytes, drop: bytes) -> Iterator[str]:
    """Give the address of a server that answers with a beginning, then drop by drop."""
    left = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(begin)
                    until = time.monotonic() + LONG
                    while time.monotonic() < until and not left.wait(0.02):
                        connection.sendall(drop)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        left.set()
        thread.join()


SAID = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "it goes on and on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a status": (b"HTTP/1.1 ", b"2"),
    "a header": (SAID + b"X: ", b"a"),
    "headers": (SAID, b"X: a\r\n"),
    "a chunk's extension": (SAID + b"Transfer-Encoding: chunked\r\n\r\n1;x=", b"a"),
    "chunks": (SAID + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "a trailer": (SAID + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"a"),
    "a body": (SAID + b"Content-Length: 99999\r\n\r\n", b"a"),
    "a body to the end of the connection": (SAID + b"Connection: close\r\n\r\n", b"a"),
    "nothing": (b"", b""),
}


@pytest.mark.parametrize("name", DRIPS)
def test_what_drips_is_given_up_in_time(name: str) -> None:
    """No single silence is long; all of them together are."""
    with dripping(*DRIPS[name]) as url:
        begun = time.monotonic()
        assert get(url, wait=0.3) == NoAnswer(reason="it took too long")
        assert time.monotonic() - begun < LONG / 2


def test_a_server_of_https_has_to_prove_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the authorities of the system, and for the host that was asked for."""
    made = made_certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", made.file("ca.pem"))
    with canned(made.server()) as server:
        server.answer("/", Reply(body=b"{}", headers={"Connection": "close"}))
        place = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [place])
        assert get(f"https://{SERVER_NAME}/") == b"{}"
        assert server.received[0].headers["Host"] == SERVER_NAME
        other = get("https://other.test/")
        assert isinstance(other, NoAnswer)
        assert "certificate is not trusted" in other.reason
        assert len(server.received) == 1


def test_a_handshake_that_drips_is_given_up_in_time() -> None:
    """Before there is anything of HTTP."""
    with dripping(b"", b"\x16") as url:
        begun = time.monotonic()
        assert isinstance(get(url.replace("http:", "https:"), wait=0.3), NoAnswer)
        assert time.monotonic() - begun < LONG / 2


def test_many_addresses_have_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may have as many as its owner likes, and none of them answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        place = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(place)
        found = (socket.AF_INET, socket.SOCK_STREAM, 6, "", place)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [found] * 50)
        begun = time.monotonic()
        assert get("http://localhost/", wait=0.3) == NoAnswer(reason="it took too long")
        assert time.monotonic() - begun < LONG / 2
        for one in waiting:
            one.close()


def test_the_next_address_is_tried_where_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with any client."""
    with canned() as server:
        server.answer("/", Reply(body=b"{}", headers={"Connection": "close"}))
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        places = [(*kind, ("127.0.0.1", port)) for port in (1, server.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
        assert get("http://localhost/") == b"{}"


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://[2001:db8::1]/jwks", "2001:db8::1", 443),
        ("https://[2001:db8::1]:8443/jwks", "2001:db8::1", 8443),
        ("http://[::1]/jwks", "::1", 80),
        ("https://issuer.example/jwks", "issuer.example", 443),
    ],
)
def test_an_address_without_a_port_has_the_usual_one(
    url: str, host: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last part of an IPv6 address is none."""
    asked: list[tuple[object, ...]] = []

    def nobody(*where: object, **_: object) -> list[object]:
        asked.append(where)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    assert get(url) == NoAnswer(reason="its name is not known")
    assert asked == [(host, port)]
