"""The doors that wait for nobody: hold, release, the end of a leaked secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.apply.emergency import Emergency
from reconciler.apply.run import run_apply
from reconciler.errors import CommitUnknown, NotFound, Refused, StoreUnavailable
from reconciler.model.keys import KeyAddress, KeyRecord, KeySpec
from reconciler.model.lifetime import VersionState
from reconciler.model.writes import Commit, Committed
from reconciler.planning.actions import Reason
from tests.apply.watching import (
    APPLIED,
    assert_settled,
    crashing_apply,
    kept,
    only,
    statuses,
)
from tests.fakes.world import ADMIN, MANAGER, World, removal, spec

A = KeyAddress(workspace="payments", name="a")
B = KeyAddress(workspace="payments", name="b")
PATH = "payments/prod/a"
DAY = timedelta(days=1)


def doors(world: World, principal: str = ADMIN) -> Emergency:
    """Open the emergency doors in somebody's name."""
    return Emergency(
        store=world.store,
        entropy=world.entropy,
        sleep=world.waits.append,
        principal=principal,
        policy=world.store.observe(MANAGER).policy,
        manager=MANAGER,
    )


def applied(*items: KeySpec) -> World:
    """Give a world with these keys, else with payments/a."""
    world = World.seeded()
    world.apply(*(items or (spec("a"),)))
    return world


def test_a_hold_stops_a_key_at_once_and_apply_respects_it() -> None:
    """Every secret of it; a release lets it in again."""
    world = applied()
    text = world.sink.secret_at(PATH)
    doors(world).hold(A, "seen in a log")
    assert not world.authenticates(text)
    hold = world.record("a").hold
    assert hold is not None
    assert (hold.reason, hold.by, hold.since) == ("seen in a log", ADMIN, world.clock.now())
    world.apply(spec("a", owner="x"))
    assert not world.authenticates(text)
    with pytest.raises(Refused, match="payments/a is on hold: seen in a log"):
        world.apply(spec("a", owner="x", reissue=2))
    doors(world).release(A)
    assert world.authenticates(text)


def test_a_second_hold_keeps_the_first() -> None:
    """Who stopped it first, and why, is not lost."""
    world = applied()
    doors(world).hold(A, "first")
    doors(world, "local:bob").hold(A, "second")
    hold = world.record("a").hold
    assert hold is not None
    assert (hold.reason, hold.by) == ("first", ADMIN)


def test_a_hold_stops_what_the_key_has_replaced_too() -> None:
    """After a reissue the old secret works for its overlap; an emergency stop ends that."""
    world = applied()
    first = world.sink.secret_at(PATH)
    world.apply(spec("a", reissue=2))
    assert world.authenticates(first)
    doors(world).hold(A, "stolen laptop")
    assert not world.authenticates(first)
    assert not world.authenticates(world.sink.secret_at(PATH))
    doors(world).release(A)
    assert world.authenticates(first)
    assert world.authenticates(world.sink.secret_at(PATH))


def test_a_hold_follows_a_replaced_key_through_a_rename() -> None:
    """The predecessor still has the old name."""
    world = applied()
    first = world.sink.secret_at(PATH)
    world.apply(spec("a", reissue=2))
    world.apply(spec("b", owner="team-a", previous_name="a", reissue=2))
    assert world.authenticates(first)
    doors(world).hold(B, "stolen laptop")
    assert not world.authenticates(first)
    doors(world).release(B)
    assert world.authenticates(first)


def renamed_onto_a_tombstone() -> World:
    """Give a world where a live key has the name of one that was created after it and removed."""
    world = applied(spec("b", owner="team"))
    world.clock.advance(DAY)
    world.apply(spec("b", owner="team"), spec("a"))
    world.apply(spec("b", owner="team"), removal("a"))
    world.apply(spec("a", owner="team", previous_name="b"))
    return world


def test_the_live_key_is_meant_whatever_else_had_its_name() -> None:
    """A tombstone that is younger than the key does not stand in the way of an emergency."""
    world = renamed_onto_a_tombstone()
    text = world.sink.secret_at(PATH)
    assert world.authenticates(text)
    doors(world).hold(A, "stop")
    assert not world.authenticates(text)
    doors(world).release(A)
    assert world.authenticates(text)
    assert len(doors(world).end_leaked(A)) == 2
    assert not world.authenticates(text)


def test_a_release_frees_the_name_of_a_removed_held_key() -> None:
    """Removal and re-creation is no way around a hold; a release is the way."""
    world = applied()
    doors(world).hold(A, "stop")
    world.apply(removal("a"))
    with pytest.raises(Refused, match="payments/a was on hold when it was removed"):
        world.apply(spec("a"))
    doors(world).release(A)
    assert world.apply(spec("a")).exit_code == 0
    assert world.authenticates(world.sink.secret_at(PATH))


def test_a_key_that_is_not_held_cannot_be_released() -> None:
    """The person means another one."""
    world = applied()
    with pytest.raises(Refused) as caught:
        doors(world).release(A)
    assert caught.value.message == "the key is not on hold"


def test_a_removed_key_cannot_be_held() -> None:
    """It admits nobody anyway."""
    world = applied()
    world.apply(removal("a"))
    with pytest.raises(Refused) as caught:
        doors(world).hold(A, "stop")
    assert caught.value.message == "the key is not in the store any more"


# Leaks.


def test_a_leaked_key_admits_nobody_and_is_followed_by_a_successor() -> None:
    """All its secrets end at once, the retiring ones too; apply makes a new one."""
    world = applied()
    first = world.sink.secret_at(PATH)
    world.apply(spec("a", generation=2))
    second = world.sink.secret_at(PATH)
    ended = doors(world).end_leaked(A)
    assert list(ended) == [v.version_id for v in world.versions("a")]
    assert not world.authenticates(first)
    assert not world.authenticates(second)
    assert all(v.leaked and v.state is VersionState.RETIRED for v in world.versions("a"))
    plan = world.plan(spec("a", generation=2))
    assert plan.changes == ()
    assert plan.maintenance[0].reason is Reason.NO_LIVE_VERSION
    report = world.apply(spec("a", generation=2))
    assert kept(report)[0] == ("payments/a", ("rotate",), APPLIED)
    assert world.authenticates(world.sink.secret_at(PATH))
    assert_settled(world)


def test_a_leak_ends_what_the_key_has_replaced_too() -> None:
    """Its predecessor's secret was in the same hands."""
    world = applied()
    first = world.sink.secret_at(PATH)
    world.apply(spec("a", reissue=2))
    assert len(doors(world).end_leaked(A)) == 2
    assert not world.authenticates(first)


def test_a_key_without_a_working_secret_has_nothing_to_end() -> None:
    """A second call finds nothing and writes nothing."""
    world = applied()
    doors(world).end_leaked(A)
    events = len(world.store.state.events)
    assert doors(world).end_leaked(A) == ()
    assert len(world.store.state.events) == events


def test_one_leaked_secret_is_ended_by_the_id_that_a_token_carries() -> None:
    """The others of the key go on."""
    world = applied()
    first = world.sink.secret_at(PATH)
    world.apply(spec("a", generation=2))
    assert first is not None
    assert doors(world).end_leaked_version(first.split("_")[2]) == A
    assert not world.authenticates(first)
    assert world.authenticates(world.sink.secret_at(PATH))
    assert world.plan(spec("a", generation=2)).changes == ()


def test_an_unknown_version_is_not_found() -> None:
    """The advice says which part of a key it is."""
    with pytest.raises(NotFound) as caught:
        doors(applied()).end_leaked_version("abcdefABCDEF")
    assert caught.value.message == "no version has the id abcdefABCDEF"
    assert caught.value.advice == "the id is the third part of the key's text, 12 characters"


# Rights, audit, independence.


def first_version(world: World) -> str:
    """Give the id of the key's first version."""
    return world.versions("a")[0].version_id


DOORS: dict[str, Callable[[World, Emergency], object]] = {
    "hold": lambda _, door: door.hold(A, "stop"),
    "release": lambda _, door: door.release(A),
    "leaked": lambda _, door: door.end_leaked(A),
    "leaked version": lambda world, door: door.end_leaked_version(first_version(world)),
}
EVENTS = {
    "hold": "key-held",
    "release": "key-released",
    "leaked": "secret-leaked",
    "leaked version": "secret-leaked",
}


def ready(door: str) -> World:
    """Give a world in which the door can be used."""
    world = applied()
    if door == "release":
        doors(world).hold(A, "stop")
    return world


@pytest.mark.parametrize("door", DOORS)
def test_only_admins_of_the_key_may_use_a_door(door: str) -> None:
    """Its workspace's and the platform's; nothing happens for anybody else."""
    for principal in (ADMIN, "local:bob"):
        world = ready(door)
        DOORS[door](world, doors(world, principal))
    world = ready(door)
    commits = len(world.store.commits)
    with pytest.raises(Refused) as caught:
        DOORS[door](world, doors(world, "local:mallory"))
    assert caught.value.message == (
        "local:mallory is no admin of the workspace payments in the store"
    )
    assert caught.value.advice == "ask an admin of the workspace, or a platform admin"
    assert len(world.store.commits) == commits


@pytest.mark.parametrize("door", DOORS)
def test_a_door_is_audited_in_the_name_of_who_used_it(door: str) -> None:
    """Who, when, why."""
    world = ready(door)
    DOORS[door](world, doors(world, "local:bob"))
    event = list(world.store.events())[-1]
    assert (event.note.event, event.actor) == (EVENTS[door], "local:bob")
    assert (event.note.address, event.run_id) == ("payments/a", None)
    if door == "hold":
        assert event.note.reason == "stop"
    if door.startswith("leaked"):
        assert dict(event.note.detail) == {"versionId": first_version(world)}


@pytest.mark.parametrize("door", DOORS)
def test_a_door_needs_neither_lease_nor_sink(door: str) -> None:
    """While another run holds the lease, and with a sink that fails at every touch."""
    world = ready(door)
    world.store.acquire_lease(MANAGER, holder="a stuck run", run_id="another")

    def fail(*_: object) -> None:
        pytest.fail("an emergency stop touched the sink")

    world.sink.interrupt = fail
    DOORS[door](world, doors(world))
    assert (world.waits, world.store.commits[-1].fence) == ([], None)


def test_a_run_under_way_meets_the_hold_at_its_next_transaction() -> None:
    """A reissue that was begun before is refused by the store."""
    world = applied()
    request = world.run_request(spec("a", reissue=2))
    real = world.store.commit

    def hold_first(commit: Commit) -> Committed:
        world.store.commit = real  # type: ignore[method-assign]  # only once
        doors(world).hold(A, "stop")
        return real(commit)

    world.store.commit = hold_first  # type: ignore[method-assign]  # a race on order
    outcome = only(run_apply(world.doors(), request, world.watch()))
    assert (outcome.message, outcome.advice) == (
        "the key was put on hold meanwhile",
        "keyrec release it first",
    )
    assert len(world.sink.sent) == 1


def test_a_hold_does_not_make_an_approved_plan_look_stale() -> None:
    """The emergency and the review do not disturb each other."""
    world = applied()
    approved = world.plan(spec("a", owner="x")).digest
    doors(world).hold(A, "stop")
    report = world.apply(spec("a", owner="x"), approved=approved)
    assert statuses(report) == {"payments/a": APPLIED}


@pytest.mark.parametrize("door", ["hold", "release", "leaked"])
def test_a_name_that_never_was_is_not_found(door: str) -> None:
    """With the advice where to look."""
    world = World.seeded()
    with pytest.raises(NotFound) as caught:
        DOORS[door](world, doors(world))
    assert caught.value.message == "there is no key payments/a"
    assert caught.value.advice == "keyrec status lists the keys"


def test_a_door_tries_again_where_the_store_gives_no_answer() -> None:
    """A lost answer is no reason to leave a leaked key alive."""
    world = applied()
    world.store.fail_next(CommitUnknown("no answer"))
    world.store.fail_next(StoreUnavailable("gone"))
    doors(world).hold(A, "stop")
    assert not world.authenticates(world.sink.secret_at(PATH))


def test_an_open_operation_does_not_hold_a_leak_back() -> None:
    """The version under way ends too, and the next run closes its operation."""
    world = World.seeded()
    crashing_apply(world, 4, spec("a"))
    text = world.sink.secret_at(PATH)
    assert world.authenticates(text)
    doors(world).end_leaked(A)
    assert not world.authenticates(text)
    assert world.apply(spec("a")).exit_code == 0
    assert not world.authenticates(text)
    assert_settled(world)


def test_a_hold_that_a_reissue_overtakes_stops_the_new_key_too() -> None:
    """The run committed between the look at the key and its hold."""
    world = applied()
    find = world.store.find

    def overtaken(address: KeyAddress) -> tuple[KeyRecord, ...]:
        found = find(address)
        world.store.find = find  # type: ignore[method-assign]  # once
        world.apply(spec("a", reissue=2))
        return found

    world.store.find = overtaken  # type: ignore[method-assign]  # a run at that moment
    doors(world).hold(A, "suspicious")
    assert not world.authenticates(world.sink.secret_at(PATH))


@pytest.mark.parametrize("act", ["hold", "leak"])
def test_what_a_renamed_key_of_another_manager_had_replaced_is_stopped_with_it(act: str) -> None:
    """It has the old name still, and a secret that works."""
    world = applied()
    old = world.sink.secret_at(PATH)
    world.apply(spec("a", reissue=2))
    world.apply(spec("b", owner="team-a", reissue=2, previous_name="a"))
    assert world.authenticates(old)
    others = replace(doors(world), manager="another")
    if act == "hold":
        others.hold(B, "suspicious")
    else:
        others.end_leaked(B)
    assert not world.authenticates(old)
    assert not world.authenticates(world.sink.secret_at("payments/prod/b"))
