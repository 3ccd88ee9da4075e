"""A service with the right to ask learns of a key what its holder would be told, and no more."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config import Disclosure
from reconciler.credentials.access import decide
from reconciler.credentials.verdict import Circumstances, DenialReason, Issuer, Presented, Verdict
from reconciler.model.keys import KeyStatus
from reconciler.model.scopes import INTROSPECT, ScopeGrant
from reconciler.model.secret import Secret
from reconciler.model.token import compose
from reconciler.ports import StoredVersion
from reconciler.server.questions import MOST_BYTES, FormRefused, KeyQuestion, read_question
from tests.credentials.examples import API_KEY, HOUR, NOON, VERSION_ID, parsed, stored
from tests.server.asking import Desk, Reply, WatchedVerifier

CALLER = ("Authorization", f"Bearer {API_KEY.reveal()}")
OTHER = compose(prefix="krk", environment="prod", version_id="0Xjy43zv3DDA", secret="O" * 43)
FORGED = compose(prefix="krk", environment="prod", version_id="0Xjy43zv3DDA", secret="F" * 43)
JSON = ("Content-Type", "application/json")
RANGES = ("203.0.113.0/24",)


class TwoKeys(WatchedVerifier):
    """Knows the caller's key, which may ask, and the one that is asked about."""

    def __init__(self, **other: Any) -> None:
        """Give the other key a state."""
        super().__init__(row=stored(fields={"scopes": (INTROSPECT,)}))
        version = {"version_id": parsed(OTHER).version_id, **other.pop("version", {})}
        self.other: StoredVersion = stored(version=version, **other)
        self.other_undecided: DenialReason | None = None

    def check(
        self,
        key: str | Secret,
        *,
        address: str | None = None,
        scope: ScopeGrant | str | None = None,
        environment: str | None = None,
    ) -> Verdict:
        """Decide about either."""
        text = key.reveal() if isinstance(key, Secret) else key
        if text not in {OTHER.reveal(), FORGED.reveal()}:
            return super().check(key, address=address, scope=scope, environment=environment)
        assert scope is None or isinstance(scope, ScopeGrant)
        if self.other_undecided is not None:
            self.undecided = self.other_undecided
            return super().check(key)
        is_match = text == OTHER.reveal()
        presented = Presented(token=parsed(OTHER), stored=self.other, is_match=is_match)
        at = Circumstances(
            now=NOON, issuer=Issuer(environment=environment), address=address, wanted=scope
        )
        return decide(presented, at)


def asked(
    verifier: TwoKeys,
    members: object = None,
    *,
    headers: tuple[tuple[str, str], ...] = (CALLER, JSON),
    disclosure: Disclosure = Disclosure.HOLDER,
    body: tuple[bytes, ...] | None = None,
) -> Reply:
    """Ask about the other key."""
    question = {"token": OTHER.reveal()} if members is None else members
    pieces = (json.dumps(question).encode(),) if body is None else body
    desk = Desk(verifier=verifier, disclosure=disclosure)
    return desk("/v1/introspect", headers, method="POST", body=pieces)


def test_a_key_that_may_be_used_is_active_with_all_about_it() -> None:
    """Members of RFC 7662 and our own."""
    reply = asked(TwoKeys(record={"expires_at": NOON + HOUR}))
    assert reply.status == 200
    assert reply.header("cache-control") == "no-store"
    assert reply.header("content-type") == "application/json"
    assert reply.json == {
        "active": True,
        "sub": "00000000-0000-4000-8000-000000000001",
        "scope": "Reviews:read Webhooks:change",
        "exp": int((NOON + HOUR).timestamp()),
        "workspace": "payments",
        "key_name": "billing-sync",
        "version": "0Xjy43zv3DDA",
        "environment": "prod",
        "expires_at": "2026-11-24T13:00:00Z",
        "retiring": False,
        "rotate_by": None,
    }


@pytest.mark.parametrize(
    ("state", "more", "reason"),
    [
        ({"record": {"status": KeyStatus.REMOVED}}, {}, "key-removed"),
        ({"record": {"expires_at": NOON}}, {}, "key-expired"),
        ({"fields": {"active": False}}, {}, "key-inactive"),
        ({}, {"scope": "Reviews:operate"}, "insufficient-scope"),
        ({}, {"scope": "Jobs:run"}, "unknown-scope"),
        ({"fields": {"ranges": RANGES}}, {"address": "198.51.100.7"}, "address-not-allowed"),
        ({"fields": {"ranges": RANGES}}, {}, "address-unknown"),
    ],
)
def test_a_proven_key_that_is_refused_comes_with_its_reason(state, more, reason) -> None:
    """Terse keeps back all but a missing scope."""
    question = {"token": OTHER.reveal(), **more}
    assert asked(TwoKeys(**state), question).json == {"active": False, "reason": reason}
    terse = asked(TwoKeys(**state), question, disclosure=Disclosure.TERSE).json
    is_told = reason == "insufficient-scope"
    assert terse == {"active": False} | ({"reason": reason} if is_told else {})


def test_conditions_of_the_question_count() -> None:
    """Address, scope and environment as the asking service knows them."""
    question = {"token": OTHER.reveal(), "address": "203.0.113.9", "scope": "Webhooks:read"}
    verifier = TwoKeys(fields={"ranges": RANGES})
    assert asked(verifier, question).json["active"] is True
    assert asked(verifier, {**question, "environment": "dev"}).json == {"active": False}


@pytest.mark.parametrize(
    ("state", "token"),
    [
        ({}, FORGED.reveal()),
        ({"version": {"leaked": True}}, OTHER.reveal()),
        ({"record": {"expires_at": NOON}}, FORGED.reveal()),
        ({}, OTHER.reveal()[:-1]),
        ({}, OTHER.reveal()[:-1] + "!"),
        ({}, ""),
        ({}, "\ud800"),
    ],
    ids=["wrong secret", "leaked", "wrong and expired", "short", "altered", "empty", "surrogate"],
)
def test_of_a_key_that_is_not_proven_nothing_is_said(state, token) -> None:
    """One identical answer."""
    reply = asked(TwoKeys(**state), {"token": token})
    assert (reply.status, reply.body) == (200, b'{"active": false}\n')


def test_where_nothing_was_decided_nobody_is_called_inactive() -> None:
    """A service would remember it."""
    verifier = TwoKeys()
    verifier.other_undecided = DenialReason.UNAVAILABLE
    reply = asked(verifier)
    assert (reply.status, reply.json["code"]) == (503, "undecided")


def test_a_caller_needs_a_key_with_the_right() -> None:
    """Who may not ask gets the answer of any other endpoint, whatever the body is."""
    verifier = TwoKeys()
    bare = asked(verifier, headers=(JSON,))
    assert (bare.status, bare.header("www-authenticate")) == (401, 'Bearer realm="keyrec"')
    wrong = asked(verifier, headers=(("X-API-Key", "wrong"),), body=(b"",))
    assert (wrong.status, wrong.json["code"]) == (401, "invalid-key")
    without = asked(verifier, headers=(("X-API-Key", OTHER.reveal()), JSON))
    assert (without.status, without.json["code"]) == (403, "insufficient-scope")
    assert without.json["required_scope"] == "Introspection:use"
    verifier.row = replace(verifier.row, record=replace(verifier.row.record, expires_at=NOON))
    assert asked(verifier).json["code"] == "key-expired"


@pytest.mark.parametrize(
    "types",
    [(), (("Content-Type", "text/plain"),), (("Content-Type", "application/json"),) * 2],
    ids=["none", "another", "two"],
)
def test_a_body_that_is_not_called_json_is_not_read(types) -> None:
    """415."""
    assert asked(TwoKeys(), headers=(CALLER, *types)).status == 415


def test_parameters_of_the_media_type_are_no_matter() -> None:
    """As clients add a charset."""
    headers = (CALLER, ("Content-Type", "Application/JSON; charset=utf-8"))
    assert asked(TwoKeys(), headers=headers).status == 200


@pytest.mark.parametrize(
    ("announced", "body"),
    [
        (str(MOST_BYTES + 1), (b"",)),
        ("9" * 5000, (b"",)),
        ("-1", (b"",)),
        (None, (b" " * MOST_BYTES, b"{}")),
        (None, tuple([b" " * 1000] * 20)),
    ],
    ids=["announced", "absurd", "negative", "just", "in pieces"],
)
def test_a_body_that_is_too_long_is_not_read_to_its_end(announced, body) -> None:
    """413, and the connection ends."""
    length = () if announced is None else (("Content-Length", announced),)
    reply = asked(TwoKeys(), headers=(CALLER, JSON, *length), body=body)
    assert (reply.status, reply.header("connection")) == (413, "close")


def test_a_body_in_pieces_is_put_together() -> None:
    """As it arrives."""
    text = json.dumps({"token": OTHER.reveal()}).encode()
    assert asked(TwoKeys(), body=(text[:10], text[10:50], text[50:])).json["active"] is True


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b'"token"',
        b"{}",
        b'{"token": 1}',
        b'{"token": null}',
        b'{"token": "' + b"a" * 513 + b'"}',
        b'{"token": "a", "token": "b"}',
        b'{"token": "a", "more": 1}',
        b'{"token": "a", "address": "localhost"}',
        b'{"token": "a", "address": "10.0.0.0/8"}',
        b'{"token": "a", "scope": "Reviews"}',
        b'{"token": "a", "environment": "Prod"}',
        b'{"token": "\xff"}',
        b"[" * MOST_BYTES,
    ],
    ids=range(16),
)
def test_a_question_that_is_not_of_the_form_is_refused(body) -> None:
    """400 as a problem that repeats nothing of the body."""
    reply = asked(TwoKeys(), body=(body,))
    assert (reply.status, reply.json["code"]) == (400, "not-understood")
    assert "localhost" not in reply.json["detail"]


def test_a_caller_that_goes_away_is_no_fault(caplog) -> None:
    """Nothing is answered, nothing fails."""
    desk = Desk(verifier=TwoKeys())
    with pytest.raises(ValueError, match="not enough values"):
        desk("/v1/introspect", (CALLER, JSON), method="POST", body=())
    assert "fault" not in caplog.text


@given(body=st.binary() | st.text().map(lambda t: json.dumps({"token": t}).encode()))
def test_any_bytes_have_an_answer(body) -> None:
    """No exception, and no secret in what a log could show."""
    question = read_question(body)
    assert isinstance(question, KeyQuestion | FormRefused)
    if isinstance(question, KeyQuestion):
        assert "secret=Secret(***)" in repr(question)


def test_the_log_names_the_caller_and_the_key_that_was_asked_about(caplog) -> None:
    """By their version ids."""
    caplog.set_level("INFO", logger="keyrec.access")
    asked(TwoKeys(record={"expires_at": NOON}))
    (record,) = caplog.records
    words = record.getMessage().split()
    assert {f"caller={VERSION_ID}", "caller_outcome=allowed"} <= set(words)
    assert {"version=0Xjy43zv3DDA", "outcome=key-expired"} <= set(words)
