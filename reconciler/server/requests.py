"""Requests and answers as ASGI has them, and what is noted of one for the log.

A note holds no credential, no path and no query: routes by name, version ids, addresses, reasons.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from reconciler.server.answers import Answer
from reconciler.server.presented import HeaderValues

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

WrittenHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]

NOTE: Final = "keyrec.note"
"""Where in an ASGI scope the note is."""
REQUEST_ID: Final = "x-request-id"
REQUEST_ID_NAME: Final = REQUEST_ID.encode("ascii")


@dataclass(slots=True)
class Note:
    """What is known of a request so far; written to the log when it was answered."""

    request_id: str
    fields: dict[str, str] = field(default_factory=dict)
    """Words for the log, in the order in which they were learned."""
    status: int | None = None
    """Of the answer, once it was begun."""

    def add(self, **words: str | None) -> None:
        """Note what is known; None is not known."""
        for name, word in words.items():
            if word is not None:
                self.fields[name] = word


def note_of(scope: Scope) -> Note:
    """Give the note of a request."""
    note: Note = scope[NOTE]
    return note


def text_headers(scope: Scope) -> tuple[tuple[str, str], ...]:
    """Give names and values as text, repeated ones repeated."""
    return tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"])


def header_values(scope: Scope, names: Mapping[bytes, str]) -> HeaderValues:
    """Give the values of the headers of these names, in the order in which they came.

    `names`: each in small letters, with the same as text.
    """
    found: dict[str, list[str]] = {}
    for written, value in scope["headers"]:
        name = names.get(written.lower())
        if name is not None:
            found.setdefault(name, []).append(value.decode("latin-1"))
    return found


def query_of(scope: Scope) -> str:
    """Give the query as it was sent."""
    query: bytes = scope.get("query_string") or b""
    return query.decode("latin-1")


def addresses_of(scope: Scope) -> tuple[str, ...]:
    """Give path and query as they were sent and as they are read."""
    raw: bytes = scope.get("raw_path") or b""
    return raw.decode("latin-1"), scope["path"], query_of(scope)


def peer_of(scope: Scope) -> str | None:
    """Give the other end of the connection; None on a Unix socket."""
    client = scope.get("client")
    return client[0] if client else None


async def send_answer(send: Send, answer: Answer) -> None:
    """Send a complete answer."""
    await _send(send, answer, [*written_headers(answer)])


async def send_noted(scope: Scope, send: Send, answer: Answer) -> None:
    """Send a complete answer with its request's id, and note its status."""
    await send_written(scope, send, answer, written_headers(answer))


def written_headers(answer: Answer) -> WrittenHeaders:
    """Give the headers of an answer as they are sent."""
    headers = ((n.lower().encode("ascii"), v.encode("ascii")) for n, v in answer.headers)
    return (*headers, (b"content-length", str(len(answer.body)).encode("ascii")))


async def send_written(scope: Scope, send: Send, answer: Answer, headers: WrittenHeaders) -> None:
    """Do as `send_noted` does, where the answer's headers are written already."""
    note = note_of(scope)
    note.status = answer.status
    await _send(send, answer, [*headers, (REQUEST_ID_NAME, note.request_id.encode("ascii"))])


async def _send(send: Send, answer: Answer, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
