"""Answers that stand: given again at once, never of another state, and every use of them counted."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
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
from reconciler.verification import driving, standing
from reconciler.verification.proofs import Proofs
from reconciler.verification.seen import Tally
from reconciler.verification.standing import MOST_OF_A_ROW
from reconciler.verification.terms import VerifierTerms
from reconciler.verification.usage import FOLDED_AT_ONCE
from reconciler.verification.verifier import Verifier
from tests.fakes.system import START, FakeEntropy
from tests.fakes.verification import FakeVerificationStore

INSIDE = "203.0.113.7"
TWO_RANGES = ("198.51.100.0/24", "203.0.113.0/24")
RANGES = {"allowlist": TWO_RANGES, "ranges": TWO_RANGES}
ISSUER = Issuer(prefix="krk", environment="prod")
QUESTION: dict[str, Any] = {"address": INSIDE, "scope": "Reviews:read"}


@contextmanager
def opened(store: FakeVerificationStore, **terms: Any) -> Iterator[Verifier]:
    """Open a verifier of the environment prod on a store."""
    with Verifier(
        store,
        entropy=FakeEntropy("verifier"),
        steady=store.steady,
        terms=VerifierTerms(issuer=ISSUER, **terms),
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
                while reason(verifier.check(text, **QUESTION)) != "allowed":
                    pass  # a row that changes all the time is given up, and asked about again

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
    addresses = [f"203.0.{n // 256}.{n % 256}" for n in range(MOST_OF_A_ROW + 8)]
    with opened(store) as verifier:
        for _ in range(2):
            for address in addresses:
                assert reason(verifier.check(key, address=address)) == "allowed"
        assert len(verifier._standing._standing._entries) == MOST_OF_A_ROW
    assert marks(store, UseKind.ORIGIN) == dict.fromkeys(addresses[:MOST_MARKS], 2)


def test_one_question_that_many_ask_at_once_stands_once(store, monkeypatch):
    """And leaves room for the others about that row."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:

        async def burst() -> list[Verdict]:
            asked = (verifier.check_async(key, **QUESTION) for _ in range(2 * MOST_OF_A_ROW))
            return await asyncio.gather(*asked)

        assert {reason(verdict) for verdict in asyncio.run(burst())} == {"allowed"}
        [row] = verifier._inquiry.rows._rows.values()
        assert (row.standing, len(verifier._uses._tallies)) == (1, 1)
        verifier.check(key, address="198.51.100.1")
        monkeypatch.setattr(access, "decide", refuse_to_be_called)
        assert reason(verifier.check(key, address="198.51.100.1")) == "allowed"
        assert reason(verifier.check(key, **QUESTION)) == "allowed"
    assert marks(store, UseKind.ORIGIN) == {INSIDE: 2 * MOST_OF_A_ROW + 1, "198.51.100.1": 2}


def test_of_two_threads_that_come_to_one_answer_one_lets_it_stand(store, monkeypatch):
    """The other's is let go, and nothing is counted by it."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        counting = verifier._uses.counting

        def meanwhile(owner: object, tally: Tally) -> None:
            monkeypatch.setattr(verifier._uses, "counting", counting)
            counting(owner, tally)
            verifier.check(key, **QUESTION)

        monkeypatch.setattr(verifier._uses, "counting", meanwhile)
        for _ in range(3):
            assert reason(verifier.check(key, **QUESTION)) == "allowed"
        [row] = verifier._inquiry.rows._rows.values()
        assert (row.standing, len(verifier._standing._standing._entries)) == (1, 1)
    assert marks(store, UseKind.ORIGIN) == {INSIDE: 4}


def test_an_answer_that_was_pushed_out_leaves_its_room(store, monkeypatch):
    """However many were asked for since the row was read, the newest stands."""
    key = store.issue(fields={"allowlist": None, "ranges": None})
    addresses = [f"203.0.{n // 256}.{n % 256}" for n in range(2 * MOST_OF_A_ROW)]
    with opened(store, entries=1) as verifier:
        for address in addresses:
            verifier.check(key, address=address)
        [row] = verifier._inquiry.rows._rows.values()
        assert row.standing == len(verifier._standing._standing._entries) == 2
        monkeypatch.setattr(access, "decide", refuse_to_be_called)
        assert reason(verifier.check(key, address=addresses[-1])) == "allowed"


def test_a_row_allows_in_one_value_whoever_asks(store):
    """Also those for whose answers there is no room, and those whose address is none."""
    key = store.issue(fields={"allowlist": None, "ranges": None})
    addresses = [f"203.0.{n // 256}.{n % 256}" for n in range(MOST_OF_A_ROW + 8)]
    with opened(store) as verifier:
        first = verifier.check(key, address="no address")
        assert isinstance(first, Allowed)
        assert all(verifier.check(key, address=address) is first for address in addresses)
        assert all(verifier.check(key, address=address) is first for address in addresses)
        [row] = verifier._inquiry.rows._rows.values()
        other = Allowed(record=first.record, version=replace(first.version, leaked=True))
        assert verifier._standing.same(other, row) is other


def test_what_does_not_stand_any_more_is_not_kept(store):
    """A row that is over, with the hash in it, is let go when it is met."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        entries = verifier._standing._standing._entries
        verifier.check(key, **QUESTION)
        assert len(entries) == 1
        store.change(key, fields={"active": False})
        verifier._inquiry.follower.look()
        assert reason(verifier.check(key, **QUESTION)) == "key-inactive"
        assert entries == {}


def test_what_another_catalogue_said_is_not_kept(store):
    """And its room is given back; an answer that came in its place meanwhile stays."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        entries = verifier._standing._standing._entries
        verifier.check(key, **QUESTION)
        [(asked, old)] = entries.items()
        store.catalog = ScopeCatalog.of({"Jobs": ("run",)})
        verifier._inquiry.follower.look()
        assert reason(verifier.check(key, **QUESTION)) == "unknown-scope"
        assert (entries, old.row.standing) == ({}, 0)
        store.catalog = ScopeCatalog.of({"Reviews": ("read",), "Webhooks": ("change",)})
        verifier._inquiry.follower.look()
        assert reason(verifier.check(key, **QUESTION)) == "allowed"
        verifier._standing._drop(asked, old)
        assert (len(entries), old.row.standing) == (1, 1)


def test_tallies_of_answers_that_left_do_not_pile_up(store):
    """Between two reports no more are kept than answers stand, and every use is counted."""
    keys = [store.issue(fields=RANGES).reveal() for _ in range(40)]
    turns = 6
    with opened(store, entries=10) as verifier:
        for _ in range(turns):
            for key in keys:
                for _ in range(3):
                    assert reason(verifier.check(key, **QUESTION)) == "allowed"
        assert len(verifier._standing._standing._entries) == 20
        assert len(verifier._uses._tallies) <= 20 + FOLDED_AT_ONCE
    [report] = store.reports
    origins = [mark for mark in report.marks if mark.kind is UseKind.ORIGIN]
    assert {mark.version_id: mark.times for mark in origins} == dict.fromkeys(store.rows, 3 * turns)


def test_every_use_is_counted_while_answers_are_pushed_out_and_reports_fail(store):
    """From many threads; two answers stand at a time, of five that are asked for in turn."""
    text = store.issue(fields={"allowlist": None, "ranges": None}).reveal()
    addresses = [f"203.0.113.{number}" for number in range(5)]
    each, threads = 100, 4
    with opened(store, entries=1) as verifier:
        verifier.check(text)

        def use() -> None:
            for number in range(each * len(addresses)):
                for _ in range(2):  # the second time it may stand
                    verifier.check(text, address=addresses[number % len(addresses)])

        using = [threading.Thread(target=use) for _ in range(threads)]
        for thread in using:
            thread.start()
        while any(thread.is_alive() for thread in using):
            store.is_down = not store.is_down
            verifier.report_uses()
        for thread in using:
            thread.join()
        store.is_down = False
    assert marks(store, UseKind.ORIGIN) == dict.fromkeys(addresses, 2 * each * threads)


def test_a_verifier_leaves_nothing_behind_in_the_process(store, monkeypatch):
    """A hook for forks cannot be taken back, so there is one for all of them."""
    hooks: list[Any] = []
    monkeypatch.setattr(os, "register_at_fork", lambda **hook: hooks.append(hook))
    gc.collect()
    before = set(standing._EVERYWHERE)
    with opened(store) as first, opened(store) as second:
        assert set(standing._EVERYWHERE) - before == {first._standing, second._standing}
    del first, second
    gc.collect()
    assert (hooks, set(standing._EVERYWHERE) - before) == ([], set())


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
def test_a_text_is_named_by_its_keyed_hash(key, text):
    """Keyed BLAKE2b of RFC 7693, also of texts that no encoding has, and again the second time."""
    proofs, encoded = Proofs(key=key, entries=1), text.encode("utf-8", "surrogatepass")
    name = hashlib.blake2b(encoded, key=key, digest_size=32).digest()
    assert proofs.name(Secret(text)) == proofs.name(Secret(text)) == name
