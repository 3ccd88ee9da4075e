"""A sink that cannot be used stops secrets only: access is ended by the store alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.apply.readiness import needs_sink, sink_trouble
from reconciler.errors import KeyrecError, LoginFailed, SinkMisconfigured, SinkUnavailable
from reconciler.model.lifetime import VersionState
from reconciler.model.policy import SinkKind, SinkPolicy
from reconciler.planning.plan import Target
from reconciler.ports import CheckResult
from tests.apply.watching import APPLIED, FAILED, assert_settled, kept, states, statuses
from tests.fakes.sink import FakeSink
from tests.fakes.store import STORE_ID
from tests.fakes.world import SINK_ID, World, policy, removal, spec

TARGET = Target(store_id=STORE_ID, sink_id=SINK_ID)
UNPINNED = (
    "the stored policy pins no sink",
    "write spec.sink.identity in the Policy; keyrec doctor shows the value",
)
WRONG = (
    "this sink is fake:another, but the stored policy pins fake:sink-1",
    (
        "check the sink's address in keyrec.yaml; "
        "if another sink is meant, a platform admin changes the Policy"
    ),
)
SHORT_LIVED = CheckResult(
    name="delete_version_after",
    passed=False,
    message="the mount deletes versions after 1h",
    advice="set delete_version_after to 0",
)


def told(error: KeyrecError | None) -> tuple[str, str]:
    """Give an error's two sentences."""
    assert error is not None
    return error.message, error.advice


def test_the_pinned_sink_that_passes_its_checks_is_ready() -> None:
    """Nothing stands against it."""
    assert sink_trouble(FakeSink(identity=SINK_ID), TARGET) is None


def test_what_keeps_a_sink_from_being_used_is_one_error_with_advice() -> None:
    """No pin, another sink, a failed check, no login: the first is told."""
    unpinned = sink_trouble(FakeSink(), Target(store_id=STORE_ID, sink_id=""))
    assert told(unpinned) == UNPINNED
    assert told(sink_trouble(FakeSink(identity="fake:another"), TARGET)) == WRONG
    failing = FakeSink(identity=SINK_ID)
    failing.checks = (*failing.checks, SHORT_LIVED, SHORT_LIVED)
    assert told(sink_trouble(failing, TARGET)) == (SHORT_LIVED.message, SHORT_LIVED.advice)
    closed = FakeSink(identity=SINK_ID)
    error = LoginFailed("no token could be had", advice="check the role")
    closed.fail_next("identity", error)
    assert sink_trouble(closed, TARGET) is error


def broken(world: World) -> None:
    """Let the sink be unusable from now on."""
    world.sink.checks = (SHORT_LIVED,)


def test_access_is_ended_although_the_sink_cannot_be_used() -> None:
    """Store-only changes are applied, secrets fail with the sink's words."""
    world = World.seeded()
    world.apply(spec("a"), spec("b"), spec("c"))
    broken(world)
    report = world.apply(spec("a", active=False), spec("b", generation=2), removal("c"), spec("d"))
    assert statuses(report) == {
        "payments/a": APPLIED,
        "payments/b": FAILED,
        "payments/c": APPLIED,
        "payments/d": FAILED,
    }
    failed = [o for o in report.outcomes if o.status is FAILED]
    assert {(o.message, o.advice) for o in failed} == {(SHORT_LIVED.message, SHORT_LIVED.advice)}
    assert ("payments/c", ("destroy",), FAILED) in kept(report)
    assert report.exit_code == 4
    assert not world.authenticates(world.sink.secret_at("payments/prod/a"))
    assert not world.authenticates(world.sink.secret_at("payments/prod/c"))
    world.sink.checks = ()
    wish = (spec("a", active=False), spec("b", generation=2), removal("c"), spec("d"))
    assert world.apply(*wish).exit_code == 0
    assert_settled(world)
    assert world.sink.secret_at("payments/prod/c") is None


def test_nothing_applied_and_no_sink_is_the_sinks_own_error() -> None:
    """Exit 1; no operation was begun."""
    world = World.seeded()
    broken(world)
    commits = len(world.store.commits)
    with pytest.raises(SinkMisconfigured) as caught:
        world.apply(spec("a"))
    assert (caught.value.message, caught.value.exit_code) == (SHORT_LIVED.message, 1)
    assert len(world.store.commits) == commits
    assert world.watched[-1].status is FAILED


def test_another_sink_than_the_pinned_one_gets_no_secret() -> None:
    """However well it works."""
    world = World.seeded()
    world.sink._identity = "fake:another"
    with pytest.raises(SinkMisconfigured) as caught:
        world.apply(spec("a"))
    assert told(caught.value) == WRONG
    assert world.sink.sent == []


def test_the_sink_is_needed_for_secrets_alone() -> None:
    """A change of settings works while the sink is sealed, and says what was not compared."""
    world = World.seeded()
    world.apply(spec("a"))
    sealed = SinkUnavailable("sealed")
    world.sink.fail_next("identity", sealed)
    report = world.apply(spec("a", active=False))
    assert report.exit_code == 0
    assert report.warnings == ("the audit anchor could not be compared: sealed",)
    world.sink.fail_next("identity", sealed, sealed)
    with pytest.raises(SinkUnavailable):
        world.apply(spec("a", active=False), spec("b"))
    assert world.apply(spec("a", active=False), spec("b")).exit_code == 0


def test_a_plan_says_whether_it_reaches_the_sink() -> None:
    """Secrets, open operations and copies do; settings and deadlines alone do not."""
    world = World.seeded()
    assert not needs_sink(world.plan())
    assert needs_sink(world.plan(spec("a")))
    world.apply(spec("a"))
    assert not needs_sink(world.plan(spec("a", owner="x")))
    assert needs_sink(world.plan(removal("a")))
    world.apply(spec("a", generation=2))
    world.clock.advance(timedelta(days=1))
    assert needs_sink(world.plan(spec("a", generation=2)))


def test_a_deadline_is_kept_although_the_copy_cannot_be_destroyed() -> None:
    """Bookkeeping needs the store alone."""
    world = World.seeded()
    world.apply(spec("a"))
    world.apply(spec("a", generation=2))
    world.clock.advance(timedelta(days=1))
    broken(world)
    report = world.maintain()
    assert kept(report) == [
        ("payments/a", ("retire",), APPLIED),
        ("payments/a", ("destroy",), FAILED),
    ]
    assert states(world, "a")[0] is VersionState.RETIRED


def test_another_sink_in_the_policy_moves_every_key_with_the_next_apply() -> None:
    """The change itself writes nothing anywhere; then every key is rotated into the new one."""
    world = World.seeded()
    world.apply(spec("a"), spec("b"))
    second = SinkPolicy(kind=SinkKind.VAULT, identity="fake:2", mount="secret", prefix="keyrec")
    assert world.apply(spec("a"), spec("b"), policy(sink=second)).exit_code == 0
    old = world.sink
    world.sink = FakeSink(identity="fake:2")
    report = world.apply(spec("a"), spec("b"), policy(sink=second))
    assert [o.status for o in report.outcomes] == [APPLIED, APPLIED]
    for name in ("a", "b"):
        path = f"payments/prod/{name}"
        assert world.authenticates(world.sink.secret_at(path))
        assert world.authenticates(old.secret_at(path))
    assert_settled(world)
    world.clock.advance(timedelta(days=1))
    report = world.maintain()
    assert {o.actions for o in report.outcomes} == {("retire",)}
    assert not world.authenticates(old.secret_at("payments/prod/a"))
    assert world.plan(spec("a"), spec("b"), policy(sink=second)).maintenance == ()
