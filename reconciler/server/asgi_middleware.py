"""The entrance in front of an ASGI application: Starlette, FastAPI, or any other.

    app.add_middleware(KeyrecMiddleware, verifier=verifier, required={"/reviews/*": "Reviews:read"})

The rule: nothing reaches the application but what `entrance.py` lets in, without the key and
without anybody's `X-Auth-*`. What does not live here: decisions, and any framework.
"""

from __future__ import annotations

from typing import Final

from reconciler.errors import VerifierMisused
from reconciler.server.answers import Answer
from reconciler.server.caller import Caller, required_caller
from reconciler.server.entrance import Guard, Request
from reconciler.server.requests import (
    Application,
    Message,
    Receive,
    Scope,
    Send,
    peer_of,
    query_of,
    send_answer,
    text_headers,
)
from reconciler.server.routes import WEBSOCKET, method_of

STATE_KEY: Final = "keyrec"
"""Where in `scope["state"]` the `Caller` is: `request.state.keyrec` in Starlette and FastAPI."""

_DENIAL = "websocket.http.response"
"""The extension by which a server answers a WebSocket that is refused."""
_OPENING = frozenset({"http.response.start", "websocket.accept", f"{_DENIAL}.start"})
_POLICY_VIOLATION = 1008


class ScopeRefused(Exception):
    """Raised inside an application, before it answers: the middleware answers in its stead."""

    def __init__(self, answer: Answer) -> None:
        """Keep the answer."""
        super().__init__("the key may not do this")
        self.answer = answer


class KeyrecMiddleware(Guard[Application]):
    """Lets requests in by their keys."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection.

        Raises:
            VerifierMisused: it is neither HTTP nor a WebSocket, so that nothing is known of a key.
        """
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in {"http", "websocket"}:
            raise VerifierMisused(
                f"A connection of the kind {scope['type']!r} presents no key.",
                advice="Serve it by an application without this middleware.",
            )
        entry = await self._entrance.admit_async(_request(scope))
        # From here on no frame of ours holds the key in plain text.
        scope = self._without_credential(scope)
        if isinstance(entry, Answer):
            await _refuse(scope, send, entry)
        else:
            await self._let_in(entry, scope, receive, send)

    async def _let_in(
        self, caller: Caller | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Call the application; where it refuses by `ScopeRefused`, answer."""
        state = {name: value for name, value in scope.get("state", {}).items() if name != STATE_KEY}
        scope["state"] = state if caller is None else {**state, STATE_KEY: caller}
        response = _Response(send, caller)
        try:
            await self._app(scope, receive, response.send)
        except ScopeRefused as refused:
            if response.is_begun:
                raise
            await _refuse(scope, send, refused.answer)

    def _without_credential(self, scope: Scope) -> Scope:
        headers = [
            (name, value) for name, value in scope["headers"] if self._keeps(name.decode("latin-1"))
        ]
        return {**scope, "headers": headers}


def caller_of(scope: Scope) -> Caller:
    """Give who sent a request that was let in by a key.

    Raises:
        VerifierMisused: no middleware stands in front, or the path is public.
    """
    return required_caller(scope.get("state", {}).get(STATE_KEY))


class _Response:
    """An application's own answer on its way out."""

    def __init__(self, send: Send, caller: Caller | None) -> None:
        self.is_begun = False
        self._send = send
        self._headers = () if caller is None else _encoded(caller.rotation_headers)

    async def send(self, message: Message) -> None:
        """Pass a message on; the first one tells the caller of a rotation."""
        if message["type"] in _OPENING:
            message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
        self.is_begun = True
        await self._send(message)


def _request(scope: Scope) -> Request:
    """Read what the server tells of a request; the path without that under which we are mounted."""
    path, root = scope["path"], scope.get("root_path", "")
    is_below = path == root or path.startswith(f"{root}/")
    return Request(
        method=WEBSOCKET if scope["type"] == "websocket" else method_of(scope["method"]),
        path=path.removeprefix(root) if is_below else path,
        as_sent=(scope.get("raw_path") or b"").decode("latin-1"),
        query=query_of(scope),
        headers=text_headers(scope),
        peer=peer_of(scope),
    )


async def _refuse(scope: Scope, send: Send, answer: Answer) -> None:
    """Send an answer; a WebSocket is refused before it opens, in words where the server can."""

    async def denying(message: Message) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    if scope["type"] == "http":
        await send_answer(send, answer)
    elif _DENIAL in (scope.get("extensions") or {}):
        await send_answer(denying, answer)
    else:
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})


def _encoded(headers: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
