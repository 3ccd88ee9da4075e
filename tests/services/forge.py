"""A forge on this machine: just enough of the comment APIs of GitHub and GitLab, which remembers.

It keeps comments, gives them page by page with a `Link` header, and can be told to stumble: the next
answers of a method, or all of them, are then a status instead; a write that stumbles may still be
done. The right token is asked for in every request.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "forge-token-of-this-test"
BOT = "github-actions[bot]"
BOT_NUMBER = 41
PER_PAGE = 3
"""Small, whatever is asked for: an API may give less."""

_COMMENTS = re.compile(r"/repos/example/keys/issues/(\d+)/comments")
_COMMENT = re.compile(r"/repos/example/keys/issues/comments/(\d+)")
_NOTES = re.compile(r"/projects/7/merge_requests/(\d+)/notes")
_NOTE = re.compile(r"/projects/7/merge_requests/(\d+)/notes/(\d+)")


@dataclass
class Comment:
    """One comment."""

    number: int
    author: str
    body: str

    @property
    def document(self) -> dict[str, Any]:
        """Give it as either API does."""
        bot = BOT_NUMBER if self.author == BOT else 99
        return {
            "id": self.number,
            "body": self.body,
            "user": {"login": self.author},
            "author": {"id": bot, "username": self.author},
            "system": False,
        }


@dataclass
class Forge:
    """What the forge holds, and how it behaves."""

    port: int = 0
    comments: list[Comment] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    """Documents of paths that are no comments."""
    stumbles: dict[str, list[int]] = field(default_factory=dict)
    """By method: statuses of the next answers."""
    denies: dict[str, int] = field(default_factory=dict)
    """By method: the status of every answer."""
    does_it_anyway: bool = False
    """Whether a write that stumbles is done all the same."""
    redirects_to: str = ""

    @property
    def address(self) -> str:
        """Give the root of its API."""
        return f"http://127.0.0.1:{self.port}"

    def say(self, author: str, body: str) -> Comment:
        """Add a comment."""
        made = Comment(number=len(self.comments) + 1001, author=author, body=body)
        self.comments.append(made)
        return made

    def count(self, method: str) -> int:
        """Give how many requests of a method came."""
        return sum(request.startswith(f"{method} ") for request in self.requests)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def answer_any(self) -> None:
        """Answer as planned, else as the API would."""
        forge = self.server.forge
        length = int(self.headers.get("Content-Length") or 0)
        document = json.loads(self.rfile.read(length)) if length else {}
        parts = urlsplit(self.path)
        forge.requests.append(f"{self.command} {parts.path}")
        if forge.redirects_to:
            self._send(302, {}, Location=forge.redirects_to)
            return
        given = (self.headers.get("Authorization"), self.headers.get("PRIVATE-TOKEN"))
        status = 0 if given in {(f"Bearer {TOKEN}", None), (None, TOKEN)} else 401
        status = status or forge.denies.get(self.command, 0)
        planned = forge.stumbles.get(self.command)
        status = status or (planned.pop(0) if planned else 0)
        if status and not (forge.does_it_anyway and self.command != "GET"):
            self._send(status, {"message": "no"})
            return
        found = self._done(forge, parts.path, parts.query, document)
        self._send(status or found[0], found[1], **found[2])

    do_GET = do_POST = do_PATCH = do_PUT = answer_any  # noqa: N815 - the base's

    def _done(
        self, forge: Forge, path: str, query: str, document: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        if path in forge.answers:
            return 200, forge.answers[path], {}
        match self.command:
            case "GET" if _COMMENTS.fullmatch(path) or _NOTES.fullmatch(path):
                return self._page(forge, path, query)
            case "POST" if _COMMENTS.fullmatch(path) or _NOTES.fullmatch(path):
                return 201, forge.say(BOT, document["body"]).document, {}
            case "PATCH" | "PUT":
                found = _COMMENT.fullmatch(path) or _NOTE.fullmatch(path)
                for comment in forge.comments:
                    if found and comment.number == int(found[found.lastindex or 1]):
                        comment.body = document["body"]
                        return 200, comment.document, {}
            case _:
                pass
        return 404, {"message": "Not Found"}, {}

    def _page(self, forge: Forge, path: str, query: str) -> tuple[int, Any, dict[str, str]]:
        number = int(parse_qs(query).get("page", ["1"])[0])
        first = (number - 1) * PER_PAGE
        shown = forge.comments[first : first + PER_PAGE]
        more = len(forge.comments) > first + PER_PAGE
        link = f'<{forge.address}{path}?page=1>; rel="first"'
        if more:
            link += f', <{forge.address}{path}?page={number + 1}>; rel="next"'
        return 200, [comment.document for comment in shown], {"Link": link}

    def _send(self, status: int, document: Any, **headers: str) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, text in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    forge: Forge


@contextlib.contextmanager
def running_forge() -> Iterator[Forge]:
    """Run a forge for the length of a block."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.forge = Forge(port=int(server.server_address[1]))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
