"""A connection with limits: how long a request may be, how long it may take to come, how many may
wait, and how long a client may take to read its answer.

uvicorn's own protocol, which limits none of it: a client that sends a head without end, or a byte a
minute, or reads nothing, would keep memory and a connection for as long as it likes. What is wrong
is answered once, in the form of all our problems, and the connection is closed. Trailers are no
headers: nobody in front of us has looked at them.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import (
    HttpToolsProtocol,
    RequestResponseCycle,
)

from reconciler.server.answers import Answer, refusal
from reconciler.server.problems import Problem

LONGEST_HEAD: Final = 32 * 1024
"""Bytes of the request line and all headers."""
LONGEST_REST: Final = 1024 * 1024
"""Bytes of a request after its head, whether anybody reads them or not."""
REQUEST_SECONDS: Final = 10.0
"""From the opening of a connection (over TLS: its handshake's end), or a further request's first
byte, until that request has come whole, trailers and all; not how long its answer takes."""
READING_SECONDS: Final = 10.0
"""For which a client may leave any byte of an answer unread that the system takes no more of, and
for which a connection may take to close."""
MOST_PIPELINED: Final = 16
"""Requests that wait on one connection; gateways send none ahead."""
MOST_CONNECTIONS: Final = 1024
"""Of one worker, where the system allows as many files; one more is closed at once."""
OTHER_FILES: Final = 128
"""What a worker keeps for its store and the rest."""
MOST_FILES: Final = 4096
"""What is asked of the system: connections before the end of their TLS handshake are files too."""

_BETWEEN: Final = len(b": \r\n")
_CLOSE = (("Connection", "close"),)
_NOT_HTTP = refusal(400, Problem(code="not-http", title="This is no HTTP request"), more=_CLOSE)
_LONG_HEAD = refusal(
    431,
    Problem(
        code="head-too-long",
        title="The request's headers are too long",
        detail=f"At most {LONGEST_HEAD} bytes.",
    ),
    more=_CLOSE,
)
_LONG_REST = refusal(413, Problem(code="too-large", title="The request is too large"), more=_CLOSE)
_TOO_SLOW = refusal(
    408, Problem(code="too-slow", title="The request took too long to come"), more=_CLOSE
)


class LimitedConnection(HttpToolsProtocol):
    """One connection to a client."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        """Start before the head of the first request."""
        super().__init__(*args, **settings)
        self.url, self.headers = b"", []
        self._fed = 0
        self._rest = 0
        self._is_in_head = True
        self._is_begun = False
        self._now = 0
        self._bound = 0
        self._patience: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request; turn away one connection too many."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.abort()
            return
        # A pause is then: something is unread. With 0, TLS would pause where nothing is.
        transport.set_write_buffer_limits(high=1, low=0)
        self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        self._stop_minding()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to mind that the client reads nothing."""
        super().pause_writing()
        self._mind()

    def resume_writing(self) -> None:
        """All that waited is with the client; one that is to close still has to."""
        if not self.transport.is_closing():
            self._stop_minding()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Take bytes; no more of a head than is allowed."""
        if self.transport.is_closing():
            return
        self._now = len(data)
        if self._is_in_head:
            self._fed += self._now
            self._bound += self._now
        else:
            self._rest += self._now
        super().data_received(data)
        if self._is_begun or self._fed:
            self._wait_for_request()
        if self._rest > LONGEST_REST and not self.transport.is_closing():
            self._refuse(_LONG_REST)
        if self._is_in_head and self._fed > LONGEST_HEAD and not self.transport.is_closing():
            self._refuse(_LONG_HEAD)

    def on_message_begin(self) -> None:
        """Begin to count; nobody sends more ahead than is allowed."""
        if len(self.pipeline) >= MOST_PIPELINED:
            self.transport.abort()
            raise ValueError("too many requests wait")
        super().on_message_begin()
        self._is_in_head = self._is_begun = True
        self._bound = self._now

    def on_headers_complete(self) -> None:
        """Answer, unless the head was too long; what comes after a body is no header."""
        # No more can be in the head than came since it began; only then is it added up.
        if self._bound > LONGEST_HEAD and self._head_length() > LONGEST_HEAD:
            raise ValueError("the head is too long")
        self._is_in_head = False
        self._fed = 0
        super().on_headers_complete()
        self.headers = []  # the request has its own; trailers go where nobody looks

    def on_message_complete(self) -> None:
        """Stop waiting: the request is here."""
        self._stop_waiting()
        self._rest = 0
        self._is_in_head = True
        self._is_begun = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on; where that was the last answer, let it not be waited for without end."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._mind()

    def timeout_keep_alive_handler(self) -> None:
        """Close what nobody uses, also where its last answer was never read."""
        self._end()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or one whose head was too long."""
        del msg
        is_long = self._is_in_head and self._head_length() > LONGEST_HEAD
        self._refuse(_LONG_HEAD if is_long else _NOT_HTTP)

    def _head_length(self) -> int:
        """Give the bytes of the head so far: of its address and its headers."""
        return len(self.url) + sum(len(n) + len(v) + _BETWEEN for n, v in self.headers)

    def _wait_for_request(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(REQUEST_SECONDS, self._lose_patience)

    @property
    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _mind(self) -> None:
        if self._unread is None:
            self._unread = self.loop.call_later(READING_SECONDS, self.transport.abort)

    def _stop_minding(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _lose_patience(self) -> None:
        """Close; say why where a request was begun and nothing was answered yet."""
        if self.flow.write_paused:
            self.transport.abort()
        elif self._fed and not self._is_answering:
            self._refuse(_TOO_SLOW)
        elif not self.transport.is_closing():
            self._end()

    def _refuse(self, answer: Answer) -> None:
        """Write a complete answer, and close."""
        if self.transport.is_closing():
            return
        if not self._is_answering:
            self.transport.write(_bytes(answer, self.server_state.default_headers))
        self._end()

    def _end(self) -> None:
        """Close once all is written; a client that does not read it is not waited for."""
        self.transport.close()
        self._mind()


def most_connections() -> int:
    """Give how many connections a worker takes with the files that it may open."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return min(MOST_CONNECTIONS, max(1, allowed - OTHER_FILES))


def allow_files() -> None:
    """Let this process, and its workers, open as many files as connections want; best effort."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _bytes(answer: Answer, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    phrase = HTTPStatus(answer.status).phrase
    lines = [f"HTTP/1.1 {answer.status} {phrase}".encode("ascii")]
    lines += [name + b": " + value for name, value in default_headers]
    length = ("Content-Length", str(len(answer.body)))
    lines += [f"{n.lower()}: {v}".encode("ascii") for n, v in (*answer.headers, length)]
    return b"\r\n".join((*lines, b"", answer.body))
