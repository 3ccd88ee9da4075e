"""Every route answers as the contract says; no request learns more, and none is lost."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config import Disclosure
from reconciler.credentials.verdict import DenialReason
from reconciler.model.lifetime import VersionState
from reconciler.server.reception import MOST_AT_ONCE, Reception
from reconciler.server.request_ids import RequestIds
from reconciler.verification.client_address import Forwarding
from reconciler.verification.terms import VerifierState
from tests.credentials.examples import API_KEY, HOUR, NOON, VERSION_ID
from tests.server.asking import PEER, Desk, ask

KEY = API_KEY.reveal()
BEARER = ("Authorization", f"Bearer {KEY}")
ELSEWHERE = {"allowlist": ("203.0.113.0/24",), "ranges": ("203.0.113.0/24",)}
FIRST_ID = RequestIds(lambda: "request-1")()
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/v1/authorize", "/v1/authorize/", "/v1/authorize/a/b?c=d"])
def test_authorize_takes_any_method_and_any_path_below(method, path) -> None:
    """Envoy forwards its client's behind a prefix."""
    reply = Desk()(path, [BEARER], method=method)
    assert reply.status == 200
    assert reply.header("x-auth-key-name") == "billing-sync"
    assert reply.header("content-length") == "0"
    assert Desk()(path, method=method).status == 401


def test_the_address_of_the_request_decides_together_with_the_scope() -> None:
    """The peer's where no proxy is trusted; the last untrusted hop's where one is."""
    desk = Desk()
    desk.verifier.change(fields=ELSEWHERE)
    forged = ("X-Forwarded-For", "203.0.113.9")
    reply = desk(headers=[BEARER, forged])
    assert reply.status == 403
    assert reply.json["observed_address"] == PEER
    behind = Desk(verifier=desk.verifier, forwarding=Forwarding(trusted=(f"{PEER}/32",)))
    assert behind(headers=[BEARER, forged]).status == 200
    assert desk.verifier.addresses == [PEER, "203.0.113.9"]


def test_a_hop_that_is_no_address_keeps_a_restricted_key_out() -> None:
    """Doubt gives no address."""
    desk = Desk(forwarding=Forwarding(trusted=(f"{PEER}/32",)))
    headers = [BEARER, ("X-Forwarded-For", "203.0.113.9, hello")]
    assert desk(headers=headers).status == 200
    desk.verifier.change(fields=ELSEWHERE)
    assert desk(headers=headers).json["code"] == "address-unknown"


def test_a_peer_on_a_unix_socket_has_no_address() -> None:
    """Unless it is trusted to name its client."""
    desk = Desk(peer=None)
    desk.verifier.change(fields=ELSEWHERE)
    assert desk(headers=[BEARER]).json["code"] == "address-unknown"
    trusting = Desk(peer=None, verifier=desk.verifier, forwarding=Forwarding(trusted=("unix",)))
    assert trusting(headers=[BEARER, ("X-Forwarded-For", "203.0.113.9")]).status == 200


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/v1/authorize?require=Reviews:read", [], 200, None),
        ("/v1/authorize?require=Reviews:operate", [], 403, "insufficient-scope"),
        ("/v1/authorize?require=Jobs:run", [], 403, "unknown-scope"),
        ("/v1/authorize?require=", [], 403, "misconfigured"),
        ("/v1/authorize?require=Reviews:read&page=2", [], 403, "misconfigured"),
        ("/v1/authorize", [("X-Auth-Require", "Reviews:operate")], 403, "insufficient-scope"),
        (
            "/v1/authorize?require=Reviews:operate",
            [("X-Auth-Require", "Reviews:read")],
            403,
            "misconfigured",
        ),
        (
            "/v1/authorize/x?require=Reviews:read&page=2",
            [("X-Auth-Require", "Reviews:operate")],
            403,
            "insufficient-scope",
        ),
        ("/v1/authorize/x?require=Reviews:operate&mode=nginx", [], 200, None),
    ],
)
def test_the_gateway_says_which_scope_is_needed(path, headers, status, code) -> None:
    """In an address of its own or a header; below the prefix the address is the client's."""
    reply = Desk()(path, [BEARER, *headers])
    assert reply.status == status
    if code is not None:
        assert reply.json["code"] == code


@pytest.mark.parametrize(
    "path", ["/v1/authorize?require=", "/v1/authorize?page=2", "/v1/authorize?mode=other"]
)
def test_whoever_proved_nothing_does_not_learn_that_the_gateway_asks_wrongly(path) -> None:
    """They get the one refusal; so does a holder whose key may not be used."""
    nonsense = ("X-API-Key", "nonsense")
    desk = Desk()
    assert desk(path, [nonsense]).same == desk("/v1/authorize", [nonsense]).same
    desk.verifier.change(fields={"active": False})
    assert desk(path, [BEARER]).json["code"] == "key-inactive"


def test_without_a_key_nothing_is_said_about_the_question() -> None:
    """Whoever shows nothing is asked for a key."""
    assert Desk()("/v1/authorize?require=").json["code"] == "missing-credential"


@pytest.mark.parametrize("path", ["/v1/authorize?api_key=", "/v1/authorize/search?q=x&key="])
def test_a_key_in_an_address_is_never_read(path) -> None:
    """With another one in a header or without: as if none was there."""
    bare = Desk()("/v1/authorize")
    for headers in ([], [BEARER]):
        desk = Desk()
        assert desk(path + KEY, headers).same == bare.same
        assert desk.verifier.addresses == []
    behind = Desk()(headers=[BEARER, ("X-Original-URI", f"/reviews?key={KEY}")])
    assert behind.same == bare.same


def test_two_different_keys_are_refused_without_looking_at_either() -> None:
    """And as a wrong one is."""
    desk = Desk()
    reply = desk(headers=[BEARER, ("X-API-Key", "other")])
    assert reply.same == Desk()(headers=[("X-API-Key", "other")]).same
    assert desk.verifier.addresses == []


@given(
    text=st.text(st.characters(max_codepoint=255)),
    disclosure=st.sampled_from(Disclosure),
    query=st.sampled_from(["", "?require=Reviews:operate", "?require=Jobs:run", "?mode=nginx"]),
)
def test_whatever_is_presented_without_the_secret_gets_one_answer(text, disclosure, query) -> None:
    """The same status, headers and bytes; only the request's id differs."""
    refused = Desk(disclosure=disclosure)(headers=[("X-API-Key", "wrong")])
    reply = Desk(disclosure=disclosure)(
        f"/v1/authorize{query}", [("Authorization", f"Bearer x{text}x")]
    )
    assert reply.same == refused.same


@pytest.mark.parametrize("reason", [DenialReason.UNAVAILABLE, DenialReason.OVERLOADED])
def test_what_is_not_decided_lets_nobody_in(reason) -> None:
    """503 to come again; for nginx, which knows no 503 here, 403."""
    desk = Desk()
    desk.verifier.undecided = reason
    assert desk(headers=[BEARER]).status == 503
    assert desk(headers=[BEARER]).header("retry-after") == "1"
    assert desk("/v1/authorize?mode=nginx", [BEARER]).status == 403


def test_terse_tells_a_holder_nothing_but_a_missing_scope() -> None:
    """Reasons stand in the log."""
    desk = Desk(disclosure=Disclosure.TERSE)
    assert desk("/v1/authorize?require=Reviews:operate", [BEARER]).status == 403
    desk.verifier.change(record={"expires_at": NOON})
    assert desk(headers=[BEARER]).same == desk(headers=[("X-API-Key", "wrong")]).same


def test_the_realm_is_the_operators() -> None:
    """It stands in every challenge."""
    assert Desk(realm="Reviews API")().header("www-authenticate") == 'Bearer realm="Reviews API"'


def test_a_retiring_key_is_marked() -> None:
    """With its deadline."""
    desk = Desk()
    desk.verifier.change(version={"state": VersionState.RETIRING, "retire_at": NOON + HOUR})
    reply = desk(headers=[BEARER])
    assert reply.header("x-auth-retiring") == "true"
    assert reply.header("x-auth-rotate-by") == "2026-11-24T13:00:00Z"


@pytest.mark.parametrize(
    ("given_id", "is_taken"),
    [
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", True),
        ("a.b-c_d8", True),
        ("short", False),
        ("x" * 65, False),
        ("with blank", False),
        ("line\nbreak", False),
        (KEY, False),
    ],
    ids=["uuid", "marks", "short", "long", "blank", "break", "key"],
)
def test_an_answer_carries_the_requests_id_where_it_may(given_id, is_taken) -> None:
    """Else a new one: it goes into logs."""
    reply = Desk()(headers=[("X-Request-Id", given_id)])
    assert reply.header("x-request-id") == (given_id if is_taken else FIRST_ID)


def test_two_ids_are_none() -> None:
    """No one of them is chosen."""
    reply = Desk()(headers=[("X-Request-Id", "first-one"), ("X-Request-Id", "second-one")])
    assert reply.header("x-request-id") == FIRST_ID


def test_ids_are_made_of_one_that_was_drawn_and_do_not_repeat() -> None:
    """None is the drawn one, and another draw gives others."""
    ids, others = RequestIds(lambda: "drawn"), RequestIds(lambda: "drawn otherwise")
    given = {ids() for _ in range(1000)} | {others() for _ in range(1000)}
    assert len(given) == 2000
    assert all(len(given_id) == 32 and "drawn" not in given_id for given_id in given)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/authorized", "/v1/introspect/", "/docs", "/a\nb"]
)
def test_elsewhere_is_nothing(path) -> None:
    """404 as a problem."""
    reply = Desk()(path, [BEARER])
    assert (reply.status, reply.json["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        ("/v1/introspect", "GET", "POST"),
        ("/healthz", "POST", "GET, HEAD"),
        ("/metrics", "DELETE", "GET, HEAD"),
    ],
)
def test_another_method_is_refused_with_those_that_are_taken(path, method, allow) -> None:
    """405 as a problem."""
    reply = Desk()(path, method=method)
    assert (reply.status, reply.header("allow")) == (405, allow)
    assert reply.json["code"] == "method-not-allowed"


def test_a_line_break_below_authorize_is_a_path_as_any_other() -> None:
    """No decoded byte leads past the check."""
    assert Desk()("/v1/authorize/a\nb", [BEARER]).status == 200
    assert Desk()("/v1/authorize/a\nb").status == 401


def test_health_is_about_the_process_and_readiness_about_the_store() -> None:
    """Neither is about the sink."""
    desk = Desk()
    assert desk("/healthz").json == {"status": "alive"}
    assert desk("/readyz").json == {"status": "ready"}
    desk.verifier.state = VerifierState(
        is_ready=False, age=None, hashes=0, renewed_hashes=0, row_queries=0, refreshes=0
    )
    assert desk("/healthz").status == 200
    reply = desk("/readyz")
    assert (reply.status, reply.json) == (503, {"status": "not-ready"})


def test_a_health_port_answers_health_and_nothing_else() -> None:
    """And the other one everything else."""
    outside = Desk(health_port=8322, port=8321)
    inside = Desk(health_port=8322, port=8322)
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (outside(path).status, inside(path).status) == (404, 200)
    assert (outside(headers=[BEARER]).status, inside(headers=[BEARER]).status) == (200, 404)
    assert inside("/v1/introspect", method="POST").status == 404


def test_the_log_says_why_and_holds_no_credential(caplog) -> None:
    """Reasons, version ids and request ids; no key, no path, no query."""
    desk = Desk(disclosure=Disclosure.TERSE)
    caplog.set_level(logging.INFO, logger="keyrec.access")
    desk.verifier.change(record={"expires_at": NOON})
    desk("/v1/authorize/secret-path?q=secret", [BEARER])
    desk("/v1/authorize?key=" + KEY, [("X-API-Key", KEY)])
    desk("/healthz")
    first, second = (record.getMessage() for record in caplog.records)
    assert first == (
        f"status=401 peer={PEER} route=authorize client={PEER} outcome=key-expired "
        f"version={VERSION_ID} seconds=1.0000 request_id={FIRST_ID}"
    )
    assert "outcome=missing" in second
    assert KEY not in caplog.text
    assert "secret" not in caplog.text


def test_a_fault_is_told_to_the_operator_by_its_place_alone(caplog) -> None:
    """The client gets a problem without a reason; no words of the fault are repeated."""
    desk = Desk()

    async def failing(*_: object, **__: object) -> object:
        raise RuntimeError(f"with {KEY} in it")

    desk.verifier.check_async = failing  # type: ignore[method-assign, assignment]
    reply = desk(headers=[BEARER])
    assert (reply.status, reply.json["code"]) == (500, "fault")
    assert "fault=RuntimeError at=failing:" in caplog.text
    assert KEY not in caplog.text
    assert desk("/healthz").status == 200


def test_one_request_too_many_is_turned_away_and_health_is_not() -> None:
    """503 to come again, 403 for nginx; those inside are answered."""
    desk = Desk()
    statuses: dict[str, int] = {}

    async def crowded() -> None:
        release = asyncio.Event()

        async def waiting(scope, receive, send) -> None:
            await release.wait()
            await desk.app(scope, receive, send)

        crowd = Reception(
            waiting,
            new_id=lambda: "request",
            steady=lambda: 0.0,
            always=["/healthz"],
            most_at_once=2,
        )

        def coming(path: str) -> asyncio.Task[object]:
            place, _, query = path.partition("?")
            scope = {
                "type": "http",
                "method": "GET",
                "path": place,
                "query_string": query.encode(),
                "headers": [],
            }
            return asyncio.create_task(ask(crowd, scope, [b""]))  # type: ignore[arg-type]

        inside = [coming("/v1/authorize"), coming("/v1/authorize")]
        await asyncio.sleep(0)
        for name in ("/v1/authorize", "/v1/authorize?mode=nginx"):
            statuses[name] = (await coming(name)).status  # type: ignore[attr-defined]
        health = coming("/healthz")
        await asyncio.sleep(0)
        release.set()
        statuses["/healthz"] = (await health).status  # type: ignore[attr-defined]
        statuses["inside"] = max([(await one).status for one in inside])  # type: ignore[attr-defined]

    asyncio.run(crowded())
    assert statuses == {
        "/v1/authorize": 503,
        "/v1/authorize?mode=nginx": 403,
        "/healthz": 200,
        "inside": 401,
    }
    assert MOST_AT_ONCE > 2


def test_no_websocket_is_opened() -> None:
    """It is closed before it is accepted."""
    sent: list[object] = []

    async def receive() -> object:
        raise AssertionError

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/v1/authorize", "headers": []}
    asyncio.run(Desk().app(scope, receive, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close"}]


def test_the_end_of_the_application_closes_what_it_was_given() -> None:
    """Once, and after its heart beat at least once."""
    desk = Desk()
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> object:
        await asyncio.sleep(0)
        return next(messages)

    async def send(message: dict[str, str]) -> None:
        sent.append(message["type"])

    asyncio.run(desk.app({"type": "lifespan", "state": {}}, receive, send))  # type: ignore[arg-type]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert desk.closed == 1
    assert sum(desk.counts.rows) > 0
