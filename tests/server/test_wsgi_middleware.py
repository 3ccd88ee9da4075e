"""The entrance in front of WSGI applications: the same decisions, told by variables."""

from __future__ import annotations

import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from wsgiref.validate import validator

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.credentials.verdict import DenialReason
from reconciler.errors import ConfigInvalid, VerifierMisused
from reconciler.model.lifetime import VersionState
from reconciler.server.answers import PLAIN, Manner
from reconciler.server.wsgi_middleware import (
    Environ,
    KeyrecMiddleware,
    StartResponse,
    caller_of,
)
from reconciler.verification.client_address import Forwarding
from tests.credentials.examples import NOON
from tests.fakes.verifier import FakeVerifier
from tests.server.presentations import BEARER, KEY, NEARBY, PEER, REFUSED, REQUIRED, TERSE, Refused


@dataclass
class Recorder:
    """An application that answers 200 and keeps what reached it."""

    environs: list[Environ] = field(default_factory=list)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer."""
        self.environs.append(dict(environ))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]


@dataclass
class Said:
    """One answer."""

    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def code(self) -> int:
        """Give the status as a number."""
        return int(self.status.split()[0])


def environ_of(
    *, method: str = "GET", path: str = "/reviews/1", query: str = "", **variables: Any
) -> Environ:
    """Give a request as a server tells of it; repeated headers are joined."""
    headers: Iterable[tuple[str, str]] = variables.pop("headers", (BEARER,))
    environ: Environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "shop",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": PEER,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        variable = "HTTP_" + name.upper().replace("-", "_")
        environ[variable] = f"{environ[variable]},{value}" if variable in environ else value
    return {**environ, **variables}


def said_by(app: Any, environ: Environ, *, is_checked: bool = True) -> Said:
    """Serve one request, and hold the application to the protocol."""
    said = Said()

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        said.status, said.headers = status, headers
        return io.BytesIO().write

    answer = (validator(app) if is_checked else app)(environ, start_response)
    said.body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return said


def guarded(verifier: FakeVerifier, **settings: Any) -> tuple[KeyrecMiddleware, Recorder]:
    """Give a guarded application, and itself."""
    app = Recorder()
    return KeyrecMiddleware(app, verifier=verifier, required=REQUIRED, **settings), app


def test_a_good_key_gets_in_and_is_not_handed_on() -> None:
    """The application learns who calls; the key stays outside, also for the server's own log."""
    verifier = FakeVerifier()
    middleware, app = guarded(verifier)
    environ = environ_of(headers=(BEARER, ("Accept", "text/plain"), ("X-Api-Key", KEY)))
    said = said_by(middleware, environ)
    assert (said.code, said.body) == (200, b"hello")
    assert said.headers == [("Content-Type", "text/plain")]
    (seen,) = app.environs
    assert {name for name in seen if name.startswith("HTTP_")} == {"HTTP_ACCEPT"}
    assert str(caller_of(seen).allowed.record.address) == "payments/billing-sync"
    assert KEY not in repr(seen)
    assert KEY not in repr(environ)
    assert (verifier.addresses, verifier.scopes) == ([PEER], ["Reviews:read"])
    assert verifier.awaited == 0


@pytest.mark.parametrize("manner", [PLAIN, TERSE], ids=["holder", "terse"])
@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_a_refusal_is_what_the_endpoint_answers(case: Refused, manner: Manner) -> None:
    """Status, headers and body are those of `answer_of`; the application is not reached."""
    verifier = case.verifier()
    middleware, app = guarded(verifier, manner=manner)
    said = said_by(
        middleware,
        environ_of(method=case.method, path=case.path, query=case.query, headers=case.headers),
    )
    wanted = case.answer(verifier, manner)
    assert said.code == wanted.status
    assert said.headers == [*wanted.headers, ("Content-Length", str(len(wanted.body)))]
    assert said.body == wanted.body
    assert app.environs == []


def test_a_refusal_of_head_has_no_body() -> None:
    """All else is as for GET."""
    middleware, _ = guarded(FakeVerifier())
    head, got = (
        said_by(middleware, environ_of(method=method, headers=())) for method in ("HEAD", "GET")
    )
    assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")
    assert got.body


@given(
    path=st.sampled_from(["/reviews/1", "/elsewhere", "/any", "//x", "/Any", "/reviews/../any"]),
    method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS"]),
    value=st.binary(max_size=80).map(b"k".__add__),
    name=st.sampled_from(["HTTP_X_API_KEY", "HTTP_AUTHORIZATION"]),
    state=st.sampled_from(REFUSED).map(lambda case: case.state),
)
def test_without_the_secret_nothing_can_be_told_apart(
    path: str, method: str, value: bytes, name: str, state: dict[str, dict[str, Any]]
) -> None:
    """Whatever is presented, wherever, to a key in whatever state: the same bytes back."""
    verifier = FakeVerifier()
    verifier.change(**state)
    middleware, app = guarded(verifier)
    value = b"Bearer " + value if name == "HTTP_AUTHORIZATION" else value
    environ = environ_of(method=method, path=path, headers=(), **{name: value.decode("latin-1")})
    reference = said_by(middleware, environ_of(headers=(("X-API-Key", "hello"),)))
    assert said_by(middleware, environ, is_checked=False) == reference
    assert app.environs == []


@given(
    headers=st.dictionaries(st.text().map("HTTP_".__add__), st.binary()),
    path=st.binary(),
    raw=st.none() | st.binary(),
    query=st.binary(),
    peer=st.none() | st.text(),
)
def test_no_input_raises(
    headers: dict[str, bytes], path: bytes, raw: bytes | None, query: bytes, peer: str | None
) -> None:
    """Every request without the key has an answer of a refusal, and does not enter."""
    middleware, app = guarded(FakeVerifier())
    environ = environ_of(
        path=path.decode("latin-1"),
        query=query.decode("latin-1"),
        headers=(),
        **{name: value.decode("latin-1") for name, value in headers.items()},
    )
    environ |= {} if raw is None else {"RAW_URI": raw.decode("latin-1")}
    environ |= {} if peer is None else {"REMOTE_ADDR": peer}
    said = said_by(middleware, environ, is_checked=False)
    assert said.code == 401 or path.removesuffix(b"/") == b"/healthz"
    assert len(app.environs) == (said.code == 200)


def test_a_public_path_is_open_to_all_and_hands_nothing_on() -> None:
    """No key is looked at, and the application finds nobody, whatever the server's variables are."""
    verifier = FakeVerifier(undecided=DenialReason.UNAVAILABLE)
    middleware, app = guarded(verifier)
    said = said_by(middleware, environ_of(path="/healthz", **{"keyrec.caller": "somebody"}))
    assert said.code == 200
    (seen,) = app.environs
    assert {name for name in seen if name.startswith(("HTTP_", "keyrec"))} == set()
    assert verifier.scopes == []
    with pytest.raises(VerifierMisused):
        caller_of(seen)


def test_nobody_speaks_in_our_name() -> None:
    """`X-Auth-*` of a client never arrive, also where the key does."""
    middleware, app = guarded(FakeVerifier(), keeps_credential=True)
    spoofed = [("X-Auth-Workspace", "a"), ("x_auth_key_id", "b"), ("X-AUTH_Scopes", "c")]
    said_by(middleware, environ_of(headers=(BEARER, *spoofed, ("X-Authority", "d"))))
    seen = {name for name in app.environs[0] if name.startswith("HTTP_")}
    assert seen == {"HTTP_AUTHORIZATION", "HTTP_X_AUTHORITY"}


def test_the_address_is_the_clients_where_the_proxy_is_trusted() -> None:
    """Only then; repeated headers that the server joined are walked as one."""
    verifier = FakeVerifier()
    verifier.change(fields=NEARBY)
    headers = (BEARER, ("X-Forwarded-For", "9.9.9.9"), ("X-Forwarded-For", "203.0.113.7"))
    trusting, _ = guarded(verifier, forwarding=Forwarding(trusted=(f"{PEER}/32", "unix")))
    assert said_by(trusting, environ_of(headers=headers)).code == 200
    assert said_by(trusting, environ_of(headers=headers, REMOTE_ADDR="")).code == 200
    plain, _ = guarded(verifier)
    assert said_by(plain, environ_of(headers=headers)).code == 403
    assert said_by(plain, environ_of(headers=headers, REMOTE_ADDR="")).code == 403
    assert verifier.addresses == ["203.0.113.7", "203.0.113.7", PEER, None]


def test_a_header_that_has_to_stand_alone_and_was_joined_is_no_address() -> None:
    """A client's own value beside the proxy's leaves the address unknown."""
    verifier = FakeVerifier()
    verifier.change(fields=NEARBY)
    forwarding = Forwarding(trusted=(PEER,), header="X-Real-IP")
    middleware, _ = guarded(verifier, forwarding=forwarding)
    once = (BEARER, ("X-Real-IP", "203.0.113.7"))
    assert said_by(middleware, environ_of(headers=once)).code == 200
    assert (
        said_by(middleware, environ_of(headers=(*once, ("X_Real_IP", "203.0.113.8")))).code == 403
    )


def test_a_secret_that_was_replaced_says_so() -> None:
    """The response carries until when it works."""
    verifier = FakeVerifier()
    later = NOON + timedelta(hours=1)
    verifier.change(version={"state": VersionState.RETIRING, "retire_at": later})
    middleware, _ = guarded(verifier)
    assert said_by(middleware, environ_of()).headers == [
        ("Content-Type", "text/plain"),
        ("X-Auth-Retiring", "true"),
        ("X-Auth-Rotate-By", "2026-11-24T13:00:00Z"),
    ]


@pytest.mark.parametrize("variable", ["REQUEST_URI", "RAW_URI"])
def test_an_address_as_it_was_sent_is_looked_at_where_the_server_tells_it(variable: str) -> None:
    """An encoded slash is not taken for a slash, and a key in the address is none."""
    middleware, app = guarded(FakeVerifier())
    sent = {variable: "/reviews%2F1?x=%2F"}
    assert said_by(middleware, environ_of(**sent)).code == 403
    sent = {variable: f"/reviews/1?key={KEY}"}
    environ = environ_of(**sent)
    del environ["QUERY_STRING"]
    assert said_by(middleware, environ, is_checked=False).code == 401
    sent = {variable: "/reviews/1?x=%2F"}
    assert said_by(middleware, environ_of(**sent)).code == 200
    assert len(app.environs) == 1


def test_a_path_is_read_as_utf8() -> None:
    """As frameworks do, whose rules are in that form too."""
    app = Recorder()
    middleware = KeyrecMiddleware(
        app, verifier=FakeVerifier(), required={"/prüfung": "Reviews:read"}
    )
    path = "/prüfung".encode().decode("latin-1")
    assert said_by(middleware, environ_of(path=path)).code == 200
    assert said_by(middleware, environ_of(path="/pr\xfcfung")).code == 403


def test_many_threads_do_not_mix_their_callers() -> None:
    """Who is refused in one thread is refused, whoever enters in another."""
    middleware, app = guarded(FakeVerifier())

    def one(number: int) -> int:
        headers = (BEARER,) if number % 2 else ()
        return said_by(middleware, environ_of(headers=headers)).code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(one, range(200)))
    assert codes == [401, 200] * 100
    assert len(app.environs) == 100


def test_a_routes_own_scope_is_refused_by_the_same_bytes() -> None:
    """What the table would have answered, a view answers."""
    app = flask.Flask("shop")

    @app.get("/reviews/<name>")
    def removed(name: str) -> Any:
        answer = caller_of(flask.request.environ).refusal("Credentials:change")
        assert answer is not None, name
        return flask.Response(answer.body, answer.status, list(answer.headers))

    verifier = FakeVerifier()
    by_view = said_by(
        KeyrecMiddleware(app.wsgi_app, verifier=verifier, required=REQUIRED), environ_of()
    )
    table = {"/reviews/*": "Credentials:change"}
    by_table = said_by(
        KeyrecMiddleware(Recorder(), verifier=verifier, required=table), environ_of()
    )
    assert by_table.code == 403
    assert (by_view.code, by_view.headers, by_view.body) == (
        by_table.code,
        by_table.headers,
        by_table.body,
    )


def test_a_key_that_ends_during_a_request_is_refused_from_then_on() -> None:
    """A second question is about the key as it is then."""
    verifier = FakeVerifier()
    middleware, app = guarded(verifier)
    said_by(middleware, environ_of())
    caller = caller_of(app.environs[0])
    assert caller.refusal() is None
    assert caller.refusal("Reviews:read") is None
    verifier.change(fields={"active": False})
    answer = caller.refusal()
    assert answer is not None
    assert (answer.status, b"key-inactive" in answer.body) == (401, True)
    with pytest.raises(ConfigInvalid):
        caller.refusal("Reviews")


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
    assert said_by(middleware, environ_of(method=method), is_checked=False).code == 403
    assert app.environs == []
