"""One request and its answer on an open connection, in HTTP/1.1 and no more of it than Vault needs.

An answer is read strictly: what is not well formed, has two lengths or has no end is no answer.
All of it has one deadline, and all that is not its body one limit, however it is cut up. Nothing of
it is decoded here, and nothing that was sent or received is part of an error. Opening connections,
TLS and proxies are the matter of `vault_tls`.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.adapters.timely_socket import Deadline

LARGEST_ANSWER = 4 * 1024 * 1024
_MOST_BESIDE = 64 * 1024
"""Bytes of an answer that are not its body: heads, sizes of chunks, trailers."""
_MOST_DIGITS = 10
"""Of a length; more are not even counted, as Python refuses to read very long numbers."""
_MOST_HEADS = 8
"""Interim answers (1xx) before the real one, at the most."""
_AT_ONCE = 64 * 1024
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
_START = re.compile(r"[A-Z]+ [\x21-\x7e]+ HTTP/1\.1")
_LINE = re.compile(r"[A-Za-z-]+: [\x20-\x7e\x80-\xff]*")
_STATUS = re.compile(r"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: .*)?")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; its headers hold the token, its body may hold a secret."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One complete answer; its body may hold a secret."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in small letters."""
    body: bytes = field(repr=False)
    is_last: bool = False
    """Whether the connection ends with it."""


class NotHttp(Exception):
    """What came is no answer, or not a whole one."""


class CutOff(Exception):
    """The answer ended early, or would not end."""


def message(request: Request, host: str) -> bytes:
    """Write a request to a host, which stands there as in an address.

    Raises:
        ValueError: a part of it would be read as something else; it is not repeated.
    """
    lines = [f"{name}: {text}" for name, text in request.headers.items()]
    lines += [f"Host: {host}", "Accept-Encoding: identity"]
    if request.body is not None or request.method in _WITH_LENGTH:
        lines.append(f"Content-Length: {len(request.body or b'')}")
    start = f"{request.method} {request.target} HTTP/1.1"
    if not _START.fullmatch(start) or not all(_LINE.fullmatch(line) for line in lines):
        raise ValueError
    head = "\r\n".join([start, *lines, "", ""]).encode("latin-1")
    return head + (request.body or b"")


def answer(sock: socket.socket, deadline: Deadline) -> Response:
    """Read the answer to the one request that is under way.

    Raises:
        OSError: the connection failed, or the answer was not whole in time.
        NotHttp, CutOff: there is none.
    """
    incoming = _Incoming(sock, deadline)
    for _ in range(_MOST_HEADS):
        status, headers, lasts = _head(incoming.through(b"\r\n\r\n"))
        if status >= 200:
            body = incoming.body(status, headers)
            is_last = not lasts or incoming.is_over or incoming.has_more
            return Response(status=status, headers=headers, body=body, is_last=is_last)
    raise NotHttp


def _head(text: bytes) -> tuple[int, dict[str, str], bool]:
    """Read status and headers; whether the connection lasts.

    What is said twice is one list, as RFC 9110, 5.3, has it.
    """
    first, *lines = text.decode("latin-1").split("\r\n")
    form = _STATUS.fullmatch(first)
    if form is None or _has_stray(text, len(lines)):
        raise NotHttp
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or _NAME.fullmatch(name) is None or (name in headers and name in _ONCE):
            raise NotHttp
        value = value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    wish = headers.get("connection", "").lower()
    lasts = "close" not in wish and (form[1] == "1" or "keep-alive" in wish)
    return int(form[2]), headers, lasts


_ONCE = frozenset({"content-length", "transfer-encoding"})


def _has_stray(text: bytes, breaks: int) -> bool:
    """Whether there is a half of a line break, or a NUL: others may read more lines than we do."""
    return text.count(b"\r") != breaks or text.count(b"\n") != breaks or b"\0" in text


class _Incoming:
    """What has come and was not read yet."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._came = bytearray()
        self._beside = _MOST_BESIDE
        self.is_over = False

    @property
    def has_more(self) -> bool:
        """Whether more came than was asked for: then nobody knows what it belongs to."""
        return bool(self._came)

    def body(self, status: int, headers: Mapping[str, str]) -> bytes:
        """Read the body that such an answer has."""
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if status in {204, 304}:
            return b""
        if coding is not None:
            if coding.lower() != "chunked" or length is not None:
                raise NotHttp
            return self._chunks()
        if length is None:
            return self._rest()
        if not (length.isascii() and length.isdigit()):
            raise NotHttp
        digits = length.lstrip("0") or "0"
        if len(digits) > _MOST_DIGITS or int(digits) > LARGEST_ANSWER:
            raise CutOff
        return self._exactly(int(digits))

    def through(self, end: bytes) -> bytes:
        """Read what comes before a mark, and the mark; none of it is a part of the body."""
        searched = 0
        while (place := self._came.find(end, searched)) < 0:
            searched = max(0, len(self._came) - len(end) + 1)
            if len(self._came) > self._beside or not self._receive():
                raise NotHttp
        self._beside -= place + len(end)
        if self._beside < 0:
            raise NotHttp
        found = bytes(self._came[:place])
        del self._came[: place + len(end)]
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self._came) < count:
            if not self._receive():
                raise CutOff
        found = bytes(self._came[:count])
        del self._came[:count]
        return found

    def _chunks(self) -> bytes:
        found = bytearray()
        while size := self._size():
            if len(found) + size > LARGEST_ANSWER:
                raise CutOff
            found += self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise NotHttp
        while self.through(b"\r\n"):
            """Trailers are left out."""
        return bytes(found)

    def _size(self) -> int:
        form = _SIZE.fullmatch(self.through(b"\r\n"))
        if form is None:
            raise NotHttp
        return int(form[1], 16)

    def _rest(self) -> bytes:
        while len(self._came) <= LARGEST_ANSWER:
            if not self._receive():
                return self._exactly(len(self._came))
        raise CutOff

    def _receive(self) -> bool:
        """Take what comes next; whether anything did."""
        self._sock.settimeout(self._deadline.left())
        came = self._sock.recv(_AT_ONCE)
        self.is_over = not came
        self._came += came
        return bool(came)
