"""One apply from the lease to the report: agreement, lease, interruption, partial failure."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.apply.run import refused, run_apply
from reconciler.errors import (
    CommitUnknown,
    ExitCode,
    Interrupted,
    LeaseLost,
    Locked,
    ManifestsInvalid,
    NotFound,
    PlanDiffers,
    Refused,
    SinkDenied,
    SinkUnavailable,
    StoreUnavailable,
)
from reconciler.model.keys import KeyAddress
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.source import Revision
from reconciler.model.states import ObservedState
from reconciler.model.workspaces import NetworkSet, Workspace
from reconciler.model.writes import Commit, Committed
from reconciler.planning.actions import Reason
from reconciler.planning.plan import Plan, Refusal
from reconciler.planning.planner import make_plan
from reconciler.planning.selection import Selection
from tests.apply.watching import (
    APPLIED,
    BLOCKED,
    FAILED,
    NOT_ATTEMPTED,
    assert_settled,
    at_commit,
    crashing_apply,
    kept,
    only,
    open_operations,
    states,
    statuses,
    writes_of,
)
from tests.fakes.sink import Fate
from tests.fakes.threads import Queue
from tests.fakes.world import MANAGER, World, removal, spec

A = KeyAddress(workspace="payments", name="a")
PATH = "payments/prod/a"
DAY = timedelta(days=1)
BEGIN, CONFIRM = "BeginSecret", "ConfirmSecret"


# Agreement.


def test_what_was_approved_is_applied_and_told() -> None:
    """The report names the run, the plan and the newest audit event."""
    world = World.seeded()
    plan = world.plan(spec("a"))
    report = world.apply(spec("a"), approved=plan.digest)
    assert (report.plan_digest, report.exit_code) == (plan.digest, ExitCode.DONE)
    assert (report.audit_sequence, report.audit_head) == world.store.audit_head()
    assert (report.warnings, report.interrupted) == ((), False)
    assert world.watched[-1:] == list(report.outcomes)
    last = list(world.store.events())[-1]
    assert (last.run_id, last.plan_digest) == (report.run_id, plan.digest)


def test_a_world_that_moved_is_not_changed_by_an_old_approval() -> None:
    """Nothing is written; the error holds the plan made now."""
    world = World.seeded()
    world.apply(spec("a"))
    approved = world.plan(spec("a", owner="x")).digest
    world.apply(spec("a", description="changed meanwhile"))
    events = len(world.store.state.events)
    with pytest.raises(PlanDiffers) as caught:
        world.apply(spec("a", owner="x"), approved=approved)
    assert caught.value.message == (
        "the plan is not the one that was approved: the store or the manifests have changed"
    )
    assert caught.value.advice == "look at the difference and approve the new plan"
    assert isinstance(caught.value.plan, Plan)
    assert caught.value.plan.digest == world.plan(spec("a", owner="x")).digest
    assert len(world.store.state.events) == events


def test_what_another_run_has_done_meanwhile_wants_no_approval() -> None:
    """Two runs with one plan: the second has nothing left to do, and is done."""
    world = World.seeded()
    approved = world.plan(spec("a")).digest
    world.apply(spec("a"))
    events = len(world.store.state.events)
    report = world.apply(spec("a"), approved=approved)
    assert (report.exit_code, report.outcomes) == (0, ())
    assert len(world.store.state.events) == events


def test_an_old_approval_leaves_open_operations_alone_too() -> None:
    """Nothing is touched before the comparison."""
    world = World.seeded()
    crashing_apply(world, 3, spec("a"))
    assert open_operations(world) == 1
    commits = len(world.store.commits)
    with pytest.raises(PlanDiffers):
        world.apply(spec("a", owner="x"), approved="sha256:" + "0" * 64)
    assert (open_operations(world), len(world.store.commits)) == (1, commits)


def test_a_rotation_that_came_due_does_not_make_an_approval_stale() -> None:
    """It is done with what was approved."""
    world = World.seeded()
    world.apply(spec("a", every=30 * DAY))
    plan = world.plan(spec("a", every=30 * DAY), spec("b"))
    world.clock.advance(30 * DAY)
    report = world.apply(spec("a", every=30 * DAY), spec("b"), approved=plan.digest)
    assert statuses(report) == {"payments/b": APPLIED}
    assert kept(report) == [("payments/a", ("rotate",), APPLIED)]
    assert report.exit_code == 0


def test_another_commit_with_the_same_effects_is_the_approved_plan() -> None:
    """The audit says which commit it was."""
    world = World.seeded()
    request = world.run_request(spec("a"))
    wanted = replace(request.plan_request.desired, revision=Revision(commit="1a2b3c4"))
    moved = replace(request, plan_request=replace(request.plan_request, desired=wanted))
    assert run_apply(world.doors(), moved, world.watch()).exit_code == 0
    assert list(world.store.events())[-1].revision == "1a2b3c4"


def test_what_comes_to_the_plan_after_the_recovery_was_not_approved() -> None:
    """An emergency beside the run: nothing is done that nobody saw."""
    world = World.seeded()
    world.apply(spec("b"))
    crashing_apply(world, 4, spec("a"), spec("b"))

    def drift(moment: str, _: str) -> None:
        if moment == "observe":
            key_id = world.record("b").key_id
            key = world.store.state.keys[key_id]
            changed = replace(key, fields=replace(key.fields, owner="somebody"))
            world.store.state.keys[key_id] = changed

    world.sink.interrupt = drift
    with pytest.raises(PlanDiffers):
        world.apply(spec("a"), spec("b"))
    assert open_operations(world) == 0
    assert world.record("b").fields.owner == "somebody"


def test_manifests_that_cannot_follow_the_store_are_named_before_anything_is_done() -> None:
    """With every problem."""
    world = World.seeded()
    world.apply(spec("a", expiration=Expiration.DAY))
    with pytest.raises(ManifestsInvalid) as caught:
        world.apply(spec("a", expiration=Expiration.WEEK, generation=1))
    assert caught.value.message == ("1 problem: the manifests cannot follow what the store holds")
    assert len(caught.value.problems) == 1


def test_a_guard_refuses_the_whole_run_with_all_reasons() -> None:
    """The first one's advice leads."""
    world = World.seeded()
    world.apply(*(spec(f"k{n}", protected=n == 0) for n in range(4)))
    with pytest.raises(Refused) as caught:
        world.apply(NetworkSet(name="ci", ranges=("10.0.0.0/8",)))
    assert caught.value.message == (
        "this plan ends 4 keys; the policy lets 1 pass without being told; "
        "payments/k0 is protected in the store"
    )
    assert caught.value.advice == (
        "see whether a file or a folder of manifests is missing; if it is meant, "
        "state the count: --allow-removals 4"
    )
    assert all(world.record(f"k{n}").fields.active for n in range(4))
    two = (Refusal(code="x", message="one", advice="do it"),) * 2
    assert refused(two).message == "one; one"


def test_a_selection_holds_for_the_plan_made_under_the_lease() -> None:
    """What was not shown is not applied."""
    world = World.seeded()
    report = world.apply(spec("a"), spec("b"), selection=Selection(targets=("payments/a",)))
    assert statuses(report) == {"payments/a": APPLIED}
    assert list(world.store.observe(MANAGER).live) == [A]


# Maintenance alone.


def test_maintenance_alone_does_not_touch_declared_changes() -> None:
    """Only what applied manifests already approved, without any approval."""
    world = World.seeded()
    world.apply(spec("a", every=30 * DAY), spec("b"))
    world.clock.advance(31 * DAY)
    report = world.apply(
        spec("a", every=30 * DAY, owner="x"), spec("c"), maintenance_only=True, approved="none"
    )
    assert kept(report) == [("payments/a", ("rotate",), APPLIED)]
    assert len(report.outcomes) == 1
    assert world.record("a").fields.owner == "team-a"
    assert world.record("b").fields.active


def test_a_plan_of_maintenance_alone_stays_one_under_the_lease() -> None:
    """A request without manifests can never prune, whatever the run is told."""
    world = World.seeded()
    world.apply(spec("a"))
    request = world.run_request()
    only_time = replace(request.plan_request, maintenance_only=True)
    empty = replace(only_time, desired=replace(only_time.desired, resources=()))
    digest = make_plan(empty).digest
    asked = replace(request, plan_request=empty, approved_digest=digest)
    report = run_apply(world.doors(), asked, world.watch())
    assert report.outcomes == ()
    assert world.record("a").fields.active


def test_an_update_and_a_due_rotation_of_one_key_are_both_done() -> None:
    """The rotation goes on from what the update has just written."""
    world = World.seeded()
    world.apply(spec("a", every=30 * DAY))
    world.clock.advance(30 * DAY)
    report = world.apply(spec("a", every=30 * DAY, owner="x", overlap=3 * DAY))
    assert [(o.actions, o.status) for o in report.outcomes] == [
        (("update",), APPLIED),
        (("rotate",), APPLIED),
    ]
    assert world.record("a").fields.owner == "x"
    assert world.versions("a")[0].retire_at == world.clock.now() + 3 * DAY
    assert_settled(world)


def test_a_rename_in_place_and_a_due_rotation_give_the_new_name_to_the_sink() -> None:
    """The payload says how the key is called now."""
    world = World.seeded()
    fixed: dict[str, Any] = {"sink_path": "payments/fixed", "owner": "team"}
    world.apply(spec("a", every=30 * DAY, **fixed))
    world.clock.advance(30 * DAY)
    report = world.apply(spec("b", every=30 * DAY, previous_name="a", **fixed))
    assert [(o.address, o.actions, o.status) for o in report.outcomes] == [
        ("payments/b", ("rename",), APPLIED),
        ("payments/b", ("rotate",), APPLIED),
    ]
    payload = world.sink.payload_at("payments/fixed", 2)
    assert payload is not None
    assert payload.name == "b"


def test_an_ended_overlap_is_retired_and_its_copy_destroyed_in_one_run() -> None:
    """By its explicit number; the count of versions stays."""
    world = World.seeded()
    world.apply(spec("a"))
    world.apply(spec("a", generation=2))
    world.clock.advance(DAY)
    report = world.maintain()
    assert kept(report) == [
        ("payments/a", ("retire",), APPLIED),
        ("payments/a", ("destroy",), APPLIED),
    ]
    assert states(world, "a") == [VersionState.RETIRED, VersionState.CURRENT]
    assert world.sink.payload_at(PATH, 1) is None
    assert world.sink.version_at(PATH) == 2
    assert world.versions("a")[0].copy_destroyed_at == world.clock.now()
    assert world.maintain().outcomes == ()


def test_a_rename_empties_the_old_path_after_the_overlap() -> None:
    """Until then the old place serves; afterwards nothing is left there."""
    world = World.seeded()
    world.apply(spec("a"))
    world.apply(spec("b", owner="team-a", previous_name="a"))
    old = world.sink.secret_at(PATH)
    world.clock.advance(DAY - timedelta(seconds=1))
    assert world.maintain().outcomes == ()
    assert world.authenticates(old)
    world.clock.advance(timedelta(seconds=1))
    assert world.maintain().exit_code == 0
    assert (world.sink.secret_at(PATH), world.sink.version_at(PATH)) == (None, 1)
    assert world.authenticates(world.sink.secret_at("payments/prod/b"))


def test_a_reissue_with_another_path_leaves_the_old_one_like_a_rename() -> None:
    """The new key starts at its own place; the old one's copy goes with its overlap."""
    world = World.seeded()
    world.apply(spec("a"))
    old = world.sink.secret_at(PATH)
    world.apply(spec("a", reissue=2, sink_path="payments/else"))
    assert world.authenticates(old)
    assert world.authenticates(world.sink.secret_at("payments/else"))
    world.clock.advance(DAY)
    assert world.maintain().exit_code == 0
    assert world.sink.secret_at(PATH) is None
    assert not world.authenticates(old)
    assert_settled(world)
    taken = world.apply(spec("a", reissue=2, sink_path="payments/else"), spec("c", sink_path=PATH))
    assert only(taken).sink_version == 2


# Removal.


def test_a_removal_ends_access_first_and_then_every_copy_by_its_number() -> None:
    """The path keeps its count for ever, and a later key goes on from there."""
    world = World.seeded()
    world.apply(spec("a"))
    world.apply(spec("a", generation=2))
    texts = [world.sink.payload_at(PATH, n) for n in (1, 2)]
    seen: list[tuple[str, bool]] = []

    def look(moment: str, path: str) -> None:
        seen.append((moment, any(world.authenticates(t.api_key.reveal()) for t in texts if t)))

    world.sink.interrupt = look
    report = world.apply(removal("a"))
    assert only(report).status is APPLIED
    assert seen == [("destroy", False), ("destroy", False), ("anchor", False)]
    assert [world.sink.payload_at(PATH, n) for n in (1, 2)] == [None, None]
    assert world.sink.version_at(PATH) == 2
    assert world.plan(removal("a")).maintenance == ()
    again = world.apply(spec("a"))
    assert only(again).sink_version == 3
    assert_settled(world)


def test_a_removal_of_a_key_whose_overlap_has_passed_is_no_failure() -> None:
    """What time would have brought is part of the removal."""
    world = World.seeded()
    world.apply(spec("a"))
    world.apply(spec("a", generation=2))
    world.clock.advance(2 * DAY)
    report = world.apply(removal("a"))
    assert report.exit_code == 0
    assert [o.actions for o in report.outcomes] == [("remove",)]


def test_a_removal_takes_what_the_key_had_replaced_along() -> None:
    """Its predecessor's secret ends and leaves the sink in the same run."""
    world = World.seeded()
    world.apply(spec("a"))
    first = world.sink.secret_at(PATH)
    world.apply(spec("a", reissue=2))
    assert world.apply(removal("a")).exit_code == 0
    assert not world.authenticates(first)
    assert [world.sink.payload_at(PATH, n) for n in (1, 2)] == [None, None]
    assert world.plan(removal("a")).maintenance == ()


def test_a_removal_destroys_no_number_that_it_does_not_know() -> None:
    """A version that may never have arrived has no copy of its own to destroy."""
    world = World.seeded()
    world.sink.next_writes(Fate.LOST_ANSWER)

    def come(moment: str, path: str) -> None:
        if moment == "observe":
            world.sink.stranger_writes(path)

    world.sink.interrupt = come
    world.apply(spec("a"))
    destroyed: list[str] = []
    world.sink.interrupt = lambda moment, path: destroyed.append(moment)
    report = world.apply(removal("a"))
    assert (report.exit_code, destroyed) == (0, ["anchor"])


def test_copies_that_could_not_be_destroyed_are_told_and_tried_again() -> None:
    """The removal itself stands."""
    world = World.seeded()
    world.apply(spec("a"))
    world.sink.fail_next("destroy", SinkUnavailable("no answer"))
    report = world.apply(removal("a"))
    assert statuses(report) == {"payments/a": APPLIED}
    assert kept(report) == [("payments/a", ("destroy",), FAILED)]
    assert report.exit_code == 4
    again = world.maintain()
    assert kept(again) == [("payments/a", ("destroy",), APPLIED)]


def test_where_destroying_is_denied_nothing_has_failed_and_it_is_said_once() -> None:
    """The right is optional. The copies stay due; a workspace that was denied is asked no more."""
    world = World.seeded()
    names = ("a", "b", "c")
    world.apply(*(spec(n) for n in names))
    asked: list[str] = []

    def deny(moment: str, path: str) -> None:
        if moment == "destroy":
            asked.append(path)
            raise SinkDenied("no right to destroy")

    world.sink.interrupt = deny
    report = world.apply(*(removal(n) for n in names), batch_size=1, allowed_removals=3)
    assert statuses(report) == {f"payments/{n}": APPLIED for n in names}
    assert (kept(report), report.exit_code) == ([], 0)
    (warning,) = report.warnings
    assert warning.startswith("3 copies of ended secrets stay in the sink")
    assert len(asked) == 1
    again = world.maintain()
    assert (kept(again), again.exit_code, len(again.warnings)) == ([], 0, 1)
    world.sink.interrupt = lambda moment, path: None
    assert len(kept(world.maintain())) == 3


def test_one_copy_that_may_not_be_destroyed_is_said_in_the_singular() -> None:
    """And a right that is given later is used by the next run."""
    world = World.seeded()
    world.apply(spec("a"))
    world.sink.fail_next("destroy", SinkDenied("no right to destroy"))
    report = world.apply(removal("a"))
    assert [w.partition(" stays")[0] for w in report.warnings] == ["1 copy of an ended secret"]
    assert kept(world.maintain()) == [("payments/a", ("destroy",), APPLIED)]


# Partial failure.


def test_three_failing_paths_stop_none_of_the_other_seventeen() -> None:
    """All twenty are reported, exit 4."""
    world = World.seeded()
    names = [f"k{n:02}" for n in range(20)]
    bad = {"k03": Fate.UNAVAILABLE, "k11": Fate.DENIED, "k19": Fate.UNAVAILABLE}
    for name, fate in bad.items():
        world.sink.next_writes(fate, path=f"payments/prod/{name}")
    report = world.apply(*(spec(n) for n in names), batch_size=7)
    assert statuses(report) == {f"payments/{n}": FAILED if n in bad else APPLIED for n in names}
    assert (report.count(APPLIED), report.count(FAILED)) == (17, 3)
    assert report.exit_code == ExitCode.PARTIAL
    assert world.watched[-20:] == list(report.outcomes)
    assert world.apply(*(spec(n) for n in names)).exit_code == 0
    assert_settled(world)


def test_a_store_write_that_is_refused_stops_no_other() -> None:
    """The key that changed meanwhile is told with the mend."""
    world = World.seeded()
    world.apply(spec("a"), spec("b"))
    real = world.store.observe

    def observe_then_change(manager: str, **asked: Any) -> ObservedState:
        state = real(manager, **asked)
        key_id = next(r.key_id for r in state.records if r.address == A)
        key = world.store.state.keys[key_id]
        world.store.state.keys[key_id] = replace(key, record_version=key.record_version + 1)
        return state

    request = world.run_request(spec("a", owner="x", generation=2), spec("b", owner="x"))
    world.store.observe = observe_then_change  # type: ignore[method-assign]  # a race
    report = run_apply(world.doors(), request, world.watch())
    assert statuses(report) == {"payments/a": FAILED, "payments/b": APPLIED}
    assert report.outcomes[0].message == "the key changed in the store meanwhile"
    assert len(world.sink.sent) == 2


def test_an_overlap_that_was_ended_meanwhile_is_told() -> None:
    """Somebody revoked it between the plan and the bookkeeping."""
    world = World.seeded()
    world.apply(spec("a"))
    world.apply(spec("a", generation=2))
    world.clock.advance(DAY)
    request = world.run_request(spec("a", generation=2))
    real = world.store.observe

    def observe_then_retire(manager: str, **asked: Any) -> ObservedState:
        state = real(manager, **asked)
        first = world.versions("a")[0].version_id
        slot = world.store.state.versions[first]
        gone = replace(slot.version, state=VersionState.RETIRED)
        world.store.state.versions[first] = replace(slot, version=gone)
        return state

    world.store.observe = observe_then_retire  # type: ignore[method-assign]  # a race
    report = run_apply(world.doors(), request, world.watch())
    assert [(o.actions, o.status, o.message) for o in report.outcomes] == [
        (("retire",), FAILED, "it is not due any more"),
        (("destroy",), APPLIED, ""),
    ]


# The lease and the store.


def test_a_run_waits_for_the_lease_and_then_says_who_holds_it() -> None:
    """Exit 7, with the holder and the ways out."""
    world = World.seeded()
    world.store.acquire_lease(MANAGER, holder="local:bob on build-7", run_id="another")
    with pytest.raises(Locked) as caught:
        world.apply(spec("a"))
    assert caught.value.exit_code is ExitCode.LOCKED
    assert caught.value.message == (
        "platform-keys is locked by local:bob on build-7, since 2026-11-24 12:00:00 UTC"
    )
    assert "keyrec lock status" in caught.value.advice
    assert world.waits == [1.0, 1.0]
    assert world.sink.sent == []


def test_a_lease_that_is_given_back_in_time_is_taken() -> None:
    """Waiting is worth it."""
    world = World.seeded()
    held = world.store.acquire_lease(MANAGER, holder="another", run_id="another")
    assert held is not None
    doors = replace(world.doors(), sleep=lambda _: world.store.release_lease(held.fence))
    report = run_apply(doors, world.run_request(spec("a")), world.watch())
    assert report.exit_code == 0


def test_a_lease_that_ends_while_it_is_asked_about_has_no_holder_to_name() -> None:
    """The sentence stays one."""
    world = World.seeded()
    world.store.acquire_lease(MANAGER, holder="another", run_id="another")
    world.store.lease = lambda manager: None  # type: ignore[method-assign]  # a race
    with pytest.raises(Locked, match="platform-keys is locked by another run"):
        world.apply(spec("a"))


def test_ctrl_c_ends_the_waiting_for_the_lease() -> None:
    """Exit 130, nothing was applied."""
    world, stop = World.seeded(), threading.Event()
    world.store.acquire_lease(MANAGER, holder="another", run_id="another")
    stop.set()
    with pytest.raises(Interrupted) as caught:
        world.apply(spec("a"), stop=stop)
    assert caught.value.exit_code is ExitCode.INTERRUPTED


def test_the_lease_is_given_back_whatever_happened() -> None:
    """After success, refusal and crash the next run need not wait."""
    world = World.seeded()
    world.apply(spec("a"))
    assert world.store.lease(MANAGER) is None
    with pytest.raises(PlanDiffers):
        world.apply(spec("b"), approved="x")
    assert world.store.lease(MANAGER) is None
    crashing_apply(world, 0, spec("a"), spec("b"))
    assert world.store.lease(MANAGER) is None


def test_a_lease_that_cannot_be_given_back_is_no_failure_of_the_run() -> None:
    """It runs out by itself."""
    world = World.seeded()
    world.store.fail_next(StoreUnavailable("gone"), method="release_lease")
    assert world.apply(spec("a")).exit_code == 0


def lose_lease(world: World) -> None:
    """Let another run take over."""
    world.clock.advance(timedelta(minutes=1))
    world.store.acquire_lease(MANAGER, holder="another", run_id="another")


def test_a_lease_lost_mid_run_stops_it_and_tells_what_was_not_begun() -> None:
    """Nothing is committed or sent after it; what was under way is told as failed."""
    world = World.seeded()
    world.threads = lambda _: Queue()
    at_commit(world, [BEGIN, BEGIN, CONFIRM, BEGIN], lambda: lose_lease(world))
    wish = [spec(f"k{n}") for n in range(8)]
    report = world.apply(*wish, batch_size=2)
    told = [o.status for o in report.outcomes]
    assert told == [APPLIED] * 2 + [FAILED] * 4 + [NOT_ATTEMPTED] * 2
    lost = "the lease of platform-keys is not ours any more"
    assert report.outcomes[2].message == lost
    assert (report.warnings, report.exit_code) == ((lost,), 4)
    assert len(world.sink.sent) == 2
    assert writes_of(world)[-2:] == [(CONFIRM,) * 2, (BEGIN,) * 2]  # the last one was refused
    assert open_operations(world) == 2
    world.clock.advance(timedelta(minutes=1))
    assert world.apply(*wish).exit_code == 0
    assert_settled(world)


def test_a_lease_lost_before_anything_was_applied_is_the_error() -> None:
    """Exit 7."""
    world = World.seeded()
    world.sink.interrupt = lambda *_: lose_lease(world)
    with pytest.raises(LeaseLost):
        world.apply(spec("a"))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2])
def test_a_transaction_with_an_unknown_outcome_is_run_again_with_its_id(
    number: int, after: bool
) -> None:
    """Committed or not, in A and in B: nothing happens twice."""
    world = World.seeded()

    def hook(moment: str, _: str) -> None:
        if moment == "before write" and number == 2:
            world.store.fail_next(CommitUnknown("no answer"), after=after)

    if number == 1:
        world.store.fail_next(CommitUnknown("no answer"), after=after)
    world.sink.interrupt = hook
    before = len(world.store.commits)
    report = world.apply(spec("a"))
    assert report.exit_code == 0
    ids = [c.commit_id for c in world.store.commits[before:]]
    assert len(ids) == 3
    assert len(set(ids)) == 2
    assert len(world.sink.sent) == 1
    assert [e.note.event for e in world.store.events() if e.note.address == "payments/a"] == [
        "key-created",
        "secret-confirmed",
    ]
    assert_settled(world)


def test_a_confirmation_whose_outcome_stays_unknown_is_told_and_found_out_later() -> None:
    """The secret is there and works; the next run sees what became of it."""
    world = World.seeded()
    world.apply(spec("z"))
    wish = [spec("a"), spec("b"), spec("c"), spec("z", owner="x")]

    def say_nothing() -> None:
        for _ in range(5):
            world.store.fail_next(CommitUnknown("no answer"))

    at_commit(world, ["UpdateKey", BEGIN, BEGIN, CONFIRM], say_nothing)
    report = world.apply(*wish, batch_size=1)
    assert statuses(report) == {
        "payments/z": APPLIED,
        "payments/a": FAILED,
        "payments/b": FAILED,
        "payments/c": NOT_ATTEMPTED,
    }
    assert (report.warnings, report.exit_code) == (("no answer",), 4)
    assert world.authenticates(world.sink.secret_at(PATH))
    assert world.apply(*wish).exit_code == 0
    assert_settled(world)


def test_a_store_write_whose_outcome_stays_unknown_is_not_told_as_never_tried() -> None:
    """It may have been committed."""
    world = World.seeded()
    crashing_apply(world, 3, spec("c"))
    world.apply(spec("a"), spec("b"))
    world.apply(spec("a"), spec("b"), spec("c"))
    for _ in range(5):
        world.store.fail_next(CommitUnknown("no answer"), after=True)
    with pytest.raises(CommitUnknown):
        world.apply(spec("a", owner="x"), spec("b"), spec("c"))
    told = [(o.address, o.status) for o in world.watched if o.address == "payments/a"]
    assert told[-1] == ("payments/a", FAILED)
    assert world.record("a").fields.owner == "x"


def test_a_store_that_is_gone_after_something_was_applied_still_gives_a_report() -> None:
    """Although even the audit head cannot be read."""
    world = World.seeded()

    def leave() -> None:
        world.store.fail_next(StoreUnavailable("gone"), method="audit_head")
        for _ in range(10):
            world.store.fail_next(StoreUnavailable("gone"))

    at_commit(world, [BEGIN, BEGIN, CONFIRM, BEGIN], leave)
    wish = [spec(name) for name in "abcd"]
    report = world.apply(*wish, batch_size=1)
    assert [o.status for o in report.outcomes] == [APPLIED, FAILED, FAILED, NOT_ATTEMPTED]
    assert (report.audit_sequence, report.audit_head) == (0, "")
    assert (report.warnings, report.exit_code) == (("gone",), 4)


def test_an_audit_head_that_alone_cannot_be_read_is_a_warning() -> None:
    """Everything was applied."""
    world = World.seeded()
    world.store.fail_next(StoreUnavailable("gone for a moment"), method="audit_head")
    report = world.apply(spec("a"))
    assert (report.warnings, report.exit_code) == (("gone for a moment",), 0)


def test_a_store_that_cannot_be_reached_is_the_error() -> None:
    """Nothing was applied."""
    world = World.seeded()
    request = world.run_request(spec("a"))
    world.store.fail_next(StoreUnavailable("gone"), method="acquire_lease")
    with pytest.raises(StoreUnavailable):
        run_apply(world.doors(), request, world.watch())


# Interruption.


@pytest.mark.parametrize(
    ("commits", "done"),
    [([BEGIN], 2), ([BEGIN, BEGIN], 4), ([BEGIN, BEGIN, CONFIRM], 4)],
)
def test_an_interruption_between_two_batches_ends_cleanly(commits: list[str], done: int) -> None:
    """What was begun is finished; the rest is named; exit 130; the next apply finishes."""
    world, stop = World.seeded(), threading.Event()
    at_commit(world, commits, stop.set)
    wish = [spec(f"k{n}") for n in range(6)]
    report = world.apply(*wish, stop=stop, batch_size=2)
    assert [o.status for o in report.outcomes] == [APPLIED] * done + [NOT_ATTEMPTED] * (6 - done)
    assert (report.interrupted, report.exit_code) == (True, ExitCode.INTERRUPTED)
    assert open_operations(world) == 0
    assert world.apply(*wish).exit_code == 0
    assert_settled(world)


def test_an_interruption_before_anything_applies_nothing() -> None:
    """Every change and every item of maintenance is named as not attempted."""
    world, stop = World.seeded(), threading.Event()
    world.apply(spec("a"), spec("b", every=30 * DAY))
    world.apply(spec("a", generation=2), spec("b", every=30 * DAY))
    world.clock.advance(31 * DAY)
    stop.set()
    wish = [spec("a", generation=2, owner="x"), spec("b", every=30 * DAY), spec("c")]
    commits = len(world.store.commits)
    report = world.apply(*wish, stop=stop)
    assert [(o.address, o.actions, o.status) for o in report.outcomes] == [
        ("payments/a", ("update",), NOT_ATTEMPTED),
        ("payments/c", ("create",), NOT_ATTEMPTED),
        ("payments/a", ("retire",), NOT_ATTEMPTED),
        ("payments/a", ("destroy",), NOT_ATTEMPTED),
        ("payments/b", ("rotate",), NOT_ATTEMPTED),
    ]
    assert (report.exit_code, len(world.store.commits)) == (130, commits)


def test_a_key_and_a_resource_with_one_address_are_told_apart() -> None:
    """A workspace may be called workspace; a refused write of the one does not hide the other."""
    world, stop = World.seeded(), threading.Event()
    odd, brought = Workspace(name="workspace"), Workspace(name="a")
    world.apply(odd, spec("a", workspace="workspace"))
    stop.set()
    wish = (odd, brought, spec("a", workspace="workspace", owner="x"))
    report = world.apply(*wish, stop=stop)
    assert [(o.address, o.actions) for o in report.outcomes] == [
        ("workspace/a", ("create",)),
        ("workspace/a", ("update",)),
    ]
    real = world.store.observe

    def observe_then_change(manager: str, **asked: Any) -> ObservedState:
        state = real(manager, **asked)
        (key_id,) = world.store.state.keys
        key = world.store.state.keys[key_id]
        world.store.state.keys[key_id] = replace(key, record_version=key.record_version + 1)
        return state

    rotated = (odd, brought, spec("a", workspace="workspace", owner="x", generation=2))
    request = world.run_request(*rotated)
    world.store.observe = observe_then_change  # type: ignore[method-assign]  # a race
    report = run_apply(world.doors(), request, world.watch())
    assert [(o.actions, o.status) for o in report.outcomes] == [
        (("create",), APPLIED),
        (("update", "rotate"), FAILED),
    ]


def test_an_interrupted_maintenance_says_so() -> None:
    """Items that were not begun are named, and the exit code is 130."""
    world, stop = World.seeded(), threading.Event()
    world.apply(*(spec(f"k{n}", every=30 * DAY) for n in range(4)))
    world.clock.advance(31 * DAY)
    at_commit(world, [BEGIN], stop.set)
    report = world.apply(maintenance_only=True, stop=stop, batch_size=2)
    assert [o.status for o in report.outcomes] == [APPLIED] * 2 + [NOT_ATTEMPTED] * 2
    assert report.exit_code == 130


@pytest.mark.parametrize("moment", ["retire", "destroy"])
def test_an_interruption_before_the_cleanup_leaves_it_to_the_next_run(moment: str) -> None:
    """Hygiene waits."""
    world, stop = World.seeded(), threading.Event()
    world.apply(spec("a"))
    world.apply(spec("a", generation=2))
    world.clock.advance(DAY)
    real = world.store.commit

    def stop_after(commit: Commit) -> Committed:
        answer = real(commit)
        stop.set()
        return answer

    if moment == "destroy":
        world.store.commit = stop_after  # type: ignore[method-assign]  # watches
    else:
        world.sink.interrupt = lambda m, _: stop.set() if m == "after write" else None
    wish = [spec("a", generation=2)] + ([spec("b")] if moment == "retire" else [])
    report = world.apply(*wish, stop=stop)
    told = {o.actions[0]: o.status for o in report.outcomes if o.is_maintenance}
    assert told["destroy"] is NOT_ATTEMPTED
    assert told["retire"] is (APPLIED if moment == "destroy" else NOT_ATTEMPTED)
    assert report.exit_code == 130


def test_a_run_that_was_stopped_after_its_last_effect_is_done() -> None:
    """Nothing is missing, so nothing was interrupted."""
    world, stop = World.seeded(), threading.Event()
    world.sink.interrupt = lambda moment, _: stop.set() if moment == "after write" else None
    report = world.apply(spec("a"), stop=stop)
    assert (report.interrupted, report.exit_code) == (False, 0)


# A rotation at a person's word.


def test_a_person_can_rotate_a_key_at_once() -> None:
    """Same key, same generation; the old secret keeps its overlap; nothing else is touched."""
    world = World.seeded()
    world.apply(spec("a"), spec("b"))
    first = world.sink.secret_at(PATH)
    report = world.rotate("a")
    outcome = only(report)
    assert (outcome.actions, outcome.status, outcome.sink_version) == (("rotate",), APPLIED, 2)
    assert world.authenticates(first)
    assert world.record("a").fields.rotation.generation == 1
    begun = [e for e in world.store.events() if e.note.event == "rotation-begun"]
    assert begun[-1].note.reason == Reason.REQUESTED.value
    assert world.plan(spec("a"), spec("b")).changes == ()
    assert_settled(world)


def test_a_rotation_finishes_what_an_earlier_run_left_open() -> None:
    """First the open operation, then the asked one."""
    world = World.seeded()
    crashing_apply(world, 3, spec("a"))
    report = world.rotate("a")
    assert [o.actions for o in report.outcomes] == [("resume",), ("rotate",)]
    assert report.exit_code == 0
    assert_settled(world)


def test_a_key_that_is_not_there_or_has_expired_is_not_rotated() -> None:
    """Each with its advice."""
    world = World.seeded()
    with pytest.raises(NotFound) as missing:
        world.rotate("a")
    assert missing.value.message == "payments/a is no live key of platform-keys"
    world.apply(spec("a", expiration=Expiration.HOUR))
    world.clock.advance(timedelta(hours=1))
    with pytest.raises(Refused) as expired:
        world.rotate("a")
    assert expired.value.message == "payments/a has expired; a new secret would not bring it back"
    assert expired.value.advice == "replace it by raising spec.reissue to 2"


def test_a_rotation_into_a_blocked_path_is_told() -> None:
    """The person reads where the stranger wrote."""
    world = World.seeded()
    world.apply(spec("a"))
    world.sink.stranger_writes(PATH, times=2)
    outcome = only(world.rotate("a"))
    assert (outcome.status, outcome.path) == (BLOCKED, PATH)
