"""Answers that stand: given again at once, never of another state, and every use of them counted."""

from __future__ import annotations

import asyncio
import hmac
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.credentials import access
from reconciler.credentials.verdict import Allowed, Circumstances, Issuer, Presented, Verdict
from reconciler.errors import VerifierMisused
from reconciler.model.keys import Hold, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.scopes import ScopeCatalog, ScopeGrant
from reconciler.model.secret import Secret
from reconciler.model.token import parse
from reconciler.model.uses import MOST_MARKS, UseKind
from reconciler.verification import driving
from reconciler.verification.proofs import Proofs
from reconciler.verification.standing import MOST_OF_A_ROW
from reconciler.verification.terms import VerifierTerms
from reconciler.verification.verifier import Verifier
from tests.fakes.system import START, FakeEntropy
from tests.fakes.verification import FakeVerificationStore

INSIDE = "203.0.113.7"
TWO_RANGES = ("198.51.100.0/24", "203.0.113.0/24")
RANGES = {"allowlist": TWO_RANGES, "ranges": TWO_RANGES}
ISSUER = Issuer(prefix="krk", environment="prod")
QUESTION: dict[str, Any] = {"address": INSIDE, "scope": "Reviews:read"}


@contextmanager
def opened(store: FakeVerificationStore) -> Iterator[Verifier]:
    """Open a verifier of the environment prod on a store."""
    with Verifier(
        store,
        entropy=FakeEntropy("verifier"),
        steady=store.steady,
        terms=VerifierTerms(issuer=ISSUER),
    ) as verifier:
        yield verifier


@pytest.fixture
def store() -> FakeVerificationStore:
    """Give an empty store."""
    return FakeVerificationStore()


def reason(verdict: Verdict) -> str:
    """Give a verdict as a word."""
    return "allowed" if isinstance(verdict, Allowed) else verdict.reason.value


def refuse_to_be_called(*_: Any, **__: Any) -> None:
    """Fail the test."""
    raise AssertionError("nothing was to be decided, asked or waited for")


def test_a_first_check_costs_one_query_and_one_hash(store):
    """And the second costs neither."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        assert reason(verifier.check(key, **QUESTION)) == "allowed"
        assert (len(store.queries), verifier.state.hashes) == (1, 1)


@pytest.mark.parametrize("given_as", [Secret.reveal, lambda key: key], ids=["text", "secret"])
def test_a_warm_check_costs_nothing(store, monkeypatch, given_as):
    """No query, no look, no hash, no decision, and no waiting, in a thread and in a loop."""
    key = given_as(store.issue(fields=RANGES))
    with opened(store) as verifier:
        verifier.check(key, **QUESTION)
        before = len(store.queries), store.looks, verifier.state.hashes
        monkeypatch.setattr(access, "decide", refuse_to_be_called)
        monkeypatch.setattr(verifier._inquiry.loader, "load", refuse_to_be_called)
        monkeypatch.setattr(verifier._inquiry.prover, "prove", refuse_to_be_called)
        monkeypatch.setattr(driving, "awaited", refuse_to_be_called)
        for _ in range(100):
            assert reason(verifier.check(key, **QUESTION)) == "allowed"
        assert reason(asyncio.run(verifier.check_async(key, **QUESTION))) == "allowed"
        assert (len(store.queries), store.looks, verifier.state.hashes) == before


OTHERS: tuple[dict[str, Any], ...] = (
    {"address": "192.0.2.1", "scope": "Reviews:read"},
    {"address": None, "scope": "Reviews:read"},
    {"address": INSIDE, "scope": "Reviews:operate"},
    {"address": INSIDE, "scope": "Jobs:run"},
    {"address": INSIDE, "scope": "Reviews:read", "environment": "dev"},
)


@pytest.mark.parametrize("other", OTHERS)
def test_an_answer_stands_for_its_own_question_alone(store, other):
    """Another address, scope or environment is decided about."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        assert reason(verifier.check(key, **QUESTION)) == "allowed"
        assert reason(verifier.check(key, **other)) != "allowed"
        assert reason(verifier.check(key, **QUESTION)) == "allowed"


@pytest.mark.parametrize(
    "ended",
    [
        {"record": {"expires_at": START + timedelta(hours=1)}},
        {"version": {"state": VersionState.RETIRING, "retire_at": START + timedelta(hours=1)}},
    ],
    ids=["expiry", "retirement"],
)
def test_an_answer_ends_at_the_very_instant_of_an_end(store, ended):
    """Not a microsecond later, and not one earlier."""
    key = store.issue(fields=RANGES, **ended)
    with opened(store) as verifier:
        assert reason(verifier.check(key, **QUESTION)) == "allowed"
        for seconds, said in ((3599.0, True), (0.999999, True), (0.000001, False), (1.0, False)):
            store.steady.advance(seconds)
            verifier._inquiry.follower.look()
            assert (reason(verifier.check(key, **QUESTION)) == "allowed") is said


def test_another_catalogue_counts_at_once(store):
    """Though no key changed: the level that the key has may mean less now."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        assert reason(verifier.check(key, **QUESTION)) == "allowed"
        store.catalog = ScopeCatalog.of({"Jobs": ("run",)})
        verifier._inquiry.follower.look()
        assert reason(verifier.check(key, **QUESTION)) == "unknown-scope"


CHANGES: tuple[dict[str, Any], ...] = (
    {"fields": {"active": False}},
    {"fields": {"active": True}},
    {"fields": {"scopes": ()}},
    {"fields": {"ranges": ("192.0.2.0/24",), "allowlist": ("192.0.2.0/24",)}},
    {"fields": RANGES},
    {"record": {"hold": Hold(reason="stop", by="local:alice", since=START)}},
    {"record": {"hold": None}},
    {"record": {"status": KeyStatus.REMOVED}},
    {"record": {"expires_at": START + timedelta(seconds=90)}},
    {"version": {"state": VersionState.RETIRING, "retire_at": START + timedelta(seconds=60)}},
    {"version": {"leaked": True}},
)
STEPS = st.lists(
    st.one_of(
        st.sampled_from(CHANGES),
        st.sampled_from((QUESTION, *OTHERS[:4])),
        st.floats(min_value=0.0, max_value=40.0),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_what_stands_is_what_would_be_decided(steps):
    """Whatever changes in whatever order, by the rules of `access` over the row as it is."""
    store = FakeVerificationStore()
    key = store.issue(fields=RANGES)
    token = parse(key.reveal())
    with opened(store) as verifier:
        for step in steps:
            if isinstance(step, float):
                store.steady.advance(step)
            elif "scope" not in step:
                store.change(key, **step)
            verifier._inquiry.follower.look()
            question = step if isinstance(step, dict) and "scope" in step else QUESTION
            [row] = store.rows.values()
            at = Circumstances(
                now=START + timedelta(seconds=store.steady() - 1000.0),
                issuer=ISSUER,
                address=question["address"],
                wanted=ScopeGrant.read(question["scope"]),
            )
            decided = access.decide(Presented(token=token, stored=row, is_match=True), at)
            assert verifier.check(key, **question) == decided
            assert verifier.check(key, **question) == decided


def marks(store: FakeVerificationStore, kind: UseKind) -> dict[str, int]:
    """Add up what was reported of a kind, by subject."""
    found: dict[str, int] = {}
    for report in store.reports:
        for mark in report.marks:
            if mark.kind is kind:
                found[mark.subject] = found.get(mark.subject, 0) + mark.times
    return found


def test_every_use_is_counted_also_from_many_threads_and_over_many_reports(store):
    """While reports are made and rows are replaced."""
    key = store.issue(fields=RANGES)
    text, each, threads = key.reveal(), 2000, 4
    with opened(store) as verifier:

        def use() -> None:
            for _ in range(each):
                assert reason(verifier.check(text, **QUESTION)) == "allowed"

        using = [threading.Thread(target=use) for _ in range(threads)]
        for thread in using:
            thread.start()
        while any(thread.is_alive() for thread in using):
            store.change(key, fields={"owner": "somebody"})
            verifier._inquiry.follower.look()
            assert verifier.report_uses()
        for thread in using:
            thread.join()
    assert marks(store, UseKind.ORIGIN) == {INSIDE: each * threads}
    assert marks(store, UseKind.SCOPE) == {"Reviews:read": each * threads}


def test_the_last_use_is_told_to_the_minute(store):
    """Of answers that stood as of others."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        verifier.check(key, **QUESTION)
        store.steady.advance(125)
        verifier._inquiry.follower.look()
        verifier.check(key, **QUESTION)
        assert verifier.report_uses()
    [(_, last_used_at)] = store.reports[0].uses
    assert last_used_at == START + timedelta(minutes=2)


def test_what_is_gone_is_counted_once_more_and_then_forgotten(store):
    """A tally lives as long as an answer counts by it."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        verifier.check(key, **QUESTION)
        verifier.check(key, **QUESTION)
        assert len(verifier._uses._tallies) == 1
        store.change(key, fields={"owner": "somebody"})
        verifier._inquiry.follower.look()
        verifier.check(key, **QUESTION)
        verifier.report_uses()
        verifier.report_uses()
        assert len(verifier._uses._tallies) == 1


def test_no_more_answers_of_a_row_stand_than_may(store):
    """Whoever asks from ever new addresses is answered and counted, and fills nothing."""
    key = store.issue(fields={"allowlist": None, "ranges": None})
    addresses = [f"203.0.113.{number}" for number in range(MOST_OF_A_ROW + 8)]
    with opened(store) as verifier:
        for _ in range(2):
            for address in addresses:
                assert reason(verifier.check(key, address=address)) == "allowed"
        assert len(verifier._standing._standing._entries) == MOST_OF_A_ROW
    assert marks(store, UseKind.ORIGIN) == dict.fromkeys(addresses[:MOST_MARKS], 2)


def test_a_process_that_was_forked_off_is_given_nothing(store):
    """Not even what stood before."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        verifier.check(key, **QUESTION)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            try:
                verifier.check(key, **QUESTION)
            except VerifierMisused:
                os._exit(7)
            os._exit(8)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 7
        assert reason(verifier.check(key, **QUESTION)) == "allowed"


def test_after_the_end_nothing_stands(store):
    """A request that comes late is not answered by what was."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        verifier.check(key, **QUESTION)
    assert reason(verifier.check(key, **QUESTION)) == "unavailable"


@given(key=st.binary(min_size=32, max_size=64), text=st.text())
def test_a_text_is_named_by_its_hmac(key, text):
    """HMAC-SHA-256 of RFC 2104, also of texts that no encoding has."""
    name = Proofs(key=key, entries=1).name(Secret(text))
    assert name == hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")
