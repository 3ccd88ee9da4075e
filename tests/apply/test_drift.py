"""Maintenance looks at the sink: what was changed there is found, named, and mended where it may be."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.apply.looking import Comparison, find_drift
from reconciler.apply.outcome import ApplyReport, Outcome
from reconciler.errors import Interrupted, SinkMisconfigured, SinkUnavailable
from reconciler.model.audit import AuditNote
from reconciler.model.lifetime import Expiration, Retirement
from reconciler.model.policy import SinkKind, SinkPolicy
from reconciler.model.secret import Secret
from reconciler.model.token import compose
from reconciler.model.writes import Commit, HoldKey, ReleaseKey
from reconciler.planning.drift import DriftKind, NotCompared
from reconciler.planning.selection import Selection
from reconciler.ports import CheckResult
from tests.apply.watching import APPLIED, BLOCKED, FAILED, NOT_ATTEMPTED, Crash, Watching, only
from tests.fakes.sink import Fate
from tests.fakes.world import ADMIN, MANAGER, World, policy, removal, spec
from tests.planning.records import address

PATH = "payments/prod/a"
OVERLAP = timedelta(hours=24)
FAILED_COPY = (("destroy",), FAILED)


def rotated(*, readable: bool) -> World:
    """Give a world with one key, rotated once: versions 1 and 2."""
    world = World.seeded(readable=readable)
    world.apply(spec("a"))
    world.apply(spec("a", generation=2))
    return world


def comparison(world: World, selection: Selection | None = None) -> Comparison:
    """Compare as `keyrec drift` does."""
    request = world.request(spec("a"), selection=selection)
    return find_drift(world.doors(), request, parallelism=2, stop=threading.Event())


def found(world: World) -> list[DriftKind]:
    """Give the kinds of what was changed outside."""
    return [drift.kind for drift in comparison(world).drifts]


def mended(world: World) -> Outcome:
    """Run the maintenance; the one thing it did worked, and nothing is left to find."""
    report = world.maintain()
    outcome = only(report)
    assert (outcome.actions, outcome.status, report.exit_code) == (("rotate",), APPLIED, 0)
    assert found(world) == []
    assert world.authenticates(world.sink.secret_at(PATH))
    assert world.maintain().outcomes == ()
    return outcome


def left_to_people(world: World) -> Outcome:
    """Run the maintenance twice; both times it only says what it found."""
    before = (world.sink.version_at(PATH), list(world.sink.sent))
    reports = [world.maintain(), world.maintain()]
    outcomes = [only(report) for report in reports]
    assert outcomes[0] == outcomes[1]
    assert (outcomes[0].actions, outcomes[0].status) == (("repair",), BLOCKED)
    assert [report.exit_code for report in reports] == [4, 4]
    assert (world.sink.version_at(PATH), world.sink.sent) == before
    assert not world.store.observe(MANAGER).operations
    return outcomes[0]


@pytest.mark.parametrize("readable", [False, True])
def test_where_nothing_was_changed_nothing_is_found(readable: bool) -> None:
    """One look for each key, and no other effect; a readable value is proven."""
    world = rotated(readable=readable)
    looked, commits = len(world.sink.observed), len(world.store.commits)
    seen = comparison(world)
    assert (seen.drifts, seen.unseen, seen.left_out) == ((), (), ())
    assert (seen.compared, seen.proven) == (1, 1 if readable else 0)
    assert len(world.sink.observed) - looked == 1
    assert len(world.store.commits) == commits
    assert world.maintain().outcomes == ()


@pytest.mark.parametrize("readable", [False, True])
def test_a_path_that_was_deleted_is_minted_again(readable: bool) -> None:
    """Its versions count from 1 again."""
    world = rotated(readable=readable)
    world.sink.forget(PATH)
    assert found(world) == [DriftKind.PATH_DELETED]
    assert mended(world).sink_version == 1


@pytest.mark.parametrize("readable", [False, True])
def test_a_value_that_was_deleted_is_minted_again(readable: bool) -> None:
    """The version count stays what it was."""
    world = rotated(readable=readable)
    world.sink.drop_latest(PATH)
    assert found(world) == [DriftKind.VALUE_DELETED]
    assert mended(world).sink_version == 3


def test_a_path_that_was_rolled_back_is_rotated() -> None:
    """An earlier secret of the key is replaced, not trusted; it goes on working meanwhile."""
    world = rotated(readable=True)
    watching = Watching(world)
    world.sink.roll_back(PATH, 1)
    assert found(world) == [DriftKind.ROLLED_BACK]
    assert mended(world).sink_version == 4
    watching.check()


def test_a_rollback_to_a_secret_that_has_ended_does_not_bring_it_back() -> None:
    """Retired is final; consumers get a new secret, and the old one works nowhere."""
    world = rotated(readable=True)
    old = world.sink.payload_at(PATH, 1)
    assert old is not None
    world.clock.advance(OVERLAP)
    world.sink.roll_back(PATH, 1)
    assert found(world) == [DriftKind.ROLLED_BACK]
    mended_at = world.maintain()
    assert [(o.actions, o.status) for o in mended_at.outcomes] == [
        (("rotate",), APPLIED),
        (("retire",), APPLIED),
    ]
    assert not world.authenticates(old.api_key.reveal())
    assert world.authenticates(world.sink.secret_at(PATH))


def test_what_consumers_may_read_just_now_works_until_the_repair_is_confirmed() -> None:
    """The deadline of the value that was brought back moves: it is the latest at the path."""
    world = rotated(readable=True)
    world.sink.roll_back(PATH, 1)
    brought_back = world.sink.secret_at(PATH)
    world.clock.advance(OVERLAP - timedelta(minutes=1))
    world.sink.next_writes(Fate.UNAVAILABLE)
    assert only(world.maintain()).status is FAILED
    world.clock.advance(timedelta(hours=1))
    assert world.authenticates(brought_back)
    world.maintain()
    assert world.authenticates(brought_back)
    assert world.authenticates(world.sink.secret_at(PATH))
    world.clock.advance(OVERLAP)
    assert not world.authenticates(brought_back)


def test_a_secret_that_is_about_to_end_on_evidence_waits_for_the_repair_first() -> None:
    """Nothing about it fails in the run that repairs."""
    world = World.seeded(readable=True)
    world.apply(spec("a", retire=Retirement.WHEN_UNUSED))
    world.apply(spec("a", generation=2, retire=Retirement.WHEN_UNUSED))
    world.clock.advance(OVERLAP)
    world.apply(spec("a", generation=2, retire=Retirement.AFTER_OVERLAP))
    world.sink.roll_back(PATH, 2)
    mended(world)


def test_a_rollback_to_the_current_secret_is_replaced_too() -> None:
    """It is not at the version at which keyrec left it."""
    world = rotated(readable=True)
    world.sink.roll_back(PATH, 2)
    assert found(world) == [DriftKind.ROLLED_BACK]
    assert mended(world).sink_version == 4


def test_a_secret_of_the_key_that_was_replaced_counts_as_the_keys_own() -> None:
    """After a reissue the path still has the old key's values in its history."""
    world = World.seeded(readable=True)
    world.apply(spec("a"))
    world.apply(spec("a", reissue=2))
    world.sink.roll_back(PATH, 1)
    assert found(world) == [DriftKind.ROLLED_BACK]
    mended(world)


def test_a_late_write_of_a_removed_key_is_no_strangers() -> None:
    """Keyrec made it for this very path, and nobody loses anything when it is replaced."""
    world = World.seeded(readable=True)
    world.apply(spec("a"))
    late = world.sink.payload_at(PATH, 1)
    assert late is not None
    world.apply(removal("a"), allowed_removals=1)
    world.apply(spec("b", sink_path=PATH))
    world.sink.write(PATH, late, expected=2)
    assert found(world) == [DriftKind.ROLLED_BACK]
    assert mended(world).sink_version == 4


def test_a_readable_sink_of_an_older_day_is_rotated() -> None:
    """Its version count is lower; what it holds is the key's own."""
    world = rotated(readable=True)
    world.sink.restore(PATH, 1)
    assert found(world) == [DriftKind.SINK_RESTORED]
    assert mended(world).sink_version == 2


def test_an_unreadable_sink_of_an_older_day_is_left_to_people() -> None:
    """It may as well be a stranger's; the words say what it probably is."""
    world = rotated(readable=False)
    world.sink.restore(PATH, 1)
    assert found(world) == [DriftKind.SINK_RESTORED]
    outcome = left_to_people(world)
    assert "probably brought back to an older state" in outcome.message
    assert "spec.secret.adopt: 1" in outcome.advice


@pytest.mark.parametrize("readable", [False, True])
def test_what_a_stranger_wrote_is_left_to_people(readable: bool) -> None:
    """Nothing is overwritten."""
    world = rotated(readable=readable)
    world.sink.stranger_writes(PATH)
    assert found(world) == [DriftKind.OVERWRITTEN]
    assert "at version 3 in the sink; keyrec left version 2" in left_to_people(world).message


def test_a_rollback_that_cannot_be_read_is_taken_for_a_strangers() -> None:
    """Rather a person too many than a value that is lost."""
    world = rotated(readable=False)
    world.sink.roll_back(PATH, 1)
    assert found(world) == [DriftKind.OVERWRITTEN]
    assert "or whether the path was rolled back" in left_to_people(world).advice


def test_a_restored_sink_that_was_written_again_is_found_at_the_same_number() -> None:
    """Where reading is allowed the number alone proves nothing."""
    world = rotated(readable=True)
    world.sink.restore(PATH, 1)
    world.sink.stranger_writes(PATH)
    assert world.sink.version_at(PATH) == 2
    assert found(world) == [DriftKind.OVERWRITTEN]
    left_to_people(world)


@pytest.mark.parametrize("forgery", ["text", "unknown", "secret", "another"])
def test_a_value_that_only_looks_like_ours_is_a_strangers(forgery: str) -> None:
    """What it says of itself counts for nothing: its secret is proven, or it is none of ours."""
    world = rotated(readable=True)
    world.apply(spec("a", generation=2), spec("b"))
    current, other = world.sink.payload_at(PATH, 2), world.sink.payload_at("payments/prod/b", 1)
    assert current is not None
    assert other is not None
    text = current.api_key.reveal()
    parts = text.split("_")
    forged = {
        "text": Secret("not-a-key"),
        "unknown": compose(prefix="krk", environment="prod", version_id="0" * 12, secret="A" * 43),
        "secret": compose(prefix="krk", environment="prod", version_id=parts[2], secret="A" * 43),
        "another": other.api_key,
    }[forgery]
    world.sink.write(PATH, replace(current, api_key=forged), expected=2)
    assert found(world) == [DriftKind.OVERWRITTEN]
    left_to_people(world)


# The edges of a run.


def test_a_due_rotation_and_a_repair_are_one() -> None:
    """And what was found is named although everything worked."""
    world = World.seeded(readable=True)
    world.apply(spec("a", every=timedelta(days=30)))
    world.clock.advance(timedelta(days=31))
    world.sink.forget(PATH)
    report = world.maintain()
    assert [(o.actions, o.status) for o in report.outcomes] == [(("rotate",), APPLIED)]
    (warning,) = report.warnings
    assert warning.startswith("payments/a: payments/prod/a was deleted in the sink")


def test_an_apply_of_manifests_does_not_look() -> None:
    """It would be one request for each key; the next maintenance finds it."""
    world = rotated(readable=True)
    world.sink.forget(PATH)
    looked = len(world.sink.observed)
    assert world.apply(spec("a", generation=2)).outcomes == ()
    assert len(world.sink.observed) == looked


@pytest.mark.parametrize("how", ["held", "inactive"])
def test_a_key_that_admits_nobody_for_now_is_mended_all_the_same(how: str) -> None:
    """It works at once when it is released or activated."""
    world = rotated(readable=True)
    if how == "inactive":
        world.apply(spec("a", generation=2, active=False))
    else:
        hold(world)
    world.sink.forget(PATH)
    report = world.maintain()
    assert [(o.actions, o.status) for o in report.outcomes] == [(("rotate",), APPLIED)]
    world.apply(spec("a", generation=2, active=True))
    release(world)
    assert world.authenticates(world.sink.secret_at(PATH))


def hold(world: World) -> None:
    """Put the key on hold."""
    note = AuditNote(event="key-held", address="payments/a", reason="requested")
    write = HoldKey(key_id=world.record("a").key_id, reason="seen in a log", note=note)
    world.store.commit(Commit(commit_id="hold", actor=ADMIN, fence=None, writes=(write,)))


def release(world: World) -> None:
    """End the hold, whatever it was."""
    note = AuditNote(event="key-released", address="payments/a", reason="requested")
    write = ReleaseKey(key_id=world.record("a").key_id, note=note)
    world.store.commit(Commit(commit_id="release", actor=ADMIN, fence=None, writes=(write,)))


def test_an_expired_key_is_not_looked_at() -> None:
    """Nothing brings it back; it is said with the result."""
    world = World.seeded()
    world.apply(spec("a", expiration=Expiration.HOUR))
    world.clock.advance(timedelta(hours=2))
    world.sink.forget(PATH)
    seen = comparison(world)
    assert (seen.drifts, seen.compared) == ((), 0)
    assert [(left.address, left.why) for left in seen.left_out] == [
        ("payments/a", NotCompared.EXPIRED)
    ]
    assert world.maintain().outcomes == ()


def test_one_path_that_cannot_be_looked_at_stops_no_other() -> None:
    """It is told as failed; the others are mended."""
    world = World.seeded()
    world.apply(spec("a"), spec("b"))
    world.sink.forget("payments/prod/b")
    world.sink.fail_next("observe", SinkUnavailable("no answer", advice="ask again"))
    seen = comparison(world)
    assert [(u.address, u.path, u.error.message) for u in seen.unseen] == [
        ("payments/a", PATH, "no answer")
    ]
    world.sink.fail_next("observe", SinkUnavailable("no answer", advice="ask again"))
    report = world.maintain()
    told = {(o.address, o.actions): (o.status, o.message, o.advice) for o in report.outcomes}
    assert told == {
        ("payments/a", ("repair",)): (FAILED, "no answer", "ask again"),
        ("payments/b", ("rotate",)): (APPLIED, "", ""),
    }
    assert report.exit_code == 4


def test_a_sink_that_cannot_be_used_is_told_once() -> None:
    """Nothing was done: an error. Something was: the report is not whole, and says why."""
    world = rotated(readable=False)
    world.sink.checks = (CheckResult(name="reachable", passed=False, message="it is sealed"),)
    with pytest.raises(SinkMisconfigured, match="it is sealed"):
        world.maintain()
    world.clock.advance(OVERLAP)
    report = world.maintain()
    assert [(o.actions, o.status) for o in report.outcomes] == [(("retire",), APPLIED), FAILED_COPY]
    assert report.warnings == ("what was changed in the sink was not looked for: it is sealed",)
    assert report.exit_code == 4


def test_an_incomplete_report_is_partial_although_all_its_outcomes_are_applied() -> None:
    """Whoever watches the exit code learns of it."""
    assert ApplyReport(run_id="", plan_digest="", is_incomplete=True).exit_code == 4


def test_an_interrupted_look_is_a_run_that_was_interrupted() -> None:
    """What was not looked at is named as not attempted."""
    world = rotated(readable=False)
    stop = threading.Event()
    stop.set()
    seen = find_drift(world.doors(), world.request(spec("a")), parallelism=1, stop=stop)
    assert [type(u.error) for u in seen.unseen] == [Interrupted]
    world.sink.interrupt = lambda moment, path: None
    report = world.apply(maintenance_only=True, stop=stop)
    assert [(o.actions, o.status) for o in report.outcomes] == [(("repair",), NOT_ATTEMPTED)]
    assert report.exit_code == 130


def test_only_the_keys_in_scope_are_looked_at() -> None:
    """--target and --exclude, and the environments of the configuration."""
    world = World.seeded()
    world.apply(spec("a"), spec("b"))
    looked = len(world.sink.observed)
    comparison(world, Selection(targets=("payments/b",)))
    assert world.sink.observed[looked:] == ["payments/prod/b"]


def test_a_sink_that_the_policy_does_not_pin_is_not_compared() -> None:
    """Everything would seem to be deleted there."""
    sink = SinkPolicy(kind=SinkKind.VAULT, identity="fake:other", mount="secret", prefix="keyrec")
    world = World.seeded(stored=policy(sink=sink))
    with pytest.raises(SinkMisconfigured, match="pins fake:other"):
        comparison(world)
    world = World.seeded(stored=policy(sink=replace(sink, identity=None)))
    with pytest.raises(SinkMisconfigured, match="pins no sink"):
        comparison(world)


def test_a_row_that_was_changed_by_hand_is_named_and_nothing_is_done_about_it() -> None:
    """Which key; the plan shows what differs."""
    world = rotated(readable=False)
    world.store.edit_by_hand(address("a"), owner="intruder")
    assert found(world) == [DriftKind.RECORD_EDITED]
    report = world.maintain()
    assert (report.outcomes, report.exit_code) == ((), 0)
    assert report.warnings == (
        "payments/a: its row in the key store was changed by hand since keyrec wrote it",
    )
    (change,) = world.plan(spec("a", generation=2)).changes
    assert [field.name for field in change.fields] == ["owner"]


def test_a_repair_that_began_below_does_not_take_the_recorded_version_for_its_own() -> None:
    """Two strangers' writes bring the path back to that number; nothing is overwritten."""
    world = rotated(readable=True)
    world.apply(spec("a", generation=3))
    world.sink.restore(PATH, 1)
    watching = Watching(world, crash_at=3)
    with pytest.raises(Crash):
        world.maintain()
    watching.leave()
    assert len(world.store.observe(MANAGER).operations) == 1
    seen = world.sink.stranger_writes(PATH, times=2)
    assert seen == world.record("a").current.sink_version  # type: ignore[union-attr]  # it has one
    report = world.maintain()
    assert (report.outcomes[0].actions, report.outcomes[0].status) == (("resume",), BLOCKED)
    assert world.sink.version_at(PATH) == seen
