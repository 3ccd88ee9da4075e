"""Killed at any moment, the next run converges: nothing is lost, nothing confirmed is done again."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.apply.emergency import Emergency
from reconciler.apply.run import run_apply
from reconciler.credentials.hashing import verify
from reconciler.errors import (
    HashingFailed,
    LeaseLost,
    SinkUnavailable,
    StoreUnavailable,
)
from reconciler.model.audit import AuditNote
from reconciler.model.journal import Fence, OperationState
from reconciler.model.keys import KeyAddress, KeyFields, KeyRemoval, KeySpec, RemovalReason
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.policy import SinkKind, SinkPolicy
from reconciler.model.states import ObservedState
from reconciler.model.writes import Commit, RemoveKey
from reconciler.ports import StoredVersion
from tests.apply.watching import (
    APPLIED,
    BLOCKED,
    FAILED,
    NOT_ATTEMPTED,
    Crash,
    Item,
    Watching,
    assert_settled,
    crashing_apply,
    kept,
    only,
    open_operations,
    states,
    statuses,
)
from tests.fakes.sink import Fate
from tests.fakes.world import ADMIN, MANAGER, World, policy, removal, spec

A = KeyAddress(workspace="payments", name="a")
PATH = "payments/prod/a"
OVERLAP = timedelta(hours=24)


def emergency(world: World) -> Emergency:
    """Open the emergency doors."""
    return Emergency(
        store=world.store,
        entropy=world.entropy,
        sleep=world.waits.append,
        principal=ADMIN,
        policy=world.store.observe(MANAGER).policy,
        manager=MANAGER,
    )


Wish = tuple[KeySpec | KeyRemoval, ...]
STORIES: dict[str, tuple[Wish, Wish]] = {
    "create": ((), (spec("a"),)),
    "create three": ((), (spec("a"), spec("b"), spec("c", active=False))),
    "rotate": ((spec("a"),), (spec("a", generation=2),)),
    "update and rotate": ((spec("a"),), (spec("a", generation=2, owner="x", active=False),)),
    "move": ((spec("a"),), (spec("a", sink_path="payments/else"),)),
    "move and rotate": ((spec("a"),), (spec("a", sink_path="payments/else", generation=2),)),
    "reissue": ((spec("a"),), (spec("a", reissue=2, expiration=Expiration.YEAR),)),
    "rename": ((spec("a"),), (spec("b", owner="team-a", previous_name="a"),)),
    "rename and update": ((spec("a"),), (spec("b", previous_name="a"),)),
    "remove": ((spec("a"), spec("b")), (removal("a"), spec("b"))),
    "a little of everything": (
        (spec("a"), spec("b"), spec("c"), spec("d")),
        (spec("a", generation=2), spec("b", owner="x"), removal("c"), spec("d", reissue=2)),
    ),
}


def prepared(story: str, *, readable: bool = False) -> tuple[World, Wish]:
    """Give a world before the story's second wish."""
    before, after = STORIES[story]
    world = World.seeded(readable=readable)
    if before:
        world.apply(*before)
    return world, after


def shape(world: World) -> list[tuple[str, str, KeyFields, bool]]:
    """Give what a person can tell of the world: which keys, which fields, what works."""
    return sorted(
        (
            str(k.address),
            k.status.value,
            k.fields,
            world.store.state.with_versions(k).current is not None,
        )
        for k in world.store.state.keys.values()
    )


def moments_of(story: str, *, readable: bool) -> int:
    """Count the moments of the undisturbed story."""
    world, wish = prepared(story, readable=readable)
    watching = Watching(world, ends=_ends(wish))
    world.apply(*wish)
    return len(watching.moments)


def _ends(wish: Wish) -> bool:
    """Whether values may stop working: a key is removed or deactivated."""
    return any(isinstance(i, KeyRemoval) or not i.fields.active for i in wish)


@pytest.mark.parametrize("readable", [False, True])
@pytest.mark.parametrize("story", STORIES)
def test_a_run_killed_at_any_moment_is_finished_by_the_next(story: str, readable: bool) -> None:
    """P1, P2, P3 and P5, seen from outside, for a kill before and after every single effect."""
    undisturbed, wish = prepared(story, readable=readable)
    undisturbed.apply(*wish)
    for moment in range(moments_of(story, readable=readable)):
        world, _ = prepared(story, readable=readable)
        assert not crashing_apply(world, moment, *wish, ends=_ends(wish))
        watching = Watching(world, ends=_ends(wish))
        report = world.apply(*wish)
        assert report.exit_code == 0, (moment, report)
        watching.check()
        assert_settled(world)
        assert shape(world) == shape(undisturbed), moment
        assert world.plan(*wish).changes == (), moment


@pytest.mark.parametrize("story", ["create", "rotate", "reissue", "rename"])
def test_runs_killed_again_and_again_still_converge(story: str) -> None:
    """Every run dies one moment later than the one before it."""
    world, wish = prepared(story)
    for moment in range(40):
        if crashing_apply(world, moment, *wish):
            break
    else:
        pytest.fail("no run came to its end")
    assert world.apply(*wish).exit_code == 0
    assert_settled(world)


@pytest.mark.parametrize("story", ["create", "rotate", "reissue", "rename"])
def test_what_was_confirmed_is_not_done_again(story: str) -> None:
    """Killed after transaction B, the next run sends nothing."""
    world, wish = prepared(story)
    last = moments_of(story, readable=False) - 1
    crashing_apply(world, last, *wish)
    sent = len(world.sink.sent)
    report = world.apply(*wish)
    assert (report.outcomes, len(world.sink.sent)) == ((), sent)


def crashed(
    story: str,
    moment: str,
    *,
    readable: bool = False,
) -> tuple[World, Wish]:
    """Give a world whose run was killed at the first such moment."""
    world, wish = prepared(story, readable=readable)
    counting, _ = prepared(story, readable=readable)
    watching = Watching(counting)
    counting.apply(*wish)
    place = next(n for n, (seen, _) in enumerate(watching.moments) if seen == moment)
    assert not crashing_apply(world, place, *wish)
    return world, wish


@pytest.mark.parametrize("moment", range(25))
def test_batches_that_were_under_way_together_are_finished_by_the_next_run(moment: int) -> None:
    """Killed at any effect, with one batch on its way and the next one begun."""
    world = World.seeded()
    wish = [spec(f"k{n}") for n in range(5)]
    ended = crashing_apply(world, moment, *wish, batch_size=2)
    assert ended == (moment > 22)
    assert open_operations(world) <= 4
    assert world.apply(*wish).exit_code == 0
    assert_settled(world)


@pytest.mark.parametrize("moment", ["before write", "after write"])
@pytest.mark.parametrize("story", ["create", "rotate", "reissue", "rename"])
def test_the_interrupted_secret_works_until_its_successor_is_confirmed_and_past_the_overlap(
    story: str, moment: str
) -> None:
    """Somebody may have read it: it retires like a replaced one."""
    world, wish = crashed(story, moment)
    (operation,) = (
        o for o in world.store.state.operations.values() if o.state is OperationState.OPEN
    )
    interrupted = operation.target
    landed = world.sink.secret_at(operation.sink_path) if moment == "after write" else None
    world.clock.advance(30 * OVERLAP)
    if landed is not None:
        assert world.authenticates(landed)
    report = world.apply(*wish)
    assert [actions for _, actions, _ in kept(report)][:1] == [("resume",)]
    versions = {
        v.version_id: v
        for v in world.store.state.with_versions(world.store.state.keys[operation.key_id]).versions
    }
    assert versions[interrupted].state is VersionState.RETIRING
    assert versions[interrupted].retire_at == world.clock.now() + OVERLAP
    if landed is not None:
        assert versions[interrupted].sink_version is not None
        assert world.authenticates(landed)
        world.clock.advance(OVERLAP)
        assert not world.authenticates(landed)
    assert_settled(world)


def test_a_readable_path_that_holds_the_interrupted_secret_is_confirmed_as_it_is() -> None:
    """Nothing is sent, nothing is drawn."""
    world, wish = crashed("rotate", "after write", readable=True)
    sent = len(world.sink.sent)
    report = world.apply(*wish)
    assert (only(report).status, only(report).sink_version) == (APPLIED, 2)
    assert len(world.sink.sent) == sent
    assert_settled(world)


def test_a_landed_copy_is_destroyed_once_its_version_has_ended() -> None:
    """The interrupted secret leaves the sink too, by its own number."""
    world, wish = crashed("create", "after write")
    world.apply(*wish)
    world.clock.advance(OVERLAP)
    assert world.maintain().exit_code == 0
    assert world.sink.payload_at(PATH, 1) is None
    assert world.authenticates(world.sink.secret_at(PATH))


def test_a_copy_that_two_interrupted_versions_may_have_left_is_nobodys() -> None:
    """Its number is not written down for a version that may not be there."""
    world, wish = crashed("create", "before write")
    first = world.versions("a")[0].version_id
    crashing_apply(world, 4, *wish)
    second = world.versions("a")[1].version_id
    world.sink.next_writes(Fate.UNAVAILABLE)
    world.sink.stranger_writes(PATH)
    world.apply(*wish)
    world.apply(*wish)
    by_id = {v.version_id: v for v in world.versions("a")}
    assert by_id[first].sink_version is None
    assert by_id[second].sink_version is None


def test_the_approved_rotation_that_was_interrupted_is_finished_and_not_done_twice() -> None:
    """The plan of the second run still shows it; its approval stays good."""
    world, wish = crashed("rotate", "after write")
    plan = world.plan(*wish)
    assert [c.address for c in plan.changes] == ["payments/a"]
    report = world.apply(*wish, approved=plan.digest)
    assert report.exit_code == 0
    assert [(o.actions, o.status) for o in report.outcomes] == [(("resume",), APPLIED)]
    assert world.record("a").fields.rotation.generation == 2


def test_a_rotation_raised_further_meanwhile_is_done_after_the_interrupted_one() -> None:
    """What is left of the agreed plan is carried out in the same run."""
    world, _ = crashed("rotate", "after write")
    report = world.apply(spec("a", generation=3))
    assert report.exit_code == 0
    assert [o.actions for o in report.outcomes] == [("resume",), ("rotate",)]
    assert world.record("a").fields.rotation.generation == 3
    assert_settled(world)


# What happened to the key meanwhile.


def remove(world: World) -> None:
    """Remove the key in another run."""
    record = world.record("a")
    lease = world.store.acquire_lease(MANAGER, holder="another run", run_id="another")
    assert lease is not None
    write = RemoveKey(
        key_id=record.key_id,
        base=record.record_version,
        reason=RemovalReason.POLICY,
        note=AuditNote(event="key-removed", address="payments/a", reason="requested"),
    )
    commit = Commit(commit_id="another", actor=ADMIN, fence=lease.fence, writes=(write,))
    assert world.store.commit(commit).refusals == (None,)
    world.store.release_lease(lease.fence)


def test_a_key_that_was_removed_meanwhile_gets_no_secret() -> None:
    """Its removal has closed the operation; the next run sends nothing."""
    world, _ = crashed("rotate", "after write")
    sent = len(world.sink.sent)
    remove(world)
    report = world.apply(removal("a"))
    assert (report.exit_code, len(world.sink.sent)) == (0, sent)
    assert open_operations(world) == 0
    assert not world.authenticates(world.sink.secret_at(PATH))


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_key_that_expired_meanwhile_gets_no_secret(is_stored: bool) -> None:
    """The operation is abandoned, its version ends with the key, and none is made instead."""
    world = World.seeded()
    if is_stored:
        world.apply(spec("a", expiration=Expiration.HOUR))
    crashing_apply(world, 3, spec("a", expiration=Expiration.HOUR, generation=2))
    sent = len(world.sink.sent)
    world.clock.advance(timedelta(hours=1))
    report = world.maintain()
    assert kept(report)[0] == ("payments/a", ("resume",), APPLIED)
    assert ("rotate",) not in [o.actions for o in report.outcomes]
    assert (len(world.sink.sent), open_operations(world)) == (sent, 0)
    assert VersionState.PROVISIONAL not in states(world, "a")
    assert not world.authenticates(world.sink.secret_at(PATH))
    assert world.maintain().exit_code == 0
    assert len(world.sink.sent) == sent


@pytest.mark.parametrize("readable", [False, True])
def test_a_version_that_leaked_meanwhile_stays_ended_and_is_followed_by_another(
    readable: bool,
) -> None:
    """The same run makes the successor, and destroys the leaked copy."""
    world, wish = crashed("create", "after write", readable=readable)
    leaked = world.sink.secret_at(PATH)
    emergency(world).end_leaked(A)
    report = world.apply(*wish)
    assert (("resume",), APPLIED) in [(o.actions, o.status) for o in report.outcomes]
    assert not world.authenticates(leaked)
    assert world.authenticates(world.sink.secret_at(PATH))
    assert world.sink.payload_at(PATH, 1) is None
    assert_settled(world)


@pytest.mark.parametrize("readable", [False, True])
def test_a_leaked_secret_at_the_path_of_a_current_one_is_written_over(readable: bool) -> None:
    """The older secret works still, but who reads the path reads the leaked one."""
    world, wish = crashed("rotate", "after write", readable=readable)
    stored = world.sink.payload_at(PATH, 2)
    assert stored is not None
    emergency(world).end_leaked_version(stored.version_id)
    assert world.apply(*wish).exit_code == 0
    assert world.authenticates(world.sink.secret_at(PATH))
    assert world.maintain().outcomes == ()
    assert_settled(world)


def test_a_leak_between_the_look_and_the_end_is_told_as_failed() -> None:
    """Nothing is said to be confirmed that the store refused."""
    world, wish = crashed("create", "after write", readable=True)
    presented = world.store.presented

    def give_and_leak(version_id: str) -> StoredVersion | None:
        stored = presented(version_id)
        world.store.presented = presented  # type: ignore[method-assign]  # only once
        emergency(world).end_leaked_version(version_id)
        return stored

    world.store.presented = give_and_leak  # type: ignore[method-assign]  # a race on order
    report = world.apply(*wish)
    (resumed, *_) = report.outcomes
    assert (resumed.actions, resumed.status) == (("resume",), FAILED)
    assert resumed.message == "its new version was ended meanwhile"


def test_a_damaged_hash_stops_only_its_own_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are finished, and the run goes on."""
    from reconciler.apply import delivery

    world = World.seeded(readable=True)
    crashing_apply(world, 5, spec("a"), spec("b"))
    assert open_operations(world) == 2
    damaged = next(v.version_id for v in world.versions("a") if v.state is VersionState.PROVISIONAL)
    hashes = {s.secret_hash for i, s in world.store.state.versions.items() if i == damaged}

    def check(secret_hash: str, text: object) -> bool:
        if secret_hash in hashes:
            raise HashingFailed("the stored hash is damaged")
        return verify(secret_hash, text)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(delivery, "verify", check)
    report = world.apply(spec("a"), spec("b"), spec("c"))
    told = {(o.address, o.actions): o.status for o in report.outcomes}
    assert told["payments/c", ("create",)] is APPLIED
    assert told["payments/b", ("resume",)] is APPLIED


def test_a_stranger_exactly_where_the_interrupted_write_would_be_is_told_from_it() -> None:
    """Where reading is allowed; without it nobody could."""
    world, wish = crashed("rotate", "before write", readable=True)
    seen = world.sink.stranger_writes(PATH)
    report = world.apply(*wish)
    assert (report.outcomes[0].actions, report.outcomes[0].status) == (("resume",), BLOCKED)
    assert world.sink.version_at(PATH) == seen


def test_a_stranger_at_an_interrupted_path_blocks_it() -> None:
    """Nothing is overwritten; the version may have been read and retires."""
    world, wish = crashed("rotate", "after write")
    text = world.sink.secret_at(PATH)
    world.sink.stranger_writes(PATH, times=2)
    report = world.apply(*wish, spec("b"))
    resumed, created, rotated = report.outcomes[0], report.outcomes[1], report.outcomes[-1]
    assert (resumed.actions, resumed.status) == (("resume",), BLOCKED)
    assert resumed.message == (
        "payments/prod/a is at version 4 in the sink, which keyrec did not write "
        "(it knew version 1)"
    )
    assert resumed.advice.startswith("find out who writes there; nothing was overwritten. ")
    assert {created.status, rotated.status} == {APPLIED, BLOCKED}
    assert world.sink.version_at(PATH) == 4
    assert world.authenticates(text)
    assert states(world, "a") == [
        VersionState.CURRENT,
        VersionState.RETIRING,
        VersionState.RETIRED,
    ]
    world.clock.advance(OVERLAP)
    assert not world.authenticates(text)


def test_a_resumed_operation_that_meets_a_stranger_retires_all_its_versions() -> None:
    """The interrupted one may have been read; the new one was never sent successfully."""
    world, wish = crashed("create", "after write")
    text = world.sink.secret_at(PATH)
    come = [lambda: world.sink.stranger_writes(PATH, times=2)]

    def hook(moment: str, path: str) -> None:
        if moment == "before write" and come:
            come.pop()()

    world.sink.interrupt = hook
    report = world.apply(*wish)
    assert report.outcomes[0].status is BLOCKED
    assert states(world, "a")[:2] == [VersionState.RETIRING, VersionState.RETIRED]
    assert world.authenticates(text)


def test_operations_of_a_sink_that_is_trusted_no_more_are_abandoned() -> None:
    """Nothing is written there; the key is made again in the new one."""
    world, wish = crashed("create", "after write")
    text = world.sink.secret_at(PATH)
    other = SinkPolicy(kind=SinkKind.VAULT, identity="fake:sink-2", mount="secret", prefix="keyrec")
    world.sink._identity = "fake:sink-2"
    world.store.state.resources = {
        a: replace(r, body=policy(sink=other)) if str(a) == "policy/default" else r
        for a, r in world.store.state.resources.items()
    }
    world.sink.forget(PATH)
    report = world.apply(*wish)
    assert [(o.actions, o.status) for o in report.outcomes] == [
        (("resume",), APPLIED),
        (("rotate",), APPLIED),
    ]
    assert world.authenticates(text)
    assert_settled(world)


def test_an_operation_without_its_record_is_closed() -> None:
    """Nothing is known of its key any more: nothing is sent."""
    world, _ = crashed("create", "before write")
    key_id = world.record("a").key_id
    observe = world.store.observe

    def blind(manager: str, **asked: Any) -> ObservedState:
        state = observe(manager, **asked)
        return replace(state, records=tuple(r for r in state.records if r.key_id != key_id))

    world.store.observe = blind  # type: ignore[method-assign]  # a store that lost a record
    report = world.maintain()
    (outcome,) = report.outcomes
    assert (outcome.address, outcome.actions, outcome.status) == (key_id, ("resume",), APPLIED)
    assert open_operations(world) == 0
    assert world.sink.sent == []


# Troubles of the recovery itself.


def test_a_path_that_cannot_be_looked_at_leaves_its_operation_for_the_next_run() -> None:
    """The others go on, the change of that key is refused by the journal."""
    world, _ = crashed("rotate", "after write")
    world.sink.fail_next("observe", SinkUnavailable("the sink is busy"))
    report = world.apply(spec("a", generation=2), spec("b"))
    told = [(o.address, o.actions, o.status, o.message) for o in report.outcomes]
    assert ("payments/a", ("resume",), FAILED, "the sink is busy") in told
    busy = "an earlier operation on its path is still open"
    assert ("payments/a", ("rotate",), FAILED, busy) in told
    assert statuses(report)["payments/b"] is APPLIED
    assert world.apply(spec("a", generation=2), spec("b")).exit_code == 0
    assert_settled(world)


def test_a_sink_that_cannot_be_used_leaves_all_operations_open() -> None:
    """They are told with the sink's words; access is still ended by the store."""
    world = World.seeded()
    world.apply(spec("b"))
    crashing_apply(world, 4, spec("a"), spec("b"))
    world.sink.fail_next("identity", SinkUnavailable("sealed"), SinkUnavailable("sealed"))
    report = world.apply(spec("a"), spec("b", active=False))
    assert kept(report) == [("payments/a", ("resume",), FAILED)]
    assert report.outcomes[0].message == "sealed"
    assert statuses(report) == {"payments/b": APPLIED}
    assert (report.exit_code, open_operations(world)) == (4, 1)


def test_a_store_that_is_lost_in_the_recovery_ends_the_run() -> None:
    """One error; the next run begins where this one did."""
    world, wish = crashed("create", "after write")
    for _ in range(5):
        world.store.fail_next(StoreUnavailable("the store is gone"))
    with pytest.raises(StoreUnavailable):
        world.apply(*wish)
    assert world.apply(*wish).exit_code == 0
    assert_settled(world)


def test_a_run_that_is_stopped_between_two_batches_of_operations_tells_the_rest() -> None:
    """Exit 130, and the next run finishes."""
    world = World.seeded()
    wish: list[Item] = [spec(f"k{n}") for n in range(4)]
    world.sink.next_writes(*[Fate.UNAVAILABLE] * 4)
    world.apply(*wish)
    assert open_operations(world) == 4
    stop = threading.Event()
    world.sink.interrupt = lambda moment, _: stop.set() if moment == "after write" else None
    report = world.apply(*wish, stop=stop, batch_size=2)
    assert [o.status for o in report.outcomes] == [APPLIED] * 2 + [NOT_ATTEMPTED] * 2
    assert (report.exit_code, open_operations(world)) == (130, 2)
    assert world.apply(*wish).exit_code == 0
    assert_settled(world)


def test_a_dead_runs_lease_ends_by_itself_and_its_work_is_finished() -> None:
    """Nobody has to unlock anything by hand."""
    world = World.seeded()

    def die(fence: Fence) -> None:
        raise Crash

    release = world.store.release_lease
    world.store.release_lease = die  # type: ignore[method-assign]  # a process that is gone
    with pytest.raises(Crash):
        world.apply(spec("a"))
    world.store.release_lease = release  # type: ignore[method-assign]  # back again
    waiting = replace(world.doors(), sleep=lambda seconds: _wait(world, seconds))
    request = replace(world.run_request(spec("a")), lock_timeout=timedelta(seconds=60))
    report = run_apply(waiting, request, world.watch())
    assert report.exit_code == 0
    assert_settled(world)


def _wait(world: World, seconds: float) -> None:
    world.clock.advance(timedelta(seconds=seconds))


def test_a_run_that_lost_its_lease_can_send_nothing_new() -> None:
    """A paused run wakes up late: it commits nothing, and so it writes nothing."""
    world = World.seeded()
    world.sink.next_writes(Fate.LOST_REQUEST)

    def take_over(moment: str, _: str) -> None:
        if moment == "observe":
            world.clock.advance(timedelta(minutes=1))
            world.store.acquire_lease(MANAGER, holder="another run", run_id="another")

    world.sink.interrupt = take_over
    with pytest.raises(LeaseLost):
        world.apply(spec("a"))
    assert len(world.sink.sent) == 1
