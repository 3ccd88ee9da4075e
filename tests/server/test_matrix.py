"""Every state of a key, from where, for what, of which environment: exact status, headers, body.

The expected answer is worked out here once more, from the order of checks that the design lists,
and the answers are written out byte for byte: nothing of the program says what is right.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config import Disclosure
from reconciler.credentials.verdict import Issuer
from reconciler.model.keys import Hold, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.secret import Secret
from reconciler.model.token import ALPHABET, compose
from reconciler.server.app import Surroundings, application
from reconciler.server.authorization import Service
from reconciler.server.counts import Counts
from reconciler.verification.client_address import Forwarding
from reconciler.verification.terms import VerifierTerms
from reconciler.verification.verifier import Verifier
from tests.fakes.system import START, FakeEntropy
from tests.fakes.verification import FakeVerificationStore
from tests.server.asking import Reply, ask

EARLIER, LATER = START - timedelta(hours=1), START + timedelta(hours=1)
VERSIONS: dict[str, dict[str, Any]] = {
    "provisional": {"state": VersionState.PROVISIONAL},
    "current": {"state": VersionState.CURRENT},
    "retiring": {"state": VersionState.RETIRING, "retire_at": LATER},
    "retiring, over": {"state": VersionState.RETIRING, "retire_at": EARLIER},
    "retiring, no end": {"state": VersionState.RETIRING},
    "retired": {"state": VersionState.RETIRED, "retired_at": EARLIER},
    "leaked": {"state": VersionState.RETIRED, "retired_at": EARLIER, "leaked": True},
}
ACCEPTED = {"provisional", "current", "retiring", "retiring, no end"}
HOLD = Hold(reason="an incident", by="local:alice", since=EARLIER)
INSIDE, OUTSIDE = "203.0.113.7", "192.0.2.9"
PLACES: dict[str, str | None] = {"inside": INSIDE, "outside": OUTSIDE, "unknown": None}
SCOPES = {
    "none": None,
    "covered": "Webhooks:read",
    "not granted": "Reviews:operate",
    "no such": "Invoices:read",
}
NOT_VALID = (
    401,
    (
        ("cache-control", "no-store"),
        ("content-type", "application/problem+json"),
        ("www-authenticate", 'Bearer realm="keyrec", error="invalid_token"'),
    ),
    (
        b'{"type": "urn:keyrec:problem:invalid-key", "title": "The key is not valid", '
        b'"status": 401, "code": "invalid-key"}\n'
    ),
)
"""The one answer to whoever proved nothing."""
TITLES = {
    "key-removed": (
        "The key was removed",
        "It will never work again; ask its owner for another key.",
        "",
    ),
    "key-inactive": ("The key is deactivated", "It works again once its owner activates it.", ""),
    "key-held": ("The key is on hold", "It was stopped in an emergency; ask its owner.", ""),
    "key-expired": (
        "The key has expired",
        "It will never work again; ask its owner for another key.",
        ', "expired_at": "2026-11-24T11:00:00Z"',
    ),
    "version-retired": (
        "The key was rotated",
        "This secret was replaced; fetch the new one from where it is kept.",
        ', "retired_at": "2026-11-24T11:00:00Z"',
    ),
}
FORBIDDEN = {
    "address-not-allowed": (
        "The key may not be used from this address",
        "The address that the request comes from is not in the key's allowlist.",
        f', "observed_address": "{OUTSIDE}"',
    ),
    "address-unknown": (
        "The client's address is not known",
        "The key has an allowlist, and the address that the request comes from cannot be told.",
        "",
    ),
    "unknown-scope": (
        "The gateway asks for a scope that does not exist",
        (
            "This is the operator's to correct: the catalogue in force does not have the scope "
            "that the call is said to need."
        ),
        ', "required_scope": "Invoices:read"',
    ),
    "insufficient-scope": (
        "The key may not do this",
        "The call needs a scope that the key was not granted.",
        ', "required_scope": "Reviews:operate"',
    ),
}


def sent(answer: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give an answer as it goes out, with the length of its body."""
    status, headers, body = answer
    return status, (*headers, ("content-length", str(len(body)))), body


@dataclass(frozen=True, kw_only=True)
class State:
    """One state of a key."""

    version: str
    is_active: bool
    is_held: bool
    expiry: datetime | None
    status: KeyStatus
    is_restricted: bool


def states() -> Iterator[State]:
    """Give every combination."""
    for version, active, held, expiry, status, restricted in itertools.product(
        VERSIONS, (True, False), (True, False), (None, LATER, EARLIER), KeyStatus, (True, False)
    ):
        yield State(
            version=version,
            is_active=active,
            is_held=held,
            expiry=expiry,
            status=status,
            is_restricted=restricted,
        )


def expected_reason(state: State, place: str, scope: str) -> str | None:
    """Give why a proven key is refused, by the order of checks of the design; None: it is not."""
    checks = (
        ("leaked", state.version == "leaked"),
        ("key-removed", state.status is KeyStatus.REMOVED),
        ("key-inactive", not state.is_active),
        ("key-held", state.is_held),
        ("key-expired", state.expiry == EARLIER),
        ("version-retired", state.version not in ACCEPTED),
        ("address-unknown", state.is_restricted and place == "unknown"),
        ("address-not-allowed", state.is_restricted and place == "outside"),
        ("unknown-scope", scope == "no such"),
        ("insufficient-scope", scope == "not granted"),
    )
    return next((reason for reason, is_so in checks if is_so), None)


def expected_answer(reason: str, *, terse: bool) -> tuple[Any, ...]:
    """Give status, headers and body of a refusal of a proven key."""
    if reason == "leaked" or (terse and reason != "insufficient-scope"):
        return NOT_VALID
    head: tuple[tuple[str, str], ...]
    head = (("cache-control", "no-store"), ("content-type", "application/problem+json"))
    if reason in TITLES:
        title, detail, more = TITLES[reason]
        challenge = f'Bearer realm="keyrec", error="invalid_token", error_description="{title}"'
        head = (*head, ("www-authenticate", challenge))
        status = 401
    else:
        title, detail, more = FORBIDDEN[reason]
        status = 403
    if reason == "insufficient-scope":
        challenge = 'Bearer realm="keyrec", error="insufficient_scope", scope="Reviews:operate"'
        head = (*head, ("www-authenticate", challenge))
    body = (
        f'{{"type": "urn:keyrec:problem:{reason}", "title": "{title}", "status": {status}, '
        f'"code": "{reason}", "detail": "{detail}"{more}}}\n'
    )
    return status, head, body.encode()


def expected_success(state: State, version_id: str, key_id: str) -> tuple[Any, ...]:
    """Give status, headers and body of an allowed request."""
    is_retiring = state.version in {"retiring", "retiring, no end"}
    headers = (
        ("cache-control", "no-store"),
        ("x-auth-key-id", key_id),
        ("x-auth-key-name", "billing-sync"),
        ("x-auth-key-version", version_id),
        ("x-auth-workspace", "payments"),
        ("x-auth-environment", "prod"),
        ("x-auth-scopes", "Reviews:read Webhooks:change"),
        ("x-auth-expires-at", "none" if state.expiry is None else "2026-11-24T13:00:00Z"),
        ("x-auth-retiring", "true" if is_retiring else "false"),
        ("x-auth-rotate-by", "2026-11-24T13:00:00Z" if state.version == "retiring" else "none"),
    )
    return 200, headers, b""


@dataclass
class Place:
    """An application on a store in which every state is issued once."""

    store: FakeVerificationStore
    verifier: Verifier
    keys: list[tuple[Secret, State]]

    def app(self, disclosure: Disclosure) -> Any:
        """Give the application."""
        ids = (f"request-{number}" for number in itertools.count(1))
        service = Service(
            verifier=self.verifier,
            counts=Counts.alone(self.store.steady),
            forwarding=Forwarding(),
            disclosure=disclosure,
        )
        steady = self.store.steady
        return application(
            service, Surroundings(new_id=lambda: next(ids), steady=steady, close=lambda: None)
        )


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Issue every state."""
    store = FakeVerificationStore()
    issued = []
    for state in states():
        ranges = ("203.0.113.0/24",) if state.is_restricted else None
        secret = store.issue(
            version=VERSIONS[state.version],
            fields={"active": state.is_active, "ranges": ranges, "allowlist": ranges},
            record={
                "hold": HOLD if state.is_held else None,
                "expires_at": state.expiry,
                "status": state.status,
            },
        )
        issued.append((secret, state))
    verifier = Verifier(
        store,
        entropy=FakeEntropy("verifier"),
        steady=store.steady,
        terms=VerifierTerms(issuer=Issuer(prefix="krk", environment="prod")),
    )
    with verifier:
        yield Place(store=store, verifier=verifier, keys=issued)


async def authorize(
    app: Any, key: str, address: str | None, scope: str | None, *, header: str = "bearer"
) -> Reply:
    """Ask as a gateway does."""
    shown = ("authorization", f"Bearer {key}") if header == "bearer" else ("x-api-key", key)
    query = "" if scope is None else f"require={scope}"
    request = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/authorize",
        "raw_path": b"/v1/authorize",
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(n.encode("latin-1"), v.encode("latin-1")) for n, v in (shown,)],
        "client": None if address is None else (address, 50000),
        "server": ("127.0.0.1", 8321),
        "state": {},
    }
    return await ask(app, request, (b"",))


@pytest.mark.parametrize("disclosure", Disclosure)
def test_every_state_place_and_scope_has_its_exact_answer(place, disclosure):
    """504 states, 3 addresses, 4 scopes; each refusal that there can be is met on the way."""
    app = place.app(disclosure)
    terse = disclosure is Disclosure.TERSE
    met: Counter[str] = Counter()

    async def go() -> None:
        for secret, state in place.keys:
            key = secret.reveal()
            version_id = key.split("_")[2]
            key_id = place.store.rows[version_id].record.key_id
            for where, scope in itertools.product(PLACES, SCOPES):
                reply = await authorize(app, key, PLACES[where], SCOPES[scope])
                reason = expected_reason(state, where, scope)
                met[reason or "allowed"] += 1
                wanted = (
                    expected_success(state, version_id, key_id)
                    if reason is None
                    else expected_answer(reason, terse=terse)
                )
                assert reply.same == sent(wanted), (state, where, scope, reason)

    asyncio.run(go())
    assert set(met) == {"allowed", "leaked", *TITLES, *FORBIDDEN}
    assert sum(met.values()) == 504 * 12


def test_without_the_secret_no_state_is_told_from_another(place):
    """The id of every state with a wrong secret, and ids that nobody issued, of every environment:
    one answer, whatever the address and the scope.
    """
    app = place.app(Disclosure.HOLDER)
    draw = random.Random(7)

    async def go() -> set[tuple[Any, ...]]:
        answers = set()
        for secret, _ in place.keys:
            version_id = secret.reveal().split("_")[2]
            wrong = "".join(draw.choices(ALPHABET, k=43))
            for environment, known in (("prod", True), ("dev", True), ("prod", False)):
                text = compose(
                    prefix="krk",
                    environment=environment,
                    version_id=version_id if known else wrong[:12],
                    secret=wrong,
                ).reveal()
                where = draw.choice(list(PLACES.values()))
                scope = draw.choice(list(SCOPES.values()))
                answers.add((await authorize(app, text, where, scope)).same)
        return answers

    assert asyncio.run(go()) == {sent(NOT_VALID)}


def test_the_right_secret_in_another_environment_is_refused_as_any_other(place):
    """Before anything is looked up."""
    store = FakeVerificationStore()
    secret = store.issue(environment="dev")
    place.store.rows[secret.reveal().split("_")[2]] = store.rows[secret.reveal().split("_")[2]]
    app = place.app(Disclosure.HOLDER)
    reply = asyncio.run(authorize(app, secret.reveal(), INSIDE, None))
    assert reply.same == sent(NOT_VALID)


def in_header(text: str) -> str:
    """Give what a server lets through in a header's value."""
    return "".join(c for c in text if c not in "\r\n\0").strip(" \t")


@settings(max_examples=300)
@given(data=st.data())
def test_no_text_without_the_secret_gets_another_answer(place, data):
    """Any bytes, damaged keys, prefixes of keys, keys with something around them."""
    secret, _ = data.draw(st.sampled_from(place.keys))
    key = secret.reveal()
    text = data.draw(
        st.one_of(
            st.binary(min_size=1, max_size=200).map(lambda b: b.decode("latin-1")),
            st.integers(0, len(key) - 1).map(lambda n: key[:n] + "x" if n else "x"),
            st.tuples(st.integers(0, len(key) - 1), st.sampled_from(ALPHABET + "_-!"))
            .filter(lambda pair: key[pair[0]] != pair[1])
            .map(lambda pair: key[: pair[0]] + pair[1] + key[pair[0] + 1 :]),
            st.sampled_from(
                [key + "0", "0" + key, key[:-1], key.upper(), f'"{key}"', key + "," + key]
            ),
            st.text(ALPHABET, min_size=43, max_size=43).map(
                lambda body: compose(
                    prefix="krk", environment="prod", version_id=key.split("_")[2], secret=body
                ).reveal()
            ),
        )
    )
    text = in_header(text)
    if not text or text == key:
        return
    app = place.app(data.draw(st.sampled_from(Disclosure)))
    header = data.draw(st.sampled_from(("bearer", "x-api-key")))
    reply = asyncio.run(authorize(app, text, INSIDE, None, header=header))
    assert reply.same == sent(NOT_VALID)
