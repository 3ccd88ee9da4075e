"""The entrance in front of ASGI applications: who gets in, with what, and how others are refused."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, cast

import httpx
import pytest
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from reconciler.credentials.verdict import DenialReason
from reconciler.errors import ConfigInvalid, VerifierMisused
from reconciler.model.lifetime import VersionState
from reconciler.server.answers import PLAIN, Manner, Misconfigured
from reconciler.server.asgi_middleware import (
    KeyrecMiddleware,
    ScopeRefused,
    caller_of,
)
from reconciler.server.authorization import Authorization, Service, Watched
from reconciler.server.caller import Caller
from reconciler.server.counts import Counts
from reconciler.server.requests import NOTE, Message, Note, Receive, Scope, Send
from reconciler.server.routes import Access
from reconciler.server.scope_dependency import requires
from reconciler.verification.client_address import Forwarding
from tests.credentials.examples import NOON
from tests.fakes.verifier import FakeVerifier
from tests.server.presentations import BEARER, KEY, NEARBY, PEER, REFUSED, REQUIRED, TERSE, Refused


@dataclass
class Recorder:
    """An application that answers 204 and keeps what reached it."""

    scopes: list[Scope] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": 204, "headers": [(b"x-app", b"1")]})
        await send({"type": "http.response.body"})


def scope_of(
    *, method: str = "GET", path: str = "/reviews/1", query: str = "", **parts: Any
) -> Scope:
    """Give a connection as a server tells of it."""
    headers: Iterable[tuple[str, str]] = parts.pop("headers", (BEARER,))
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers],
        "client": (PEER, 4711),
        **parts,
    }


def sent_by(app: Any, scope: Scope) -> list[Message]:
    """Serve one connection; everything that was sent."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is to be received")

    asyncio.run(app(scope, receive, send))
    return sent


def guarded(verifier: FakeVerifier, **settings: Any) -> tuple[KeyrecMiddleware, Recorder]:
    """Give a guarded application, and itself."""
    app = Recorder()
    return KeyrecMiddleware(app, verifier=verifier, required=REQUIRED, **settings), app


def test_a_good_key_gets_in_and_is_not_handed_on() -> None:
    """The application learns who calls; the key stays outside."""
    verifier = FakeVerifier()
    middleware, app = guarded(verifier)
    scope = scope_of(headers=(BEARER, ("Accept", "text/plain"), ("X-Api-Key", KEY)))
    sent = sent_by(middleware, scope)
    assert [message.get("status") for message in sent] == [204, None]
    assert sent[0]["headers"] == [(b"x-app", b"1")]
    (seen,) = app.scopes
    assert seen["headers"] == [(b"accept", b"text/plain")]
    allowed = seen["state"]["keyrec"].allowed
    assert str(allowed.record.address) == "payments/billing-sync"
    assert KEY not in repr(seen)
    assert (verifier.addresses, verifier.scopes) == ([PEER], ["Reviews:read"])
    assert "state" not in scope, "the server's own scope was changed"


@pytest.mark.parametrize("manner", [PLAIN, TERSE], ids=["holder", "terse"])
@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_a_refusal_is_what_the_endpoint_answers(case: Refused, manner: Manner) -> None:
    """Status, headers and body are those of `answer_of`; the application is not reached."""
    verifier = case.verifier()
    middleware, app = guarded(verifier, manner=manner)
    scope = scope_of(method=case.method, path=case.path, query=case.query, headers=case.headers)
    start, body = sent_by(middleware, scope)
    wanted = case.answer(verifier, manner)
    headers = (*wanted.headers, ("Content-Length", str(len(wanted.body))))
    assert start["status"] == wanted.status
    assert start["headers"] == [(n.lower().encode(), v.encode()) for n, v in headers]
    assert body == {"type": "http.response.body", "body": wanted.body}
    assert app.scopes == []


@pytest.mark.parametrize(
    "case",
    [case for case in REFUSED if not isinstance(case.decision, Misconfigured)],
    ids=lambda case: case.why,
)
def test_the_endpoint_itself_refuses_by_the_same_messages(case: Refused) -> None:
    """What stands behind a gateway and what stands in a service cannot be told apart."""
    verifier = case.verifier()
    middleware, _ = guarded(verifier)
    scope = scope_of(method=case.method, path=case.path, query=case.query, headers=case.headers)
    counts = Counts.alone(lambda: 0.0)
    service = Service(verifier=cast("Watched", verifier), counts=counts)
    asked = scope_of(
        path="/v1/authorize",
        query=f"require={case.scope}&{case.query}",
        headers=case.headers,
    )
    asked[NOTE] = Note("request-1")
    expected = sent_by(middleware, scope)
    expected[0]["headers"].append((b"x-request-id", b"request-1"))
    assert sent_by(Authorization(service), asked) == expected


@given(
    path=st.sampled_from(["/reviews/1", "/elsewhere", "/any", "//x", "/Any", "/reviews/../any"]),
    method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS"]),
    value=st.binary(max_size=80).map(b"k".__add__),
    name=st.sampled_from([b"x-api-key", b"authorization"]),
    state=st.sampled_from(REFUSED).map(lambda case: case.state),
)
def test_without_the_secret_nothing_can_be_told_apart(
    path: str, method: str, value: bytes, name: bytes, state: dict[str, dict[str, Any]]
) -> None:
    """Whatever bytes are presented, wherever, to a key in whatever state: the same bytes back."""
    verifier = FakeVerifier()
    verifier.change(**state)
    middleware, app = guarded(verifier)
    value = b"Bearer " + value if name == b"authorization" else value
    scope = {**scope_of(method=method, path=path), "headers": [(name, value)]}
    reference = sent_by(middleware, scope_of(headers=(("X-API-Key", "hello"),)))
    assert sent_by(middleware, scope) == reference
    assert app.scopes == []


@given(
    headers=st.lists(st.tuples(st.binary(), st.binary())),
    path=st.text(),
    raw_path=st.none() | st.binary(),
    query=st.binary(),
    client=st.none() | st.tuples(st.text(), st.integers()),
)
def test_no_input_raises(
    headers: list[tuple[bytes, bytes]],
    path: str,
    raw_path: bytes | None,
    query: bytes,
    client: tuple[str, int] | None,
) -> None:
    """Every request without the key has an answer of a refusal, and does not enter."""
    middleware, app = guarded(FakeVerifier())
    scope = scope_of(path=path, headers=(), raw_path=raw_path, client=client)
    sent = sent_by(middleware, {**scope, "headers": headers, "query_string": query})
    assert sent[0]["status"] == 401 or path.removesuffix("/") == "/healthz"
    assert len(app.scopes) == (sent[0]["status"] == 204)


def test_a_public_path_is_open_to_all_and_hands_nothing_on() -> None:
    """No key is looked at, and the application finds nobody."""
    verifier = FakeVerifier(undecided=DenialReason.UNAVAILABLE)
    middleware, app = guarded(verifier)
    scope = scope_of(path="/healthz", state={"keyrec": "somebody", "other": 1})
    assert sent_by(middleware, scope)[0]["status"] == 204
    (seen,) = app.scopes
    assert seen["state"] == {"other": 1}
    assert seen["headers"] == []
    assert verifier.scopes == []
    with pytest.raises(VerifierMisused):
        caller_of(seen)


def test_nobody_speaks_in_our_name() -> None:
    """`X-Auth-*` of a client never arrive, however they are spelled, also where the key does."""
    middleware, app = guarded(FakeVerifier(), keeps_credential=True)
    spoofed = [("X-Auth-Workspace", "a"), ("x_auth_key_id", "b"), ("X-AUTH_Scopes", "c")]
    sent_by(middleware, scope_of(headers=(BEARER, *spoofed, ("X-Authority", "d"))))
    assert [name for name, _ in app.scopes[0]["headers"]] == [b"authorization", b"x-authority"]


def test_the_address_is_the_clients_where_the_proxy_is_trusted() -> None:
    """Only then; a header of anybody else is not read."""
    verifier = FakeVerifier()
    verifier.change(fields=NEARBY)
    forwarded = scope_of(headers=(BEARER, ("X-Forwarded-For", "9.9.9.9, 203.0.113.7")))
    trusting, _ = guarded(verifier, forwarding=Forwarding(trusted=(f"{PEER}/32",)))
    assert sent_by(trusting, forwarded)[0]["status"] == 204
    plain, _ = guarded(verifier)
    assert sent_by(plain, forwarded)[0]["status"] == 403
    on_a_socket = {**forwarded, "client": None}
    assert sent_by(plain, on_a_socket)[0]["status"] == 403
    assert verifier.addresses == ["203.0.113.7", PEER, None]


def test_a_secret_that_was_replaced_says_so() -> None:
    """The response carries until when it works; that of a current secret carries nothing."""
    verifier = FakeVerifier()
    later = NOON + timedelta(hours=1)
    verifier.change(version={"state": VersionState.RETIRING, "retire_at": later})
    middleware, _ = guarded(verifier)
    assert sent_by(middleware, scope_of())[0]["headers"] == [
        (b"x-app", b"1"),
        (b"x-auth-retiring", b"true"),
        (b"x-auth-rotate-by", b"2026-11-24T13:00:00Z"),
    ]
    verifier.change(version={"state": VersionState.RETIRING, "retire_at": None})
    assert sent_by(middleware, scope_of())[0]["headers"][1:] == [(b"x-auth-retiring", b"true")]


def test_the_event_loop_is_never_held_up() -> None:
    """Only `check_async` is asked, also for a scope of one route."""
    verifier = FakeVerifier()
    client = client_of(fastapi_app(), verifier)
    asyncio.run(answered(client, "POST", "/hooks"))
    assert verifier.awaited == len(verifier.scopes) == 2


def test_a_function_says_what_is_needed_where_no_table_can() -> None:
    """What it does not know is refused, and an odd path is not shown to it."""
    asked: list[str] = []

    def required(method: str, path: str) -> Access | str | None:
        asked.append(f"{method} {path}")
        return {"/open": Access.PUBLIC, "/hooks": "Webhooks:change"}.get(path)

    app = Recorder()
    middleware = KeyrecMiddleware(app, verifier=FakeVerifier(), required=required)
    paths = ["/open", "/hooks", "/unknown", "//open"]
    statuses = [sent_by(middleware, scope_of(path=path))[0]["status"] for path in paths]
    assert statuses == [204, 204, 403, 403]
    assert asked == ["GET /open", "GET /hooks", "GET /unknown"]


def test_a_path_is_what_is_routed_below_a_mount() -> None:
    """`root_path` is taken away as Starlette does it, and nothing else is."""
    middleware, app = guarded(FakeVerifier())
    for path, root in (("/api/reviews/1", "/api"), ("/reviews/1", ""), ("/reviews/1", "/rev")):
        assert sent_by(middleware, scope_of(path=path, root_path=root))[0]["status"] == 204
    for path, root in (("/apireviews/1", "/api"), ("/api/reviews/1", "/api/")):
        assert sent_by(middleware, scope_of(path=path, root_path=root))[0]["status"] == 403
    assert [scope["path"] for scope in app.scopes] == ["/api/reviews/1", *["/reviews/1"] * 2]


@pytest.mark.parametrize("trusted", ["10.0.0.5/8", "0.0.0.0/0", "proxy"])
def test_trust_that_means_nothing_or_too_much_is_refused(trusted: str) -> None:
    """When the middleware is made, not when a request comes."""
    with pytest.raises(ConfigInvalid, match="forwarding"):
        guarded(FakeVerifier(), forwarding=Forwarding(trusted=(trusted,)))


def test_what_is_neither_http_nor_a_websocket_is_refused() -> None:
    """Lifespan is passed on as it is; of anything else it is not known what it does."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    middleware = KeyrecMiddleware(app, verifier=FakeVerifier(), required={})
    lifespan = {"type": "lifespan", "state": {}}
    assert sent_by(middleware, lifespan) == []
    assert seen[0] is lifespan
    with pytest.raises(VerifierMisused, match="telepathy"):
        sent_by(middleware, {"type": "telepathy"})
    assert len(seen) == 1


# In Starlette and FastAPI.


def fastapi_app() -> FastAPI:
    """Give an application with a scope of one route's own."""
    app = FastAPI()

    @app.get("/hooks")
    async def listed(request: Request) -> str:
        return str(caller_of(request.scope).allowed.record.address)

    @app.post("/hooks")
    async def added(caller: Annotated[Caller, Depends(requires("Webhooks:change"))]) -> str:
        return str(caller.allowed.record.address)

    @app.delete("/hooks")
    async def removed(_: Annotated[Caller, Depends(requires("Credentials:change"))]) -> str:
        raise AssertionError("never reached")

    return app


def client_of(app: Starlette, verifier: FakeVerifier) -> httpx.AsyncClient:
    """Guard an application as its documentation says, and give a client of it."""
    app.add_middleware(KeyrecMiddleware, verifier=verifier, required={"/*": Access.ANY_KEY})
    transport = httpx.ASGITransport(app=app, client=(PEER, 4711))
    return httpx.AsyncClient(
        transport=transport, base_url="http://shop", headers={"Authorization": f"Bearer {KEY}"}
    )


async def answered(client: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    """Send one request."""
    async with client:
        return await client.request(method, path)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_route_is_given_its_caller(method: str) -> None:
    """From the scope, or by a dependency that also asks for a scope."""
    client = client_of(fastapi_app(), FakeVerifier())
    answer = asyncio.run(answered(client, method, "/hooks"))
    assert (answer.status_code, answer.json()) == (200, "payments/billing-sync")


def test_a_routes_own_scope_is_refused_by_the_same_bytes() -> None:
    """What the table would have answered, the dependency answers."""
    by_dependency = asyncio.run(
        answered(client_of(fastapi_app(), FakeVerifier()), "DELETE", "/hooks")
    )
    middleware = KeyrecMiddleware(
        Recorder(), verifier=FakeVerifier(), required={"/hooks": "Credentials:change"}
    )
    start, body = sent_by(middleware, scope_of(method="DELETE", path="/hooks"))
    assert by_dependency.status_code == start["status"] == 403
    assert by_dependency.headers.raw == start["headers"]
    assert by_dependency.content == body["body"]


def test_a_key_that_ends_during_a_request_is_refused_from_then_on() -> None:
    """A second question is about the key as it is then."""
    verifier = FakeVerifier()

    async def slow(request: Request) -> PlainTextResponse:
        verifier.change(fields={"active": False})
        await requires("Reviews:read")(request)
        raise AssertionError("never reached")

    client = client_of(Starlette(routes=[Route("/", slow)]), verifier)
    answer = asyncio.run(answered(client, "GET", "/"))
    assert (answer.status_code, answer.json()["code"]) == (401, "key-inactive")


def test_a_mounted_application_is_guarded_by_its_own_paths() -> None:
    """The table of an application does not say where it is mounted."""
    inner = fastapi_app()
    inner.add_middleware(
        KeyrecMiddleware, verifier=FakeVerifier(), required={"GET /hooks": Access.ANY_KEY}
    )
    transport = httpx.ASGITransport(app=Starlette(routes=[Mount("/api", inner)]))
    client = httpx.AsyncClient(transport=transport, base_url="http://shop", headers=[BEARER])
    assert asyncio.run(answered(client, "GET", "/api/hooks")).status_code == 200


def test_a_dependency_without_the_middleware_lets_nobody_in() -> None:
    """An application that forgot it fails, and does not answer."""
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=fastapi_app()), base_url="http://shop", headers=[BEARER]
    )
    with pytest.raises(VerifierMisused):
        asyncio.run(answered(client, "POST", "/hooks"))


def test_a_refusal_after_the_answer_began_is_an_error() -> None:
    """A half-sent answer is not continued by another one."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        refusal = await caller_of(scope).refusal_async("Credentials:change")
        assert refusal is not None
        raise ScopeRefused(refusal)

    middleware = KeyrecMiddleware(app, verifier=FakeVerifier(), required=REQUIRED)
    with pytest.raises(ScopeRefused):
        sent_by(middleware, scope_of())


def test_a_scope_that_is_none_is_told_when_the_route_is_written() -> None:
    """Not when it is called."""
    with pytest.raises(ConfigInvalid):
        requires("Reviews")


# WebSockets.

DENIAL: dict[str, Any] = {"websocket.http.response": {}}


async def greet(websocket: WebSocket) -> None:
    """Say who is there."""
    await websocket.accept()
    await websocket.send_text(str(caller_of(websocket.scope).allowed.record.address))


async def pick(websocket: WebSocket) -> None:
    """Open for those alone who may change credentials."""
    await requires("Credentials:change")(websocket)
    raise AssertionError("never reached")


def opened(
    path: str, *, headers: Iterable[tuple[str, str]] = (BEARER,), extensions: Any = DENIAL
) -> list[Message]:
    """Open a WebSocket; everything that was sent."""
    routes = [WebSocketRoute(f"/{app.__name__}", app) for app in (greet, pick)]
    required = {
        "WEBSOCKET /greet": "Reviews:read",
        "WEBSOCKET /pick": Access.ANY_KEY,
        "GET /other": "Reviews:read",
    }
    verifier = FakeVerifier()
    verifier.change(version={"state": VersionState.RETIRING, "retire_at": None})
    app = KeyrecMiddleware(Starlette(routes=routes), verifier=verifier, required=required)
    scope = {
        **scope_of(path=path, headers=headers),
        "type": "websocket",
        "extensions": extensions,
        "subprotocols": [],
    }
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    asyncio.run(app(scope, receive, send))
    return sent


def test_a_websocket_opens_for_a_good_key() -> None:
    """The application knows whose it is, and the caller whether its secret was replaced."""
    accepted, greeting = opened("/greet")
    assert accepted["type"] == "websocket.accept"
    assert accepted["headers"] == [(b"x-auth-retiring", b"true")]
    assert greeting["text"] == "payments/billing-sync"


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/greet", (), 401, "missing-credential"),
        ("/greet", (("X-API-Key", "x"),), 401, "invalid-key"),
        ("/other", (BEARER,), 403, "misconfigured"),
        ("/pick", (BEARER,), 403, "insufficient-scope"),
    ],
)
def test_a_websocket_is_refused_before_it_opens(
    path: str, headers: tuple[tuple[str, str], ...], status: int, code: str
) -> None:
    """By the same answer as a request; a rule for GET is none for WebSockets."""
    start, body = opened(path, headers=headers)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
    assert (b"content-type", b"application/problem+json") in start["headers"]
    assert body["type"] == "websocket.http.response.body"
    assert json.loads(body["body"])["code"] == code


@pytest.mark.parametrize("extensions", [None, {}])
@pytest.mark.parametrize("path", ["/greet", "/pick"])
def test_a_server_that_cannot_answer_a_websocket_closes_it(path: str, extensions: Any) -> None:
    """Before it is open, which servers make a 403 of."""
    headers = (BEARER,) if path == "/pick" else ()
    closed = {"type": "websocket.close", "code": 1008, "reason": ""}
    assert opened(path, headers=headers, extensions=extensions) == [closed]


def test_the_middleware_needs_no_framework() -> None:
    """Any ASGI or WSGI application can stand behind it."""
    program = (
        "import sys, reconciler.server.asgi_middleware, reconciler.server.wsgi_middleware;"
        "print(sorted({'starlette', 'fastapi', 'uvicorn', 'flask', 'django'} & {*sys.modules}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert said.stdout == "[]\n"


@pytest.mark.parametrize("method", ["DELETE", "delete", "Delete", "WEBSOCKET"])
def test_a_method_counts_in_capitals_as_frameworks_read_it(method: str) -> None:
    """A stricter line is not passed by in small letters, nor one that is for WebSockets."""
    table = {
        "DELETE /reviews/*": "Reviews:operate",
        "WEBSOCKET /reviews/*": "Reviews:read",
        "GET /reviews/*": "Reviews:read",
    }
    app = Recorder()
    middleware = KeyrecMiddleware(app, verifier=FakeVerifier(), required=table)
    assert sent_by(middleware, scope_of(method=method))[0]["status"] == 403
    assert app.scopes == []
