"""A warm key over HTTP: answered in one go, without a wait, a thread, a query or a hash."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.credentials.verdict import Issuer
from reconciler.server import authorization
from reconciler.server.answers import Answer
from reconciler.server.app import Surroundings, application
from reconciler.server.authorization import LONGEST_WORDS, Authorization, Service
from reconciler.server.counts import Counts
from reconciler.server.requests import NOTE, Note, WrittenHeaders, written_headers
from reconciler.verification.client_address import Forwarding
from reconciler.verification.standing import MOST_OF_A_ROW
from reconciler.verification.terms import VerifierTerms
from reconciler.verification.verifier import Verifier
from tests.fakes.system import FakeEntropy
from tests.fakes.verification import FakeVerificationStore

PROXY = "10.0.0.1"
CLIENT = "203.0.113.7"
RANGES = ("198.51.100.0/24", "203.0.113.0/24")


class Place:
    """The real verifier behind the real application, and who asks it through a proxy."""

    def __init__(self, verifier: Verifier) -> None:
        """Make the application."""
        self.service = Service(
            verifier=verifier,
            counts=Counts.alone(verifier._inquiry.steady),
            forwarding=Forwarding(trusted=(PROXY,)),
        )
        surroundings = Surroundings(
            new_id=lambda: "drawn", steady=verifier._inquiry.steady, close=verifier.close
        )
        self.app = application(self.service, surroundings)
        self.sent: list[Any] = []

    def asking(self, key: str, query: bytes = b"require=Reviews:read", **more: Any) -> Any:
        """Give a request that nobody answered yet."""
        headers = [
            (b"authorization", b"Bearer " + key.encode()),
            (b"x-forwarded-for", CLIENT.encode()),
        ]
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/authorize",
            "raw_path": b"/v1/authorize",
            "query_string": query,
            "headers": headers,
            "client": (PROXY, 50000),
            **more,
        }
        return self.app(scope, self._receive, self._send)

    async def _receive(self) -> Any:
        raise AssertionError("no body is read")

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


@pytest.fixture
def store() -> FakeVerificationStore:
    """Give an empty store."""
    return FakeVerificationStore()


@pytest.fixture
def place(store: FakeVerificationStore) -> Iterator[Place]:
    """Give an application on it."""
    terms = VerifierTerms(issuer=Issuer(prefix="krk", environment="prod"))
    with Verifier(store, entropy=FakeEntropy(), steady=store.steady, terms=terms) as verifier:
        yield Place(verifier)


def test_a_warm_request_hops_to_no_thread_and_waits_for_nothing(store, place) -> None:
    """It is answered before it gives the loop back once; what it is answered is complete."""
    key = store.issue(fields={"allowlist": RANGES, "ranges": RANGES}).reveal()
    asyncio.run(place.asking(key))
    before = len(store.queries), place.service.verifier.state.hashes
    cold = list(place.sent)
    place.sent.clear()
    for _ in range(3):
        with pytest.raises(StopIteration):
            place.asking(key).send(None)  # no loop runs: a wait of any sort would be seen here
    assert [m["status"] for m in place.sent if "status" in m] == [200, 200, 200]
    assert (len(store.queries), place.service.verifier.state.hashes) == before == (1, 1)
    named = [name for name, _ in cold[0]["headers"]]
    assert [name for name, _ in place.sent[0]["headers"]] == named
    assert b"x-auth-key-id" in named


def test_what_is_told_of_a_key_is_written_once_for_all_addresses(store, place, monkeypatch) -> None:
    """Also where a key is used from more of them than answers stand."""
    key = store.issue(fields={"allowlist": None, "ranges": None}).reveal()
    written = []

    def write(answer: Answer) -> WrittenHeaders:
        written.append(answer)
        return written_headers(answer)

    monkeypatch.setattr(authorization, "written_headers", write)
    for _ in range(2):
        for number in range(MOST_OF_A_ROW + 8):
            forwarded = (b"x-forwarded-for", b"203.0.%d.%d" % divmod(number, 256))
            headers = [(b"authorization", b"Bearer " + key.encode()), forwarded]
            asyncio.run(place.asking(key, headers=headers))
    statuses = [message["status"] for message in place.sent if "status" in message]
    assert statuses == [200] * (2 * (MOST_OF_A_ROW + 8))
    assert len(written) == 1


def test_what_is_told_of_a_key_is_of_its_state_now(store, place) -> None:
    """Headers that were written before are not those of a changed key."""
    key = store.issue(fields={"scopes": ()})
    asyncio.run(place.asking(key.reveal(), b""))
    store.change(key, fields={"environment": "prod"}, record={"key_id": "another"})
    place.service.verifier._inquiry.follower.look()
    asyncio.run(place.asking(key.reveal(), b""))
    told = [dict(m["headers"])[b"x-auth-key-id"] for m in place.sent if "status" in m]
    assert told == [b"key-1", b"another"]


@pytest.mark.parametrize(
    ("query", "require", "is_kept"),
    [
        ("require=Reviews:read&mode=nginx", (), True),
        ("", ("Reviews:read",), True),
        ("", (), True),
        ("api_key=hunter2", (), False),
        ("require=hunter2", (), False),
        ("", ("hunter2",), False),
        ("", ("Reviews:read" + " " * LONGEST_WORDS,), False),
    ],
)
def test_of_what_gateways_ask_only_what_is_understood_is_remembered(
    place, query, require, is_kept
) -> None:
    """A query may hold anybody's secret, and words without end."""
    endpoint = Authorization(place.service)
    values = {"x-auth-require": list(require)}
    scope = {"path": "/v1/authorize", "query_string": query.encode(), NOTE: Note("1")}
    assert endpoint._wanted_by(scope, values) == endpoint._wanted_by(scope, values)
    assert bool(endpoint._wanted._entries) is is_kept
