"""The one protocol on its good path: the order of effects, and how few there are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reconciler.credentials.hashing import hash_key
from reconciler.errors import HashingFailed
from reconciler.model.keys import KeyAddress
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.secret_writes import BeginSecret, ConfirmSecret
from reconciler.planning.plan import Plan
from tests.apply.watching import (
    APPLIED,
    FAILED,
    Watching,
    assert_settled,
    only,
    states,
    statuses,
    writes_of,
)
from tests.fakes.system import START
from tests.fakes.world import World, spec

PATH = "payments/prod/a"


def test_a_creation_commits_then_writes_then_confirms() -> None:
    """Step by step: transaction A, one check-and-set write, transaction B."""
    world = World.seeded()
    watching = Watching(world)
    world.apply(spec("a"))
    assert watching.moments == [
        ("before commit", "BeginSecret"),
        ("after commit", "BeginSecret"),
        ("before write", PATH),
        ("after write", PATH),
        ("before commit", "ConfirmSecret"),
        ("after commit", "ConfirmSecret"),
        ("anchor", "_keyrec/anchor"),
    ]


@pytest.mark.parametrize("count", [1, 7, 100])
def test_a_batch_of_creations_takes_two_transactions_and_one_request_each(count: int) -> None:
    """On the good path nothing is read from the sink."""
    world = World.seeded()
    before = len(world.store.commits)
    report = world.apply(*(spec(f"k{n}") for n in range(count)))
    assert report.exit_code == 0
    assert len(world.store.commits) - before == 2
    assert len(world.sink.sent) == count
    assert world.sink.observed == []
    assert_settled(world)


def test_the_next_batch_is_begun_while_one_is_on_its_way() -> None:
    """Two batches at most have open operations; each key's own order stays."""
    world = World.seeded()
    before = len(world.store.commits)
    world.apply(*(spec(f"k{n}") for n in range(7)), batch_size=2)
    assert writes_of(world)[before:] == [
        ("BeginSecret",) * 2,
        ("BeginSecret",) * 2,
        ("ConfirmSecret",) * 2,
        ("BeginSecret",) * 2,
        ("ConfirmSecret",) * 2,
        ("BeginSecret",),
        ("ConfirmSecret",) * 2,
        ("ConfirmSecret",),
    ]
    assert_settled(world)


def test_the_value_at_the_path_authenticates_and_says_whose_it_is() -> None:
    """The payload holds what a consumer and an auditor need."""
    world = World.seeded()
    outcome = only(world.apply(spec("a", expiration=Expiration.MONTH)))
    assert (outcome.status, outcome.path, outcome.sink_version) == (APPLIED, PATH, 1)
    payload, record = world.sink.payload_at(PATH, 1), world.record("a")
    assert payload is not None
    assert world.authenticates(payload.api_key.reveal())
    assert (payload.workspace, payload.name) == ("payments", "a")
    assert (payload.key_id, payload.version_id) == (record.key_id, record.versions[0].version_id)
    assert payload.environment == "prod"
    assert (payload.created_at, payload.expires_at) == (START, START + timedelta(days=30))
    assert payload.expires_at == record.expires_at


def test_a_rotation_keeps_the_old_secret_for_its_overlap() -> None:
    """Same key, same life; the previous secret works until its deadline and not longer."""
    world = World.seeded()
    world.apply(spec("a", expiration=Expiration.MONTH))
    first = world.sink.secret_at(PATH)
    world.clock.advance(timedelta(days=2))
    key_id = world.record("a").key_id
    outcome = only(
        world.apply(
            spec("a", expiration=Expiration.MONTH, generation=2, overlap=timedelta(hours=3))
        )
    )
    assert (outcome.status, outcome.sink_version) == (APPLIED, 2)
    payload = world.sink.payload_at(PATH, 2)
    assert payload is not None
    assert (payload.created_at, payload.expires_at) == (START, START + timedelta(days=30))
    assert world.record("a").key_id == key_id
    assert world.record("a").fields.rotation.generation == 2
    assert states(world, "a") == [VersionState.RETIRING, VersionState.CURRENT]
    world.clock.advance(timedelta(hours=3) - timedelta(microseconds=1))
    assert world.authenticates(first)
    world.clock.advance(timedelta(microseconds=1))
    assert not world.authenticates(first)
    assert world.authenticates(world.sink.secret_at(PATH))


def test_a_reissue_is_a_new_key_at_the_same_path() -> None:
    """New id, new life, ownership of the path; the old key's secret ends with the overlap."""
    world = World.seeded()
    world.apply(spec("a", expiration=Expiration.WEEK))
    old, first = world.record("a"), world.sink.secret_at(PATH)
    world.clock.advance(timedelta(days=1))
    world.apply(spec("a", expiration=Expiration.YEAR, reissue=2))
    new = world.record("a")
    assert new.key_id != old.key_id
    assert new.expires_at == START + timedelta(days=361)
    assert world.store.state.paths["fake:sink-1", PATH].key_id == new.key_id
    assert world.authenticates(first)
    world.clock.advance(timedelta(days=1))
    assert not world.authenticates(first)
    assert_settled(world)


def test_a_reissue_that_is_inactive_admits_nobody_from_then_on() -> None:
    """The manifest says that the key is not to be used; its predecessor is not either."""
    world = World.seeded()
    world.apply(spec("a"))
    first = world.sink.secret_at(PATH)
    report = world.apply(spec("a", reissue=2, active=False))
    assert statuses(report) == {"payments/a": APPLIED}
    assert not world.authenticates(first)
    assert not world.authenticates(world.sink.secret_at(PATH))


def test_a_rename_keeps_id_and_history_and_moves_the_secret() -> None:
    """The new path's payload has the new name."""
    world = World.seeded()
    world.apply(spec("old"))
    before, first = world.record("old"), world.sink.secret_at("payments/prod/old")
    report = world.apply(spec("new", owner="team-old", previous_name="old"))
    assert statuses(report) == {"payments/new": APPLIED}
    after = world.record("new")
    assert (after.key_id, after.created_at) == (before.key_id, before.created_at)
    payload = world.sink.payload_at("payments/prod/new", 1)
    assert payload is not None
    assert payload.name == "new"
    assert world.authenticates(first)
    assert world.authenticates(world.sink.secret_at("payments/prod/new"))
    assert_settled(world)


def test_a_rename_with_a_fixed_path_makes_no_secret() -> None:
    """Only the store has to know."""
    world = World.seeded()
    fixed: dict[str, Any] = {"sink_path": "payments/fixed", "owner": "team"}
    world.apply(spec("old", **fixed))
    sent = len(world.sink.sent)
    report = world.apply(spec("new", previous_name="old", **fixed))
    assert statuses(report) == {"payments/new": APPLIED}
    assert len(world.sink.sent) == sent
    assert world.record("new").address == KeyAddress(workspace="payments", name="new")


def test_an_inactive_creation_mints_the_secret_but_admits_nobody() -> None:
    """Activation alone lets it in."""
    world = World.seeded()
    world.apply(spec("a", active=False))
    text = world.sink.secret_at(PATH)
    assert text is not None
    assert not world.authenticates(text)
    world.apply(spec("a"))
    assert world.authenticates(text)
    assert len(world.sink.sent) == 1


def test_the_attempt_names_the_version_that_the_path_is_known_to_have() -> None:
    """0 for a new path, the last version for a known one."""
    world = World.seeded()
    world.apply(spec("a"))
    world.apply(spec("a", generation=2))
    begun = [w for c in world.store.commits for w in c.writes if isinstance(w, BeginSecret)]
    assert [b.expected for b in begun] == [0, 1]
    confirmed = [w for c in world.store.commits for w in c.writes if isinstance(w, ConfirmSecret)]
    assert [c.sink_version for c in confirmed] == [1, 2]


def test_a_secret_that_cannot_be_hashed_stops_no_other_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its key is told as failed before anything of it was begun."""
    from reconciler.apply import steps

    world, hashed = World.seeded(), []

    def hash_once(*arguments: object, **options: object) -> str:
        hashed.append(arguments)
        if len(hashed) == 2:
            raise HashingFailed("no memory for argon2", advice="try again")
        return real(*arguments, **options)  # type: ignore[arg-type]  # passed through

    real = hash_key
    monkeypatch.setattr(steps, "hash_key", hash_once)
    report = world.apply(spec("a"), spec("b"), spec("c"), batch_size=3)
    assert sorted(statuses(report).values()) == sorted([APPLIED, APPLIED, FAILED])
    (failed,) = [o for o in report.outcomes if o.status is FAILED]
    assert (failed.message, failed.advice) == ("no memory for argon2", "try again")
    assert report.exit_code == 4
    assert world.apply(spec("a"), spec("b"), spec("c")).exit_code == 0
    assert_settled(world)


def test_when_no_secret_can_be_hashed_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction, no request."""
    from reconciler.apply import steps

    def fail(*arguments: object, **options: object) -> str:
        raise HashingFailed("the pepper is missing")

    monkeypatch.setattr(steps, "hash_key", fail)
    world = World.seeded()
    before = len(world.store.commits)
    assert statuses(world.apply(spec("a"))) == {"payments/a": FAILED}
    assert (len(world.store.commits), world.sink.sent) == (before, [])


def test_every_event_of_a_secret_says_who_why_and_where() -> None:
    """The audit holds actor, plan, manifest line and reason of each step."""
    world = World.seeded()
    plan: Plan = world.plan(spec("a", line=7))
    world.apply(spec("a", line=7))
    events = [e for e in world.store.events() if e.note.address == "payments/a"]
    assert [e.note.event for e in events] == ["key-created", "secret-confirmed"]
    for event in events:
        assert (event.actor, event.plan_digest) == ("local:alice", plan.digest)
        assert event.note.reason == "declared"
        assert str(event.note.source) == "keys/payments/a.yaml:7:1"
        assert dict(event.note.detail)["path"] == PATH
