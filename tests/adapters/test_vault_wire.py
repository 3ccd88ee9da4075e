"""HTTP/1.1 as Vault's connections speak it: what is an answer, and what is none."""

from __future__ import annotations

import http.client
import math
import socket
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.timely_socket import Deadline
from reconciler.adapters.vault_wire import (
    LARGEST_ANSWER,
    CutOff,
    NotHttp,
    Request,
    Response,
    answer,
    message,
)

OK = b"HTTP/1.1 200 OK\r\n"


class Coming:
    """As much of a socket as an answer is read from: pieces come one at a time, then the end."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        """Give these pieces, none of them empty."""
        self._pieces = (piece for piece in pieces if piece)
        self.patience: list[float] = []

    def settimeout(self, seconds: float) -> None:
        """Remember how long it would have waited."""
        self.patience.append(seconds)

    def recv(self, _count: int) -> bytes:
        """Give the next piece."""
        return next(self._pieces, b"")

    def makefile(self, _mode: str) -> object:
        """Serve `http.client` too."""
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(b"".join(self._pieces))
        with ours:
            return ours.makefile("rb")


class Counted(Deadline):
    """One that is told by how often it is asked: after so many times it is over."""

    def left(self) -> float:
        """Give one less."""
        left = self.at - 1
        object.__setattr__(self, "at", left)
        if left <= 0:
            raise TimeoutError
        return left


FOR_EVER = Counted(math.inf)


def read(*pieces: bytes) -> Response:
    """Read an answer that comes in these pieces, soon enough."""
    return answer(Coming(pieces), FOR_EVER)  # type: ignore[arg-type]  # as much of one as is needed


GOOD = {
    "a length": (OK + b"Content-Length: 2\r\n\r\n{}", b"{}", False),
    "no content": (b"HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n", b"", False),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b"", False),
    "no space": (OK + b"content-length:2\r\n\r\n{}", b"{}", False),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{\n\r\n1;a=b\r\n}\r\n0\r\n\r\n", b"{\n}", False),
    "trailers": (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n", b"x", False),
    "an interim answer": (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx", b"x", False),
    "until the end": (OK + b"\r\nall of it", b"all of it", True),
    "a last one": (OK + b"Connection: close\r\nContent-Length: 1\r\n\r\nx", b"x", True),
    "an old server": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x", True),
    "an old server that stays": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", b"x", False),
    "a last one that takes it back": (OK + b"Connection: close\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", b"x", True),
    "one that stays and then does not": (OK + b"Connection: keep-alive\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx", b"x", True),
    "a length with many zeros": (OK + b"Content-Length: " + b"0" * 5000 + b"2\r\n\r\n{}", b"{}", False),
    "more than was asked for": (OK + b"Content-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n", b"x", True),
}  # fmt: skip


NOT_THEIRS = {
    "an interim answer",
    "a last one that takes it back",
    "one that stays and then does not",
    "a length with many zeros",
}
"""What the standard library reads otherwise: it keeps repeated headers apart, and cannot count."""


@pytest.mark.parametrize("name", GOOD)
def test_a_whole_answer_is_read(name: str) -> None:
    """With its status, its body, and whether the connection can be used again."""
    text, body, is_last = GOOD[name]
    response = read(text)
    assert (response.body, response.is_last) == (body, is_last)
    assert response.status in {200, 204}


@given(name=st.sampled_from(sorted(GOOD)), cuts=st.sets(st.integers(1, 80)))
def test_it_does_not_matter_in_which_pieces_an_answer_comes(name: str, cuts: set[int]) -> None:
    """One byte at a time or all at once."""
    text, body, _ = GOOD[name]
    ends = sorted(cut for cut in cuts if cut < len(text))
    pieces = [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]
    assert read(*pieces).body == body


@pytest.mark.parametrize("name", sorted(set(GOOD) - NOT_THEIRS))
def test_it_is_read_as_the_standard_library_reads_it(name: str) -> None:
    """Status, headers and body are the same."""
    text, _, _ = GOOD[name]
    theirs = http.client.HTTPResponse(Coming([text]))  # type: ignore[arg-type]  # as above
    theirs.begin()
    ours = read(text)
    assert (ours.status, ours.body) == (theirs.status, theirs.read())
    assert ours.headers == {name.lower(): value for name, value in theirs.getheaders()}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 099 No\r\n\r\n",
        OK + b"no header\r\n\r\n",
        OK + b"Content-Length : 2\r\n\r\n{}",
        OK + b"Folded: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        OK + b"Content-Length: +2\r\n\r\n{}",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
        OK + b"X: " + b"x" * 70_000 + b"\r\n\r\n",
        OK + b"X: a\nContent-Length: 2\r\n\r\n{}",
        OK + b"X: a\rContent-Length: 2\r\n\r\n{}",
        OK + b"X: a\0\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"X: \n\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 9,
    ],
)
def test_what_is_no_answer_is_none(text: bytes) -> None:
    """Two lengths, a folded line, half of a line break, another protocol, an end too early."""
    with pytest.raises(NotHttp):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        OK + b"Content-Length: 3\r\n\r\n{}",
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\n{}",
        OK + b"Content-Length: %d\r\n\r\n" % (LARGEST_ANSWER + 1),
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
        OK + b"Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n",
        OK + b"\r\n" + b"x" * (LARGEST_ANSWER + 1),
    ],
)
def test_an_answer_that_ends_early_or_would_not_end_is_given_up(text: bytes) -> None:
    """It is known to be one, and not what it says."""
    with pytest.raises(CutOff):
        read(text)


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "trailers": (CHUNKED + b"0\r\n", b"A: b\r\n"),
    "chunks of one byte": (CHUNKED, b"1\r\nx\r\n"),
    "words about chunks": (CHUNKED, b"1;" + b"a" * 1000 + b"\r\nx\r\n"),
    "interim answers": (b"", b"HTTP/1.1 103 Early\r\nLink: " + b"x" * 20_000 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_is_beside_the_body_has_one_limit_however_it_is_cut_up(name: str) -> None:
    """No single line is long; all of them together are, long before they end."""
    begin, drop = ENDLESS[name]
    came = 0

    def dripping() -> Iterator[bytes]:
        nonlocal came
        yield begin
        for _ in range(200_000):
            came += len(drop)
            yield drop

    with pytest.raises(NotHttp):
        answer(Coming(dripping()), FOR_EVER)  # type: ignore[arg-type]  # as above
    assert came < 256 * 1024


def test_an_answer_that_drips_has_one_deadline() -> None:
    """Every wait is for what is left of it, and none begins after it."""
    text = OK + b"Content-Length: 10\r\n\r\n0123456789"
    coming = Coming(text[place : place + 1] for place in range(len(text)))
    with pytest.raises(TimeoutError):
        answer(coming, Counted(6.0))  # type: ignore[arg-type]  # as above
    assert coming.patience == [5.0, 4.0, 3.0, 2.0, 1.0]


def test_a_request_is_written_in_one_piece() -> None:
    """Its head, an empty line, its body."""
    request = Request(method="POST", target="/v1/a", headers={"X-Vault-Token": "t"}, body=b"{}")
    assert message(request, "vault.example:8200") == (
        b"POST /v1/a HTTP/1.1\r\nX-Vault-Token: t\r\nHost: vault.example:8200\r\n"
        b"Accept-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}"
    )


@pytest.mark.parametrize(("method", "tail"), [("GET", b""), ("PUT", b"Content-Length: 0\r\n")])
def test_a_request_without_a_body_says_so_where_one_may_be(method: str, tail: bytes) -> None:
    """As RFC 9110, 8.6, wants it."""
    written = message(Request(method=method, target="/", headers={}), "h")
    assert written.endswith(b"Accept-Encoding: identity\r\n" + tail + b"\r\n")


@pytest.mark.parametrize(
    ("target", "token", "host"),
    [
        ("/v1/a b", "t", "h"),
        ("/v1/a\r\nX: y", "t", "h"),
        ("/v1/ä", "t", "h"),
        ("/", "t\r\nX-Vault-Namespace: other", "h"),
        ("/", "t\n", "h"),
        ("/", "t\x00", "h"),
        ("/", "t€", "h"),
        ("/", "t", "h\r\n"),
    ],
)
def test_what_would_be_read_as_something_else_is_not_written(
    target: str, token: str, host: str
) -> None:
    """A token of a file with a line break must not become a header; nor is it repeated."""
    request = Request(method="GET", target=target, headers={"X-Vault-Token": token})
    with pytest.raises(ValueError, match=r"^$") as met:
        message(request, host)
    assert met.value.args == ()
