"""nginx in front of an application, asking `keyrec serve`: real programs, real requests by curl.

The files are those of `examples/08-nginx`, the keys those that `keyrec apply` made on SQLite.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.server.answers import AUTH_HEADERS
from tests.e2e.every_state import (
    ALTERED,
    ELSEWHERE,
    NONSENSE,
    UNKNOWN,
    WRONG,
    EveryState,
    every_state,
)
from tests.e2e.site import Answered, Site, curl, serving, site, wired
from tests.services.canned import Cut, Reply, Silence, canned
from tests.services.nginx import Wire, nginx_program, until
from tests.services.vault_server import free_port

BALANCER = "127.0.0.9"
REALM = 'Bearer realm="keyrec"'
INVALID = f'{REALM}, error="invalid_token"'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> EveryState:
    """Apply manifests, read the secrets, and bring every key into its state."""
    nginx_program()
    return every_state(tmp_path_factory.mktemp("nginx"))


@dataclass(frozen=True, kw_only=True)
class Front:
    """The site, and the wire between its nginx and keyrec."""

    site: Site
    wire: Wire
    keyrec: int


@pytest.fixture(scope="module")
def running(place: EveryState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Run keyrec, the wire, nginx and the application for all tests of this module."""
    folder = tmp_path_factory.mktemp("front") / "site"
    with (
        serving(place.desk) as port,
        wired(port) as wire,
        site(folder, f"127.0.0.1:{wire.port}") as made,
    ):
        yield Front(site=made, wire=wire, keyrec=port)


@pytest.fixture
def front(running: Front) -> Front:
    """Give what runs, without what it remembers."""
    running.site.forget()
    running.wire.forget()
    return running


def test_a_key_that_may_is_let_through_and_the_application_is_told_whose_it_is(
    front: Front, place: EveryState
) -> None:
    """Its answer comes back; it got every header of keyrec's, its own request, and no key."""
    answer = front.site.ask(
        "/reviews/1?page=2", key=place.presented("operator"), method="POST", body=b"text=good"
    )
    assert (answer.status, answer.body) == (200, b"served\n")
    (came,) = front.site.application.received
    assert (came.method, came.target, came.body) == ("POST", "/reviews/1?page=2", b"text=good")
    told = {name: came.only(name) for name in AUTH_HEADERS}
    assert None not in told.values(), told
    assert (
        told
        | {
            "X-Auth-Key-Name": "operator",
            "X-Auth-Workspace": "shop",
            "X-Auth-Environment": "prod",
            "X-Auth-Scopes": "Reviews:operate",
            "X-Auth-Retiring": "false",
            "X-Auth-Rotate-By": "none",
        }
        == told
    )
    assert (came.all_of("Authorization"), came.all_of("X-API-Key")) == ([], [])


@pytest.mark.parametrize("header", ["X-API-Key: {}", "Authorization: Bearer {}"])
def test_a_key_comes_in_either_header(front: Front, place: EveryState, header: str) -> None:
    """Both are read, and neither reaches the application."""
    key = place.presented("reader")
    assert front.site.ask(headers=[header.format(key)]).status == 200
    (came,) = front.site.application.received
    assert key not in str(came)


def test_nothing_of_what_keyrec_says_of_a_key_goes_to_the_client(
    front: Front, place: EveryState
) -> None:
    """An answer has no `X-Auth-*` header."""
    for what in ("reader", "walled", "expired", NONSENSE):
        answer = front.site.ask(key=place.presented(what))
        assert [name for name, _ in answer.headers if name.startswith("x-auth")] == []


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Who is refused, and what the client is told."""

    who: str
    status: int = 401
    challenge: str | None = INVALID
    code: str = "invalid-key"
    method: str = "GET"


def told(title: str) -> str:
    """Give the challenge to the holder of a key that ended."""
    return f'{INVALID}, error_description="{title}"'


SCOPE = f'{REALM}, error="insufficient_scope", scope="Reviews:operate"'
UNPROVEN = (NONSENSE, ALTERED, UNKNOWN, WRONG, "stranger", "leaked")
REFUSALS = (
    Refusal(who="", challenge=REALM, code="missing-credential"),
    *(Refusal(who=who) for who in UNPROVEN),
    Refusal(who="removed", challenge=told("The key was removed"), code="key-removed"),
    Refusal(who="inactive", challenge=told("The key is deactivated"), code="key-inactive"),
    Refusal(who="held", challenge=told("The key is on hold"), code="key-held"),
    Refusal(who="expired", challenge=told("The key has expired"), code="key-expired"),
    Refusal(who="retired", challenge=told("The key was rotated"), code="version-retired"),
    Refusal(who="walled", status=403, challenge=None, code="address-not-allowed"),
    Refusal(who="reader", status=403, challenge=SCOPE, code="insufficient-scope", method="DELETE"),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.who or "no key")
def test_whoever_may_not_is_refused_and_nothing_reaches_the_application(
    front: Front, place: EveryState, refusal: Refusal
) -> None:
    """Status, challenge and problem come through nginx as keyrec gives them."""
    key = place.presented(refusal.who) if refusal.who else None
    answer = front.site.ask(key=key, method=refusal.method)
    assert (answer.status, answer.only("www-authenticate")) == (refusal.status, refusal.challenge)
    assert answer.only("content-type") == "application/problem+json"
    assert answer.only("cache-control") == "no-store"
    assert answer.only("x-request-id")
    assert json.loads(answer.body)["code"] == refusal.code
    assert front.site.application.received == []


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.who or "no key")
def test_the_body_of_a_refusal_is_keyrecs_own(
    front: Front, place: EveryState, refusal: Refusal
) -> None:
    """Byte for byte, also where nginx has it from its own file."""
    key = place.presented(refusal.who) if refusal.who else None
    through_nginx = front.site.ask(key=key, method=refusal.method)
    scope = "Reviews:read" if refusal.method == "GET" else "Reviews:operate"
    asked = f"http://127.0.0.1:{front.keyrec}/v1/authorize?require={scope}"
    credential = [("header", f"X-API-Key: {key}")] if key else []
    directly = Answered.of(curl([("url", asked), *credential]))
    assert (through_nginx.status, through_nginx.body) == (directly.status, directly.body)
    assert through_nginx.only("www-authenticate") == directly.only("www-authenticate")


def test_before_the_secret_is_proven_all_refusals_are_the_same_bytes(
    front: Front, place: EveryState
) -> None:
    """Status, headers and body, all but the date and the request's id; a leaked key is among them."""
    answers = [front.site.ask(key=place.presented(who)).constant for who in UNPROVEN]
    assert answers == [answers[0]] * len(UNPROVEN)


def test_two_different_keys_in_one_request_are_refused(front: Front, place: EveryState) -> None:
    """Neither is looked at, although each alone would be let through."""
    other = f"Authorization: Bearer {place.presented('operator')}"
    answer = front.site.ask(key=place.presented("reader"), headers=[other])
    assert answer.constant == front.site.ask(key=NONSENSE).constant
    assert front.site.application.received == []


def test_a_key_in_the_query_is_refused(front: Front, place: EveryState) -> None:
    """Also where the same key stands in its header, because the address is in somebody's log."""
    key = place.presented("reader")
    assert front.site.ask(f"/reviews/1?api_key={key}").status == 401
    assert front.site.ask(f"/reviews/1?api_key={key}", key=key).status == 401
    assert front.site.application.received == []


def test_the_clients_own_address_counts_and_none_that_it_claims(
    front: Front, place: EveryState
) -> None:
    """An allowlist is for the other end of the connection, whatever headers say."""
    key = place.presented("walled")
    claims = [
        f"X-Forwarded-For: {ELSEWHERE}",
        f"X-Real-IP: {ELSEWHERE}",
        f"Forwarded: for={ELSEWHERE}",
        f"X-Client-IP: {ELSEWHERE}",
    ]
    for headers in ([], claims[:1], [f"X-Forwarded-For: {ELSEWHERE}, 127.0.0.1"], claims):
        refused = front.site.ask(key=key, headers=headers)
        assert json.loads(refused.body)["observed_address"] == "127.0.0.1"
    assert front.site.application.received == []
    assert front.site.ask(key=key, source=ELSEWHERE).status == 200
    assert (
        front.site.ask(key=key, source=ELSEWHERE, headers=["X-Forwarded-For: 127.0.0.1"]).status
        == 200
    )
    assert {came.only("X-Forwarded-For") for came in front.site.application.received} == {ELSEWHERE}
    assert {came.only("X-Real-IP") for came in front.site.application.received} == {ELSEWHERE}


def test_nobody_tells_the_application_who_they_are_but_keyrec(
    front: Front, place: EveryState
) -> None:
    """Every header of ours is replaced, however it is spelled and as often as it is sent."""
    spoofed = [
        *(f"{name}: forged" for name in (*AUTH_HEADERS, "X-Auth-Require")),
        "x-auth-key-name: forged",
        "X_Auth_Key_Name: forged",
        "X-Auth_Key-Name: forged",
    ]
    assert front.site.ask(key=place.presented("reader"), headers=spoofed).status == 200
    (came,) = front.site.application.received
    assert "forged" not in str(came)
    assert came.only("X-Auth-Key-Name") == "reader"


def test_keyrec_is_told_what_nginx_says_and_nothing_that_the_client_adds(
    front: Front, place: EveryState
) -> None:
    """The question has the key, the true address and the scope of the location: no body, no more."""
    answer = front.site.ask(
        "/reviews/1?require=Reviews:read&mode=nginx",
        key=place.presented("operator"),
        method="POST",
        headers=["X-Auth-Require: Reviews:read", "X-Real-IP: 192.0.2.1", "Cookie: a=b"],
        body=b"x" * 100_000,
    )
    assert answer.status == 200
    (question,) = front.wire.requests
    first, *lines = question.split("\r\n")
    assert first == "GET /v1/authorize?require=Reviews:operate HTTP/1.1"
    names = [line.partition(":")[0] for line in lines]
    assert names == ["Host", "X-API-Key", "X-Forwarded-For", "X-Original-URI", "X-Request-Id"]
    (came,) = front.site.application.received
    assert len(came.body) == 100_000


def test_the_second_question_about_a_refused_upload_has_no_body_either(
    front: Front, place: EveryState
) -> None:
    """Where keyrec is asked again for its words, it is asked in the same way."""
    key = place.presented("reader")
    refused = front.site.ask(key=key, method="POST", body=b"\r\n\r\n" * 10_000)
    assert refused.status == 403
    first, second = front.wire.requests
    assert second == first
    assert first.startswith("GET /v1/authorize?require=Reviews:operate HTTP/1.1\r\n")
    assert front.site.application.received == []


def test_a_client_cannot_choose_what_it_needs(front: Front, place: EveryState) -> None:
    """Neither by query nor by header is a weaker scope asked for than the location's."""
    weaker = "Reviews:read"
    for target in ("/reviews/1", f"/reviews/1?require={weaker}", f"/reviews/1?%26require={weaker}"):
        refused = front.site.ask(
            target,
            key=place.presented("reader"),
            method="POST",
            headers=[f"X-Auth-Require: {weaker}", f"X-Keyrec-Require: {weaker}"],
        )
        assert json.loads(refused.body)["required_scope"] == "Reviews:operate"
    assert front.site.application.received == []


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/..%2freviews/1",
        "/webhooks/..%2Freviews/1",
        "/webhooks//../reviews/1",
        "/webhooks/x/%2e%2e/%2e%2e/reviews/1",
        "/webhooks/./1",
        "/webhooks/..",
        "/webhooks/%252e%252e/reviews/1",
        "/webhooks/..%5creviews/1",
        "/webhooks/1%00",
        "//reviews/1",
    ],
)
def test_a_path_that_could_be_read_as_another_is_refused(
    front: Front, place: EveryState, path: str
) -> None:
    """Nginx decides about the path that it reads, and would pass on the one that was sent."""
    refused = front.site.ask(path, key=place.presented("reader"))
    assert refused.status == 400
    assert (front.site.application.received, front.wire.requests) == ([], [])


def test_a_query_may_hold_what_a_path_may_not(front: Front, place: EveryState) -> None:
    """Addresses of other places, encoded or not."""
    target = "/reviews/1?next=//a/../b%2f%252e"
    assert front.site.ask(target, key=place.presented("reader")).status == 200


def test_the_question_itself_cannot_be_asked_from_outside(front: Front, place: EveryState) -> None:
    """To a client the location of the question is not there."""
    for target in ("/_keyrec/authorize", "/_keyrec/authorize/", "/%5Fkeyrec/authorize"):
        assert front.site.ask(target, key=place.presented("reader")).status == 404
    assert front.wire.requests == []


def test_every_request_is_asked_about_anew(front: Front, place: EveryState) -> None:
    """No answer is remembered: so many requests, so many questions, on one connection."""
    key = place.presented("reader")
    front.site.ask(key=key)
    before = front.wire.connections
    for _ in range(9):
        assert front.site.ask(key=key).status == 200
    assert (len(front.wire.requests), front.wire.connections) == (10, before)


def test_a_key_that_is_stopped_is_refused_soon_after(front: Front, place: EveryState) -> None:
    """It is let in no longer than keyrec does, and never again afterwards."""
    key = place.presented("stopped-later")
    assert front.site.ask(key=key).status == 200
    place.desk.keyrec("hold", "shop/stopped-later", "--reason", "a test")
    until(lambda: front.site.ask(key=key).status == 401, "the key is refused")
    front.site.forget()
    assert {front.site.ask(key=key).status for _ in range(5)} == {401}
    assert front.site.application.received == []


def test_a_refused_upload_leaves_the_connection_in_order(front: Front, place: EveryState) -> None:
    """What follows it on the same connection is answered as a request of its own."""
    url = f"http://127.0.0.1:{front.site.port}/reviews/1"
    upload = [("url", url), ("header", "Expect:"), ("data-binary", "GET /reviews/2 HTTP/1.1")]
    key = ("header", f"X-API-Key: {place.presented('reader')}")
    report = ("write-out", r"[%{http_code} on %{num_connects} new]\n")
    said = curl([*upload, report, ("next", ""), ("url", url), key, report, ("include", "")])
    assert b"[401 on 1 new]" in said
    assert b"[200 on 0 new]" in said
    assert [came.target for came in front.site.application.received] == ["/reviews/1"]


def test_a_location_that_does_not_say_what_it_needs_lets_nobody_in(
    place: EveryState, running: Front, tmp_path: Path
) -> None:
    """It is refused as what it is, a gateway that asks wrongly."""
    forgotten = "location /forgotten { include keyrec/location.conf; proxy_pass http://127.0.0.1; }"
    with site(tmp_path / "site", f"127.0.0.1:{running.keyrec}", more=forgotten) as made:
        refused = made.ask("/forgotten", key=place.presented("operator"))
        assert (refused.status, json.loads(refused.body)["code"]) == (403, "misconfigured")
        assert made.ask("/forgotten").status == 401


def test_behind_a_balancer_the_address_is_the_one_that_the_balancer_saw(
    place: EveryState, running: Front, tmp_path: Path
) -> None:
    """With `real_ip` set for it alone: from elsewhere its header is nobody's word."""
    more = f"set_real_ip_from {BALANCER}; real_ip_header X-Forwarded-For; real_ip_recursive on;"
    key = place.presented("walled")

    def status(source: str, forwarded: str) -> int:
        answer = made.ask(key=key, source=source, headers=[f"X-Forwarded-For: {forwarded}"])
        return answer.status

    with site(tmp_path / "site", f"127.0.0.1:{running.keyrec}", more=more) as made:
        assert status(BALANCER, ELSEWHERE) == 200
        assert status(BALANCER, f"203.0.113.5, {ELSEWHERE}") == 200
        assert status(BALANCER, f"{ELSEWHERE}, 203.0.113.5") == 403
        assert status("127.0.0.1", ELSEWHERE) == 403


def test_over_a_unix_socket_it_is_the_same(place: EveryState, tmp_path: Path) -> None:
    """With `unix` trusted, the client's address counts as over TCP."""
    uds = tmp_path / "keyrec.sock"
    with (
        serving(place.desk, uds=uds, trusted="unix"),
        site(tmp_path / "site", f"unix:{uds}") as made,
    ):
        assert made.ask(key=place.presented("reader")).status == 200
        walled = place.presented("walled")
        claim = [f"X-Forwarded-For: {ELSEWHERE}"]
        assert made.ask(key=walled, headers=claim).status == 403
        assert made.ask(key=walled, source=ELSEWHERE).status == 200
        assert made.ask().status == 401


def test_without_keyrec_nobody_is_let_through(place: EveryState, tmp_path: Path) -> None:
    """Nothing passes while it is stopped; when it is back, all is as before."""
    key, port = place.presented("reader"), free_port()
    with site(tmp_path / "site", f"127.0.0.1:{port}") as made:
        with serving(place.desk, port=port):
            assert made.ask(key=key).status == 200
        made.forget()
        for presented in (key, None):
            answer = made.ask(key=presented)
            assert (answer.status, answer.only("retry-after")) == (503, "1")
            assert json.loads(answer.body)["code"] == "undecided"
        assert made.application.received == []
        with serving(place.desk, port=port):
            assert made.ask(key=key).status == 200


@pytest.mark.parametrize(
    "said",
    [Silence(), Cut(), *(Reply(status=status) for status in (302, 400, 404, 429, 500, 503))],
    ids=lambda said: str(getattr(said, "status", type(said).__name__)),
)
def test_whatever_else_keyrec_says_is_no(tmp_path: Path, said: Reply | Silence | Cut) -> None:
    """Silence too, after two seconds: the request is refused, to be tried again."""
    nginx_program()
    with canned() as keyrec, site(tmp_path / "site", f"127.0.0.1:{keyrec.port}") as made:
        keyrec.answer("/", said)
        answer = made.ask(key="a-key")
        assert (answer.status, answer.only("retry-after")) == (503, "1")
        assert json.loads(answer.body)["code"] == "undecided"
        assert made.application.received == []


@pytest.mark.parametrize("no", [401, 403])
def test_a_second_answer_that_is_a_yes_lets_nobody_in(tmp_path: Path, no: int) -> None:
    """The key is changed between the two questions: the first answer stands, and nothing is told."""
    nginx_program()
    refused = Reply(status=no, headers={"WWW-Authenticate": told("The key is deactivated")})
    allowed = Reply(body=b"", headers=dict.fromkeys(AUTH_HEADERS, "of-the-key"))
    with canned() as keyrec, site(tmp_path / "site", f"127.0.0.1:{keyrec.port}") as made:
        keyrec.answer("/", refused, allowed)
        answer = made.ask(key="a-key")
        assert (answer.status, len(keyrec.received)) == (no, 2)
        assert "of-the-key" not in str(answer)
        assert made.application.received == []


def test_nginx_writes_no_key_down(front: Front, place: EveryState) -> None:
    """Its logs name keys by their ids: not what was presented, nor a query that holds one."""
    key = place.presented("reader")
    front.site.ask(key=key)
    front.site.ask("/reviews/1?api_key=" + key)
    front.site.ask(key=place.presented("walled"))
    log = front.site.folder / "run/access.log"
    until(lambda: "GET /reviews/1 403" in log.read_text(), "nginx wrote its log")
    assert f"version={key.split('_')[2]} " in log.read_text()
    written = [path for path in front.site.folder.glob("run/*") if path.is_file()]
    assert len(written) > 1
    assert [path.name for path in written if key.split("_")[3] in path.read_text()] == []
