"""The verifier: the rules of `access`, a proof that is remembered, a state that never is."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.credentials.hashing import needs_rehash
from reconciler.credentials.hashing import verify as hashing_verify
from reconciler.credentials.verdict import Allowed, DenialReason, Denied, Issuer, Verdict
from reconciler.errors import HashingFailed, StoreUnavailable, VerifierMisused
from reconciler.model.keys import Hold, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.policy import HashProfile
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.secret import Secret
from reconciler.model.token import ALPHABET, compose
from reconciler.model.uses import MOST_MARKS, UseKind, UseReport
from reconciler.verification import inquiry, prover
from reconciler.verification.bounds import ROW_LIFE, Bounds
from reconciler.verification.fair_pool import Room
from reconciler.verification.loader import MOST_WAITING
from reconciler.verification.terms import VerifierTerms
from reconciler.verification.verifier import Verifier
from tests.fakes.system import START, FakeEntropy
from tests.fakes.verification import FakeVerificationStore

INSIDE = "203.0.113.7"
RANGES = {"allowlist": ("203.0.113.0/24",), "ranges": ("203.0.113.0/24",)}


@contextmanager
def opened(store: FakeVerificationStore, **terms: Any) -> Iterator[Verifier]:
    """Open a verifier of the environment prod on a store."""
    issuer = Issuer(prefix="krk", environment="prod")
    verifier = Verifier(
        store,
        entropy=FakeEntropy("verifier"),
        steady=store.steady,
        terms=VerifierTerms(**{"issuer": issuer, **terms}),
    )
    with verifier:
        yield verifier


@pytest.fixture
def store() -> FakeVerificationStore:
    """Give an empty store."""
    return FakeVerificationStore()


def reason(verdict: Verdict) -> str:
    """Give a verdict as a word."""
    return "allowed" if isinstance(verdict, Allowed) else verdict.reason.value


def both_ways(verifier: Verifier, key: str | Secret, **question: Any) -> str:
    """Ask in this thread and in an event loop; both have to say the same."""
    said = reason(verifier.check(key, **question))
    assert reason(asyncio.run(verifier.check_async(key, **question))) == said
    return said


def look(verifier: Verifier) -> None:
    """Have the store looked at now."""
    assert verifier._inquiry.follower.look()


ENDED: dict[str, dict[str, Any]] = {
    "key-inactive": {"fields": {"active": False}},
    "key-held": {"record": {"hold": Hold(reason="stop", by="local:alice", since=START)}},
    "key-expired": {"record": {"expires_at": START}},
    "key-removed": {"record": {"status": KeyStatus.REMOVED}},
    "version-retired": {"version": {"state": VersionState.RETIRED, "retired_at": START}},
    "leaked": {"version": {"state": VersionState.RETIRED, "leaked": True}},
    "address-not-allowed": {
        "fields": {"ranges": ("192.0.2.0/24",), "allowlist": ("192.0.2.0/24",)}
    },
    "insufficient-scope": {"fields": {"scopes": ()}},
}


def test_a_usable_key_is_allowed_with_everything_that_a_service_needs(store):
    """Key, version, workspace, scopes, expiry, and whether a rotation replaced it."""
    key = store.issue(fields=RANGES, record={"expires_at": START + timedelta(days=1)})
    with opened(store) as verifier:
        verdict = verifier.check(key, address=INSIDE, scope="Webhooks:read")
    assert isinstance(verdict, Allowed)
    assert verdict.record.address.workspace == "payments"
    assert verdict.version.version_id == key.reveal().split("_")[2]
    assert [str(s) for s in verdict.record.fields.scopes] == ["Reviews:read", "Webhooks:change"]
    assert verdict.record.expires_at == START + timedelta(days=1)
    assert not verdict.is_retiring


def test_a_retiring_version_is_allowed_and_says_so(store):
    """Until its deadline; the caller is told to fetch the new secret."""
    end = START + timedelta(hours=1)
    key = store.issue(version={"state": VersionState.RETIRING, "retire_at": end})
    with opened(store) as verifier:
        verdict = verifier.check(key)
        assert isinstance(verdict, Allowed)
        assert (verdict.is_retiring, verdict.rotate_by) == (True, end)
        store.steady.advance(3600)
        assert reason(verifier.check(key)) == "version-retired"


@pytest.mark.parametrize("ended", ENDED)
def test_a_state_counts_on_the_next_call_after_it_was_followed(store, ended):
    """Whatever the proof that is remembered says; and no secret is hashed again for it."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        question = {"address": INSIDE, "scope": "Webhooks:change"}
        assert both_ways(verifier, key, **question) == "allowed"
        hashes = verifier.state.hashes
        store.change(key, **ENDED[ended])
        look(verifier)
        assert both_ways(verifier, key, **question) == ended
        assert verifier.state.hashes == hashes == 1


@pytest.mark.parametrize("ended", ENDED)
def test_no_answer_is_of_a_state_that_is_older_than_the_bound(store, ended):
    """Also where the looks in the background never came: the call has the store asked itself."""
    key = store.issue(fields=RANGES)
    with opened(
        store, bounds=Bounds(revocation=timedelta(hours=1), max_stale=timedelta(hours=2))
    ) as verifier:
        question = {"address": INSIDE, "scope": "Webhooks:change"}
        assert reason(verifier.check(key, **question)) == "allowed"
        store.change(key, **ENDED[ended])
        store.steady.advance(3601)
        assert both_ways(verifier, key, **question) == ended


def test_what_never_was_a_key_is_refused_without_a_query_and_without_a_hash(store, monkeypatch):
    """A hundred thousand texts drawn at random, of every sort that is not well-formed."""
    monkeypatch.setattr(prover, "verify", lambda *_: pytest.fail("a hash was checked"))
    key = store.issue().reveal()
    draw = random.Random(int(os.environ["KEYREC_TEST_SEED"]))
    with opened(store) as verifier:
        for text in itertools.islice(malformed(draw, key), 100_000):
            assert reason(verifier.check(text)) in {"malformed", "checksum", "wrong-environment"}
        assert (store.queries, verifier.state.hashes, verifier.state.row_queries) == ([], 0, 0)
    assert all(not r.uses and not r.marks for r in store.reports)


def malformed(draw: random.Random, key: str) -> Iterator[str]:
    """Draw texts that are no keys of here: noise, damaged keys, keys of elsewhere."""
    while True:
        yield "".join(draw.choices(ALPHABET + "_-. \x00é", k=draw.randrange(0, 120)))
        place = draw.randrange(len(key))
        other = draw.choice([c for c in ALPHABET if c != key[place]])
        yield key[:place] + other + key[place + 1 :]
        yield key[:place]
        body = "".join(draw.choices(ALPHABET, k=43))
        yield compose(prefix="krk", environment="dev", version_id=body[:12], secret=body).reveal()
        yield compose(prefix="abc", environment="prod", version_id=body[:12], secret=body).reveal()
        yield key + draw.choice(ALPHABET)


@given(text=st.text() | st.binary().map(lambda b: b.decode("latin-1")) | st.just("\ud800"))
def test_no_text_makes_it_raise(text):
    """Also surrogates that stand alone, and in the place of every other argument."""
    with opened(FakeVerificationStore()) as verifier:
        assert isinstance(verifier.check(text), Denied)
        assert isinstance(verifier.check(text, address=text, scope=text), Denied)


def test_unknown_ids_are_asked_of_the_store_many_at_a_time(store):
    """While one query is on its way, all that come wait for the next one together."""
    store.gate = threading.Event()
    with opened(store) as verifier, ThreadPoolExecutor(101) as pool:
        first = pool.submit(verifier.check, unknown(0))
        while not store.queries:
            pass
        others = [pool.submit(verifier.check, unknown(n)) for n in range(1, 101)]
        while len(verifier._inquiry.loader._wanted) < 100:
            pass
        store.gate.set()
        assert {reason(f.result()) for f in [first, *others]} == {"unknown-id"}
        assert len(store.queries) <= 3
        assert verifier.state.hashes == 0


def unknown(number: int) -> Secret:
    """Give a well-formed key that nobody issued."""
    return compose(prefix="krk", environment="prod", version_id=f"{number:012d}", secret="x" * 43)


def test_the_wrong_secret_of_a_known_id_costs_one_hash_however_often_it_comes(store):
    """And the holder's proof is not touched by it."""
    key = store.issue()
    wrong = compose(
        prefix="krk",
        environment="prod",
        version_id=key.reveal().split("_")[2],
        secret="w" * 43,
    )
    with opened(store) as verifier:
        assert reason(verifier.check(key)) == "allowed"
        assert {both_ways(verifier, wrong) for _ in range(50)} == {"wrong-secret"}
        assert verifier.state.hashes == 2
        assert reason(verifier.check(key)) == "allowed"
        assert verifier.state.hashes == 2


def test_a_busy_key_that_is_new_here_is_hashed_once_and_never_turned_away(store, monkeypatch):
    """A hundred requests of one key right after a start, and again after an edit of it."""
    go_on = threading.Event()
    key = store.issue()
    monkeypatch.setattr(prover, "verify", lambda *_: go_on.wait(30))
    store.gate = threading.Event()
    with opened(store, threads=1) as verifier, ThreadPoolExecutor(100) as pool:
        first = [pool.submit(verifier.check, key) for _ in range(100)]
        while not store.queries:
            pass
        store.gate.set()
        go_on.set()
        assert {reason(f.result()) for f in first} == {"allowed"}
        assert verifier.state.hashes == 1
        store.change(key, fields={"owner": "team-b"})
        look(verifier)
        again = [pool.submit(verifier.check, key) for _ in range(100)]
        assert {reason(f.result()) for f in again} == {"allowed"}
        assert verifier.state.hashes == 1


def test_without_the_store_proven_keys_are_answered_for_max_stale_and_no_longer(store):
    """Keys that were not proven before are not: known or unknown, nobody can tell."""
    key, other = store.issue(), store.issue()
    with opened(store) as verifier:
        assert reason(verifier.check(key)) == "allowed"
        store.is_down = True
        store.steady.advance(9.9)
        assert both_ways(verifier, key) == "allowed"
        assert both_ways(verifier, other) == both_ways(verifier, unknown(1)) == "unavailable"
        assert both_ways(verifier, "nonsense") == "malformed"
        store.steady.advance(0.2)
        assert both_ways(verifier, key) == "unavailable"
        assert both_ways(verifier, other) == both_ways(verifier, unknown(1)) == "unavailable"
        assert not verifier.state.is_ready
        store.is_down = False
        look(verifier)
        assert both_ways(verifier, key) == both_ways(verifier, other) == "allowed"
        assert verifier.state.is_ready


def test_a_store_that_was_never_reached_allows_nobody(store):
    """Until it is reached."""
    key = store.issue()
    store.is_down = True
    with opened(store) as verifier:
        assert both_ways(verifier, key) == "unavailable"
        assert verifier.state.age is None
        store.is_down = False
        look(verifier)
        assert both_ways(verifier, key) == "allowed"


def test_a_replica_that_lags_counts_as_stale(store):
    """By its lag, from the first answer on."""
    key = store.issue()
    with opened(store) as verifier:
        assert reason(verifier.check(key)) == "allowed"
        store.behind = timedelta(seconds=10.5)
        look(verifier)
        assert both_ways(verifier, key) == "unavailable"
        store.behind = timedelta(seconds=0.2)
        look(verifier)
        assert both_ways(verifier, key) == "allowed"


def test_a_row_of_before_a_change_that_was_followed_is_not_kept(store):
    """The row was on its way while the key was deactivated, and the change was seen first."""
    key = store.issue()
    store.gate = threading.Event()
    with opened(store) as verifier, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(verifier.check, key)
        while not store.queries:
            pass
        store.change(key, fields={"active": False})
        look(verifier)
        store.gate.set()
        assert reason(answer.result()) == "key-inactive"
        assert len(store.queries) == 2


def test_a_restored_store_makes_everything_be_read_again(store):
    """Its newest event has a number that was seen already, with another hash."""
    key = store.issue()
    store.change(key, fields={"active": False})
    with opened(store) as verifier:
        assert reason(verifier.check(key)) == "key-inactive"
        store.restore(1)
        store.change(key, fields={"active": True})
        look(verifier)
        assert reason(verifier.check(key)) == "allowed"


def test_another_store_in_its_place_is_no_store(store):
    """An empty one that was made by mistake knows no key: that is told apart from a wrong key."""
    key = store.issue()
    with opened(store) as verifier:
        assert reason(verifier.check(key)) == "allowed"
        store.store_id = "store-2"
        assert not verifier._inquiry.follower.look()
        store.steady.advance(11)
        assert both_ways(verifier, key) == "unavailable"
        assert not verifier.state.is_ready
        store.store_id = "store-1"
        look(verifier)
        assert both_ways(verifier, key) == "allowed"


def test_another_key_s_change_costs_this_one_nothing(store):
    """Only what changed is read again."""
    key, other = store.issue(), store.issue()
    with opened(store) as verifier:
        verifier.check(key)
        verifier.check(other)
        queries = len(store.queries)
        store.change(other, fields={"active": False})
        look(verifier)
        assert reason(verifier.check(key)) == "allowed"
        assert len(store.queries) == queries
        assert reason(verifier.check(other)) == "key-inactive"
        assert store.queries[queries:] == [(other.reveal().split("_")[2],)]


def test_a_row_is_read_again_after_a_while_in_any_case(store):
    """What was changed past keyrec raises no revision."""
    key = store.issue()
    with opened(store) as verifier:
        verifier.check(key)
        assert len(store.queries) == 1
        store.steady.advance(ROW_LIFE + 1)
        assert reason(verifier.check(key)) == "allowed"
        assert len(store.queries) == 2
        assert verifier.state.hashes == 1


def test_a_new_catalogue_counts_at_once(store):
    """A level that it puts below another covers it no more."""
    key = store.issue()
    with opened(store) as verifier:
        assert reason(verifier.check(key, scope="Webhooks:read")) == "allowed"
        store.catalog = ScopeCatalog.of({"Webhooks": ("change", "read")})
        look(verifier)
        assert both_ways(verifier, key, scope="Webhooks:read") == "insufficient-scope"
        assert both_ways(verifier, key, scope="Invoices:read") == "unknown-scope"


def test_a_hash_of_other_parameters_is_renewed_once_beside_the_request(store):
    """Only where the secret was proven; the key goes on working, now by the new hash."""
    key = store.issue(profile=HashProfile.OWASP)
    version_id = key.reveal().split("_")[2]
    with opened(store) as verifier:
        assert reason(verifier.check(key)) == "allowed"
    assert not needs_rehash(store.rows[version_id].secret_hash, profile=HashProfile.TOKEN)
    with opened(store) as verifier:
        assert reason(verifier.check(key)) == "allowed"
    assert verifier.state.renewed_hashes == 0


def test_more_secrets_than_can_be_hashed_are_turned_away(store, monkeypatch):
    """A bounded number waits; the next is told to come again."""
    go_on = threading.Event()
    monkeypatch.setattr(prover, "verify", lambda *_: go_on.wait(30))
    keys = [store.issue() for _ in range(6)]
    room = Room(at_all=3, in_a_line=3, seconds=60)
    with opened(store, threads=1, room=room) as verifier, ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(verifier.check, keys[0])]
        while verifier.state.hashes < 1:
            pass
        waiting += [pool.submit(verifier.check, key) for key in keys[1:4]]
        while len(verifier._inquiry.prover._pool) < 3:
            pass
        assert both_ways(verifier, keys[5]) == "overloaded"
        go_on.set()
        assert {reason(f.result()) for f in waiting} == {"allowed"}
        assert reason(verifier.check(keys[5])) == "allowed"


def test_whoever_knows_an_id_cannot_keep_others_out(store, monkeypatch):
    """The ids take turns, so another key waits for one hash of the flooded id and not for all; the
    proven holder of that very id waits for none.
    """
    go_on, order = threading.Event(), []
    key, other = store.issue(), store.issue()
    version_id = key.reveal().split("_")[2]
    forged = [
        compose(prefix="krk", environment="prod", version_id=version_id, secret=f"{n:043d}")
        for n in range(50)
    ]

    def recorded(stored: str, secret: Secret) -> bool:
        go_on.wait(30)
        order.append(secret.reveal().split("_")[2])
        return hashing_verify(stored, secret)

    with opened(store, threads=1) as verifier, ThreadPoolExecutor(51) as pool:
        assert reason(verifier.check(key)) == "allowed"
        monkeypatch.setattr(prover, "verify", recorded)
        flood = [pool.submit(verifier.check, one) for one in forged]
        while len(verifier._inquiry.prover._pool) < 49:
            pass
        answer = pool.submit(verifier.check, other)
        while len(verifier._inquiry.prover._pool) < 50:
            pass
        assert reason(verifier.check(key)) == "allowed"
        go_on.set()
        assert reason(answer.result()) == "allowed"
        assert {reason(f.result()) for f in flood} == {"wrong-secret"}
    assert order.index(other.reveal().split("_")[2]) <= 2


def test_a_line_that_is_full_turns_away_its_own_alone(store, monkeypatch):
    """The flooded id is told to come again, another is not."""
    go_on = threading.Event()
    key, other = store.issue(), store.issue()
    version_id = key.reveal().split("_")[2]
    monkeypatch.setattr(prover, "verify", lambda *_: go_on.wait(30))
    room = Room(at_all=100, in_a_line=2, seconds=60)
    with opened(store, threads=1, room=room) as verifier, ThreadPoolExecutor(6) as pool:
        forged = [
            compose(prefix="krk", environment="prod", version_id=version_id, secret=f"{n:043d}")
            for n in range(4)
        ]
        waiting = [pool.submit(verifier.check, forged[0])]
        while verifier.state.hashes < 1:
            pass
        waiting += [pool.submit(verifier.check, one) for one in forged[1:3]]
        while len(verifier._inquiry.prover._pool) < 2:
            pass
        assert reason(verifier.check(forged[3])) == "overloaded"
        answer = pool.submit(verifier.check, other)
        go_on.set()
        assert reason(answer.result()) == "allowed"
        del waiting


def test_a_hash_that_cannot_be_compared_now_is_neither_right_nor_wrong(store, monkeypatch):
    """No memory for a moment: the holder is asked to come again, and then is let in."""
    key = store.issue()
    with opened(store) as verifier:
        monkeypatch.setattr(prover, "verify", raising(HashingFailed("no memory, for a test")))
        assert both_ways(verifier, key) == "unavailable"
        monkeypatch.setattr(prover, "verify", hashing_verify)
        assert both_ways(verifier, key) == "allowed"


def raising(fault: BaseException):
    """Give a function that fails."""

    def fail(*_: object, **__: object) -> None:
        raise fault

    return fail


def test_whoever_is_told_of_troubles_can_make_none(store):
    """Its stderr is closed; the verifier goes on, and comes back with the store."""
    key = store.issue()
    verifier = Verifier(
        store,
        entropy=FakeEntropy(),
        steady=store.steady,
        on_trouble=raising(BrokenPipeError()),
    )
    with verifier:
        store.is_down = True
        assert not verifier._inquiry.follower.look()
        store.is_down = False
        look(verifier)
        assert both_ways(verifier, key) == "allowed"


def test_a_look_that_fails_otherwise_is_a_store_out_of_reach(store, monkeypatch):
    """Told once, tried again at the pace of looks, and never the end of the thread."""
    told: list[str] = []
    key = store.issue()
    verifier = Verifier(store, entropy=FakeEntropy(), steady=store.steady, on_trouble=told.append)
    with verifier:
        assert reason(verifier.check(key)) == "allowed"
        monkeypatch.setattr(store, "changes", raising(ValueError("damaged, for a test")))
        for _ in range(5):
            assert not verifier._inquiry.follower.look()
        assert told == ["The store is out of reach: following it failed with ValueError."]
        assert both_ways(verifier, key) == "allowed"


def test_without_the_store_a_known_id_is_not_told_from_an_unknown_one(store):
    """Also where a wrong text of the known one was refused before."""
    key = store.issue()
    wrong = compose(
        prefix="krk", environment="prod", version_id=key.reveal().split("_")[2], secret="w" * 43
    )
    with opened(store) as verifier:
        assert both_ways(verifier, wrong) == "wrong-secret"
        store.is_down = True
        assert not verifier._inquiry.follower.look()
        for _ in range(3):
            assert both_ways(verifier, wrong) == both_ways(verifier, unknown(1)) == "unavailable"
            store.steady.advance(2)


def test_a_starved_thread_is_no_store_out_of_reach(store, monkeypatch):
    """The store answers and nobody comes to ask it: nothing old is answered, rather nothing."""
    key = store.issue()
    with opened(store) as verifier:
        assert reason(verifier.check(key)) == "allowed"
        follower = verifier._inquiry.follower
        monkeypatch.setattr(follower, "refreshed", Future)
        monkeypatch.setattr(inquiry, "PATIENCE", 0.01)
        follower._stop.set()
        store.change(key, fields={"active": False})
        store.steady.advance(5)
        assert follower.view is not None
        follower.view = replace(follower.view, as_of=store.steady() - 5)
        assert both_ways(verifier, key) == "unavailable"


def test_a_look_that_hangs_is_a_store_out_of_reach(store, monkeypatch):
    """What was proven is answered until max_stale; the look is waited for once."""
    key = store.issue()
    hanging = threading.Event()
    with opened(store) as verifier:
        assert reason(verifier.check(key)) == "allowed"
        follower = verifier._inquiry.follower
        monkeypatch.setattr(inquiry, "PATIENCE", 0.05)
        changes = store.changes
        monkeypatch.setattr(store, "changes", lambda _: hanging.wait(30) and changes(None))
        follower.refreshed()
        while follower._asking_since is None:
            pass
        store.steady.advance(5)
        assert both_ways(verifier, key) == "allowed"
        assert not follower.is_in_reach
        store.steady.advance(6)
        assert both_ways(verifier, key) == "unavailable"
        hanging.set()


def test_what_is_given_up_leaves_bounded_work_behind(store):
    """A thousand clients that went away while the store did not answer: one wish to look again, and
    no more rows asked for than there is room for.
    """
    store.gate = threading.Event()

    async def give_up(verifier: Verifier) -> None:
        asked = [asyncio.create_task(verifier.check_async(unknown(n))) for n in range(6000)]
        await asyncio.sleep(0)
        while not store.queries:  # noqa: ASYNC110 - a fake has no event to wait for
            await asyncio.sleep(0)
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    with opened(store) as verifier:
        asyncio.run(give_up(verifier))
        assert len(verifier._inquiry.loader._wanted) <= MOST_WAITING
        assert verifier._inquiry.follower.refreshed() is verifier._inquiry.follower.refreshed()
        store.gate.set()


def test_a_report_speaks_for_nothing_that_an_earlier_one_failed_to_tell(store, monkeypatch):
    """The second waits for the first; what that could not tell goes with it."""
    key = store.issue()
    begun, fail = threading.Event(), threading.Event()
    report_uses = store.report_uses

    def once(report: UseReport) -> None:
        begun.set()
        fail.wait(30)
        monkeypatch.setattr(store, "report_uses", report_uses)
        raise StoreUnavailable("for a test")

    with opened(store) as verifier, ThreadPoolExecutor(2) as pool:
        verifier.check(key)
        monkeypatch.setattr(store, "report_uses", once)
        first = pool.submit(verifier.report_uses)
        begun.wait(30)
        second = pool.submit(verifier.report_uses)
        fail.set()
        assert (first.result(), second.result()) == (False, True)
    assert [len(report.uses) for report in store.reports] == [1, 0]


def test_a_use_of_the_last_moment_is_reported(store):
    """A request that is answered while the verifier is closed."""
    key = store.issue()
    store.gate = threading.Event()
    verifier = Verifier(store, entropy=FakeEntropy(), steady=store.steady)
    with ThreadPoolExecutor(2) as pool:
        answer = pool.submit(verifier.check, key)
        while not store.queries:
            pass
        ending = pool.submit(verifier.close)
        store.gate.set()
        said = reason(answer.result())
        ending.result()
    uses = [use for report in store.reports for use in report.uses]
    assert said in {"allowed", "unavailable"}
    assert len(uses) == (1 if said == "allowed" else 0)


@pytest.mark.parametrize("presented", [b"krk_prod_", None, 7, ["x"]])
def test_what_is_no_text_is_no_key(store, presented):
    """A mistake of the service, and never an error that holds what was presented."""
    with opened(store) as verifier:
        assert both_ways(verifier, presented) == "malformed"


def test_uses_are_reported_to_the_minute_and_of_known_versions_alone(store):
    """When, from where, for what; and why, from where it was refused."""
    key = store.issue(fields=RANGES)
    version_id = key.reveal().split("_")[2]
    with opened(store, reporter="host:1") as verifier:
        store.steady.advance(61.5)
        verifier.check(key, address="::ffff:203.0.113.7", scope="Webhooks:read")
        verifier.check(key, address="192.0.2.9")
        verifier.check(key, address="192.0.2.9")
        verifier.check(unknown(5), address=INSIDE)
        verifier.check("nonsense", address=INSIDE)
        assert verifier.report_uses()
    report, last = store.reports
    minute = START + timedelta(minutes=1)
    assert (report.reporter, report.uses) == ("host:1", ((version_id, minute),))
    assert report.until == START + timedelta(seconds=61.5)
    assert [(m.version_id, m.kind, m.subject, m.last_at, m.times) for m in report.marks] == [
        (version_id, UseKind.ORIGIN, INSIDE, minute, 1),
        (version_id, UseKind.SCOPE, "Webhooks:read", minute, 1),
        (version_id, UseKind.DENIED, "address-not-allowed 192.0.2.9", minute, 2),
    ]
    assert (last.uses, last.marks) == ((), ())


def test_uses_that_cannot_be_reported_are_kept_and_bounded(store):
    """No use is lost; of denials from everywhere so many are kept, and no more."""
    key = store.issue(fields=RANGES)
    with opened(store) as verifier:
        verifier.check(key, address=INSIDE)
        for number in range(100):
            verifier.check(key, address=f"192.0.2.{number}")
        store.is_down = True
        assert not verifier.report_uses()
        store.is_down = False
        assert verifier.report_uses()
    report = store.reports[0]
    assert len(report.uses) == 1
    kinds = [m.kind for m in report.marks]
    assert (kinds.count(UseKind.ORIGIN), kinds.count(UseKind.DENIED)) == (1, MOST_MARKS)


def test_a_fork_is_refused_with_what_to_do(store, monkeypatch):
    """The threads that follow the store are not in the child."""
    key = store.issue()
    with opened(store) as verifier:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(VerifierMisused, match="another process") as met:
            verifier.check(key)
        assert "post_fork" in met.value.advice
        verifier.close()
        assert store.reports == []
        monkeypatch.undo()


def test_after_its_end_it_allows_nothing_that_has_to_be_asked(store):
    """A request that comes late gets an answer, and a safe one."""
    key = store.issue()
    with opened(store) as verifier:
        pass
    assert reason(verifier.check(key)) == "unavailable"


def test_a_request_that_is_given_up_leaves_no_place_taken(store):
    """The client went away while the row was on its way."""
    key = store.issue()
    store.gate = threading.Event()

    async def give_up(verifier: Verifier) -> None:
        asked = asyncio.create_task(verifier.check_async(key))
        while not store.queries:  # noqa: ASYNC110 - a fake has no event to wait for
            await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    with opened(store) as verifier:
        asyncio.run(give_up(verifier))
        store.gate.set()
        assert reason(verifier.check(key)) == "allowed"


def test_many_threads_and_a_store_that_changes_agree_with_the_rules(store):
    """Eight threads ask while another turns keys off and on; after the last look all is as told."""
    keys = [store.issue() for _ in range(8)]
    stop = threading.Event()

    def ask(verifier: Verifier) -> set[str]:
        said = set()
        while not stop.is_set():
            said |= {reason(verifier.check(key)) for key in keys}
        return said

    with opened(store) as verifier, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, verifier) for _ in range(8)]
        for turn in range(200):
            store.change(keys[turn % 8], fields={"active": turn % 3 == 0})
            look(verifier)
        stop.set()
        assert set().union(*(f.result() for f in asked)) <= {"allowed", "key-inactive"}
        for key in keys:
            is_active = store.rows[key.reveal().split("_")[2]].record.fields.active
            assert reason(verifier.check(key)) == ("allowed" if is_active else "key-inactive")


def test_no_answer_shows_the_secret(store):
    """Neither the verdict, nor what is remembered, nor the verifier itself."""
    key = store.issue()
    with opened(store) as verifier:
        verdict = verifier.check(key)
        remembered = [vars(verifier), vars(verifier._proofs), vars(verifier._proofs._right)]
        shown = repr(verdict) + repr(remembered) + repr(verifier._inquiry)
    assert key.reveal()[-40:] not in shown
    assert DenialReason.UNAVAILABLE.value == "unavailable"
