"""Adoption carried out: keys of others come under this manager, strangers' versions are written over.

What a stranger left is overwritten only with a permission, and only at exactly that version.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.apply.outcome import Outcome
from reconciler.apply.run import run_apply
from reconciler.errors import Refused
from reconciler.model.keys import KeySpec
from reconciler.model.lifetime import VersionState
from reconciler.model.states import ObservedState
from tests.apply.watching import (
    APPLIED,
    BLOCKED,
    FAILED,
    Watching,
    assert_settled,
    crashing_apply,
    kept,
    only,
    open_operations,
    statuses,
)
from tests.fakes.sink import Fate
from tests.fakes.world import MANAGER, World, spec

BOB = "local:bob"
"""Admin of payments, no platform admin."""
PATH = "payments/prod/a"
A = spec("a")
MARKED = spec("a", adopts_record=True)


def give(world: World, name: str, manager: str | None) -> None:
    """Say that a key and all that it replaced are another manager's, or nobody's."""
    state, key_id = world.store.state, world.record(name).key_id
    for key in list(state.keys.values()):
        if key_id in {key.key_id, key.superseded_by}:
            state.keys[key.key_id] = replace(key, manager=manager)


def world_of(manager: str | None, *items: KeySpec) -> World:
    """Give a world in which `a` is not ours."""
    world = World.seeded()
    for item in items or (A,):
        world.apply(item)
    give(world, "a", manager)
    return world


# Records.


@pytest.mark.parametrize("manager", ["others", None])
def test_an_adopted_key_goes_on_as_it_was_and_leaves_nothing_to_do(manager: str | None) -> None:
    """Its secret works as before; no request goes to the sink."""
    world = world_of(manager)
    secret, sent = world.sink.secret_at(PATH), len(world.sink.sent)
    assert statuses(world.apply(MARKED)) == {"payments/a": APPLIED}
    assert world.record("a").manager == MANAGER
    assert world.authenticates(secret)
    assert len(world.sink.sent) == sent
    for declared in (MARKED, A):
        plan = world.plan(declared)
        assert (plan.changes, plan.maintenance, plan.unmanaged) == ((), (), ())


def test_the_audit_names_both_managers() -> None:
    """Whoever asks later whose key it was finds it in its history."""
    world = world_of("others")
    world.apply(MARKED)
    event = world.store.history("payments/a")[-1]
    assert event.note.event == "key-adopted"
    assert event.note.reason == "declared"
    assert dict(event.note.detail) == {
        "actions": "adopt",
        "formerManager": "others",
        "manager": MANAGER,
    }


def test_the_audit_of_nobodys_key_names_no_former_manager() -> None:
    """Nobody is nobody's name."""
    world = world_of(None)
    world.apply(MARKED)
    detail = dict(world.store.history("payments/a")[-1].note.detail)
    assert detail == {"actions": "adopt", "manager": MANAGER}


@pytest.mark.parametrize(
    ("declared", "before"),
    [
        (spec("a", adopts_record=True, owner="x", active=False), (A,)),
        (spec("a", adopts_record=True, generation=2), (A,)),
        (spec("a", adopts_record=True, sink_path="payments/else"), (A,)),
        (spec("a", adopts_record=True, reissue=2), (A,)),
        (spec("a", adopts_record=True, reissue=2, active=False), (A,)),
        (spec("a", adopts_record=True, reissue=2), (A, spec("a", reissue=2))),
        (spec("a", adopts_record=True, reissue=3), (A, spec("a", reissue=2))),
    ],
)
def test_one_apply_adopts_and_does_what_else_is_declared(
    declared: KeySpec, before: tuple[KeySpec, ...]
) -> None:
    """And all that is left of what the key replaced is this manager's to end."""
    world = world_of("others", *before)
    report = world.apply(declared)
    assert {o.status for o in report.outcomes} == {APPLIED}
    assert {k.manager for k in world.store.state.keys.values()} == {MANAGER}
    assert world.record("a").fields == declared.fields
    assert world.plan(declared).changes == ()
    assert_settled(world)


def test_the_former_managers_manifest_is_refused_and_its_prune_passes_by() -> None:
    """What was taken over is foreign to it, declared or not."""
    world = world_of("others")
    world.apply(MARKED)
    give(world, "a", "new-owner")
    assert "foreign-key" in [r.code for r in world.plan(A).refusals]
    assert world.plan(spec("b")).changes[0].address == "payments/b"
    assert [u.manager for u in world.plan().unmanaged] == ["new-owner"]


def test_a_workspaces_admin_adopts_nobodys_key_and_not_another_managers() -> None:
    """What a platform admin gave to another repository a platform admin takes from it."""
    taken = world_of("others")
    with pytest.raises(Refused, match="only platform admins may"):
        taken.apply(MARKED, principal=BOB)
    assert taken.store.observe("others").records != ()
    free = world_of(None)
    assert statuses(free.apply(MARKED, principal=BOB)) == {"payments/a": APPLIED}


def test_a_key_that_its_managers_run_works_on_is_left_to_it() -> None:
    """Refused before anything is done, and adopted once that operation is closed."""
    world = World.seeded()
    world.apply(A)
    assert not crashing_apply(world, 3, spec("a", generation=2))
    assert open_operations(world) == 1
    give(world, "a", "others")
    with pytest.raises(Refused, match="is being made by others"):
        world.apply(spec("a", adopts_record=True, generation=2))
    give_back = world.store.observe("others").records[0]
    world.store.state.keys[give_back.key_id] = replace(give_back, manager=MANAGER, versions=())
    world.maintain()
    give(world, "a", "others")
    world.apply(spec("a", adopts_record=True, generation=2))
    assert_settled(world)


def test_a_run_of_its_manager_that_comes_between_is_told_as_a_key_that_changed() -> None:
    """The other lease does not exclude ours; the record's version does."""
    world = world_of("others")
    request, real = world.run_request(MARKED), world.store.observe

    def observe_then_change(manager: str, **asked: Any) -> ObservedState:
        state = real(manager, **asked)
        (key_id,) = world.store.state.keys
        key = world.store.state.keys[key_id]
        if asked:
            version = key.record_version + 1
            world.store.state.keys[key_id] = replace(key, record_version=version)
        return state

    world.store.observe = observe_then_change  # type: ignore[method-assign]  # a race
    outcome = only(run_apply(world.doors(), request, world.watch()))
    assert (outcome.status, outcome.message) == (FAILED, "the key changed in the store meanwhile")
    world.store.observe = real  # type: ignore[method-assign]  # the race is over
    assert world.store.observe("others").live != {}


@pytest.mark.parametrize("moment", range(8))
def test_an_adoption_that_was_killed_is_done_or_not_and_the_next_run_finishes(moment: int) -> None:
    """With its rotation; no promise is broken at any moment."""
    declared = spec("a", adopts_record=True, generation=2)
    world = world_of("others")
    crashing_apply(world, moment, declared)
    world.apply(declared)
    assert world.plan(declared).changes == ()
    assert world.record("a").fields.rotation.generation == 2
    assert_settled(world)


def test_what_was_open_for_nobodys_key_is_finished_by_the_run_after_the_adoption() -> None:
    """And the secret that the same plan wanted is made then."""
    world = World.seeded()
    world.apply(A)
    assert not crashing_apply(world, 3, spec("a", generation=2))
    give(world, "a", None)
    declared = spec("a", adopts_record=True, generation=3)
    first = only(world.apply(declared))
    assert first.message == "an earlier operation on its path is still open"
    assert world.record("a").manager == MANAGER
    world.apply(declared)
    assert world.record("a").fields.rotation.generation == 3
    assert_settled(world)


# Versions of strangers.


def blocked_world(kind: str = "rotate", *, readable: bool = False, writes: int = 2) -> World:
    """Give a world in which a stranger's writes have blocked a key."""
    world = World.seeded(readable=readable)
    if kind != "create":
        world.apply(A)
    world.sink.stranger_writes(PATH, times=writes)
    outcome = only(world.apply(BLOCKED_KINDS[kind]))
    assert outcome.status is BLOCKED
    return world


BLOCKED_KINDS = {
    "create": A,
    "rotate": spec("a", generation=2),
    "reissue": spec("a", reissue=2),
}


def with_permission(declared: KeySpec, version: int) -> KeySpec:
    """Give the same key with the permission to write over that version."""
    return replace(declared, adopts_version=version)


def test_a_blocked_key_says_which_lines_let_it_go_on() -> None:
    """The version that was seen is the one to write."""
    world = World.seeded()
    world.apply(A)
    world.sink.stranger_writes(PATH, times=2)
    message, advice = blocked(world.apply(spec("a", generation=2)))
    assert message == (
        "payments/prod/a is at version 3 in the sink, which keyrec did not write "
        "(it knew version 1)"
    )
    assert advice == (
        "find out who writes there; nothing was overwritten. To write over it once, "
        "add to the key's manifest: spec: {secret: {adopt: 3}}"
    )


def blocked(report: Any) -> tuple[str, str]:
    """Give what is said of the one blocked outcome."""
    outcome: Outcome = only(report)
    assert outcome.status is BLOCKED
    return outcome.message, outcome.advice


def test_a_recovery_that_is_blocked_says_the_same() -> None:
    """The stranger came while the operation was open."""
    world = World.seeded()
    world.apply(A)
    assert not crashing_apply(world, 2, spec("a", generation=2))
    world.sink.stranger_writes(PATH, times=3)
    report = world.apply(maintenance_only=True)
    told = next(o for o in report.outcomes if o.status is BLOCKED)
    assert told.message.startswith("payments/prod/a is at version 4 in the sink")
    assert told.advice.endswith("spec: {secret: {adopt: 4}}")


@pytest.mark.parametrize("readable", [False, True])
@pytest.mark.parametrize("kind", BLOCKED_KINDS)
def test_a_blocked_key_works_again_after_its_adoption(kind: str, readable: bool) -> None:
    """One write, against exactly the version that the manifest names; then nothing is left."""
    world = blocked_world(kind, readable=readable)
    seen, sent = world.sink.version_at(PATH), len(world.sink.sent)
    declared = with_permission(BLOCKED_KINDS[kind], seen)
    report = world.apply(declared)
    assert statuses(report) == {"payments/a": APPLIED}
    assert [s.expected for s in world.sink.sent[sent:]] == [seen]
    assert world.authenticates(world.sink.secret_at(PATH))
    assert world.plan(declared).changes == ()
    assert_settled(world)
    later = spec("a", generation=5, reissue=declared.fields.reissue, adopts_version=seen)
    assert statuses(world.apply(later)) == {"payments/a": APPLIED}


def test_a_new_key_writes_over_what_was_there_before_it() -> None:
    """In the same apply that creates it."""
    world = World.seeded()
    world.sink.stranger_writes(PATH, times=4)
    outcome = only(world.apply(spec("a", adopts_version=4)))
    assert (outcome.actions, outcome.sink_version) == (("adopt", "create"), 5)
    assert world.authenticates(world.sink.secret_at(PATH))


def test_a_path_that_was_deleted_and_written_anew_is_adopted_below_its_recorded_version() -> None:
    """The number counts from 1 again."""
    world = World.seeded()
    for generation in (1, 2, 3):
        world.apply(spec("a", generation=generation))
    world.sink.forget(PATH)
    world.sink.stranger_writes(PATH, times=2)
    blocked(world.apply(spec("a", generation=4)))
    outcome = only(world.apply(spec("a", generation=4, adopts_version=2)))
    assert (outcome.status, outcome.sink_version) == (APPLIED, 3)
    assert_settled(world)


def test_a_path_that_went_on_since_is_blocked_again_at_the_new_version() -> None:
    """A permission is of one version, and nothing else is written over."""
    world = blocked_world()
    world.sink.stranger_writes(PATH, times=2)
    message, advice = blocked(world.apply(spec("a", generation=2, adopts_version=3)))
    assert "at version 5" in message
    assert advice.endswith("spec: {secret: {adopt: 5}}")
    assert world.sink.version_at(PATH) == 5
    done = only(world.apply(spec("a", generation=2, adopts_version=5)))
    assert (done.status, done.sink_version) == (APPLIED, 6)


def test_a_permission_for_a_path_that_is_as_recorded_is_an_ordinary_rotation() -> None:
    """Nothing of a stranger is there: what stands there is our own."""
    world = World.seeded()
    world.apply(A)
    outcome = only(world.apply(spec("a", adopts_version=9)))
    assert (outcome.status, outcome.sink_version) == (APPLIED, 2)
    assert world.plan(spec("a", adopts_version=9)).changes == ()
    assert_settled(world)


@pytest.mark.parametrize("fate", [Fate.LOST_ANSWER, Fate.LOST_REQUEST, Fate.DELAYED])
def test_an_unclear_answer_to_the_one_write_is_followed_as_always(fate: Fate) -> None:
    """The attempt was committed, so what it brought is explained."""
    world = blocked_world()
    world.sink.next_writes(fate)
    outcome = only(world.apply(spec("a", generation=2, adopts_version=3)))
    assert outcome.status is APPLIED
    world.sink.deliver()
    assert world.authenticates(world.sink.secret_at(PATH))
    assert_settled(world)


@pytest.mark.parametrize("moment", range(8))
def test_a_permission_outlives_a_killed_run(moment: int) -> None:
    """The next run writes over the same version, and asks nobody again."""
    world = blocked_world()
    declared = spec("a", generation=2, adopts_version=3)
    Watching(world).leave()
    crashing_apply(world, moment, declared, ends=True)
    world.apply(declared)
    assert world.plan(declared).changes == ()
    assert world.sink.version_at(PATH) in {4, 5}
    assert_settled(world)


def test_a_permission_outlives_the_end_of_the_secret_that_it_was_for() -> None:
    """The interrupted secret was revoked; its successor may still be written."""
    world = blocked_world()
    declared = spec("a", generation=2, adopts_version=3)
    assert not crashing_apply(world, 2, declared, ends=True)
    (operation,) = world.store.observe(MANAGER).operations
    slot = world.store.state.versions[operation.target]
    gone = replace(slot.version, state=VersionState.RETIRED, retired_at=world.clock.now())
    world.store.state.versions[operation.target] = replace(slot, version=gone)
    outcome = world.apply(declared).outcomes[-1]
    assert (outcome.actions, outcome.status, outcome.sink_version) == (("resume",), APPLIED, 4)
    assert_settled(world)


def test_the_audit_says_which_version_was_adopted() -> None:
    """With the operation that writes over it."""
    world = blocked_world()
    world.apply(spec("a", generation=2, adopts_version=3))
    begun = [e for e in world.store.history("payments/a") if e.note.event == "rotation-begun"]
    assert dict(begun[-1].note.detail)["adoptedVersion"] == "3"
    assert "adoptedVersion" not in dict(begun[0].note.detail)


def test_maintenance_uses_no_permission() -> None:
    """It reads no manifest, so it writes over nothing."""
    world = blocked_world("create")
    report = world.maintain()
    assert [status for *_, status in kept(report)] == [BLOCKED]
