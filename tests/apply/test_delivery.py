"""Step 2: what a clear answer, no answer, a refusal and a stranger lead to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from reconciler.apply.emergency import Emergency
from reconciler.errors import (
    HashingFailed,
    SinkDenied,
    SinkUnavailable,
    StoreUnavailable,
)
from reconciler.model.keys import KeyAddress, KeySpec
from reconciler.model.lifetime import VersionState
from reconciler.model.secret import Secret
from reconciler.planning.actions import Reason
from reconciler.ports import SecretPayload
from tests.apply.watching import (
    APPLIED,
    BLOCKED,
    FAILED,
    Watching,
    assert_settled,
    kept,
    only,
    open_operations,
    states,
    statuses,
)
from tests.fakes.sink import Fate
from tests.fakes.system import START
from tests.fakes.world import ADMIN, MANAGER, World, spec

A = KeyAddress(workspace="payments", name="a")
PATH = "payments/prod/a"
OVERLAP = timedelta(hours=24)
KINDS: dict[str, tuple[KeySpec, str, int]] = {
    "create": (spec("a"), PATH, 0),
    "rotate": (spec("a", generation=2), PATH, 1),
    "reissue": (spec("a", reissue=2), PATH, 1),
    "rename": (spec("b", owner="team-a", previous_name="a"), "payments/prod/b", 0),
    "move": (spec("a", sink_path="payments/else"), "payments/else", 0),
}


def world_for(kind: str, *, readable: bool = False) -> tuple[World, Watching]:
    """Give a world in which that kind of secret is to be made, and its watcher."""
    world = World.seeded(readable=readable)
    if kind != "create":
        world.apply(spec("a"))
    return world, Watching(world)


def at_first(moment: str, act: Callable[[], object]) -> Callable[[str, str], None]:
    """Give a hook that acts once, at the first such moment."""
    pending = [act]

    def hook(seen: str, path: str) -> None:
        if seen == moment and pending:
            pending.pop()()

    return hook


CLEAR: dict[Fate, tuple[int, int]] = {
    # fate: versions by which the path rises, requests that are sent
    Fate.DONE: (1, 1),
    Fate.LOST_ANSWER: (2, 2),
    Fate.LOST_REQUEST: (1, 2),
    Fate.DELAYED: (1, 2),
    Fate.DUPLICATED: (1, 1),
}


@pytest.mark.parametrize("fate", CLEAR)
@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_arrives_in_one_run_whatever_becomes_of_its_write(kind: str, fate: Fate) -> None:
    """Lost, delayed or doubled: one outcome, every promise held at every moment."""
    declared, path, known = KINDS[kind]
    world, watching = world_for(kind)
    sent = len(world.sink.sent)
    world.sink.next_writes(fate)
    report = world.apply(declared)
    rises, requests = CLEAR[fate]
    outcome = only(report)
    assert (outcome.status, outcome.path, outcome.sink_version) == (APPLIED, path, known + rises)
    assert len(world.sink.sent) - sent == requests
    world.sink.deliver()
    watching.check()
    assert_settled(world)
    assert world.plan(declared).changes == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_readable_sink_saves_the_second_write_after_a_lost_answer(kind: str) -> None:
    """The value is there, proven by its hash: it is confirmed where it is."""
    declared, path, known = KINDS[kind]
    world, watching = world_for(kind, readable=True)
    sent = len(world.sink.sent)
    world.sink.next_writes(Fate.LOST_ANSWER)
    outcome = only(world.apply(declared))
    assert (outcome.status, outcome.sink_version) == (APPLIED, known + 1)
    assert len(world.sink.sent) - sent == 1
    assert world.sink.observed == [path]
    watching.check()
    assert_settled(world)


@pytest.mark.parametrize(
    ("fate", "message"),
    [
        (Fate.UNAVAILABLE, "The sink did not take the request."),
        (Fate.DENIED, "The sink refused for want of rights."),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_write_that_was_not_done_fails_and_the_next_run_finishes_it(
    kind: str, fate: Fate, message: str
) -> None:
    """The sink's own words are told; the operation stays open and is taken up again."""
    declared, _, _ = KINDS[kind]
    world, watching = world_for(kind)
    world.sink.next_writes(fate)
    report = world.apply(declared)
    outcome = only(report)
    assert (outcome.status, outcome.message) == (FAILED, message)
    assert (report.exit_code, open_operations(world)) == (4, 1)
    again = world.apply(declared)
    assert again.exit_code == 0
    assert [(actions, status) for _, actions, status in kept(again)] == [(("resume",), APPLIED)]
    watching.check()
    assert_settled(world)


@pytest.mark.parametrize("kind", KINDS)
def test_a_delayed_write_that_lands_in_between_explains_the_refusal(kind: str) -> None:
    """A check-and-set refusal by our own earlier write: a new attempt goes on from there."""
    declared, path, known = KINDS[kind]
    world, watching = world_for(kind)
    world.sink.next_writes(Fate.DELAYED)
    see = world.sink.interrupt
    landed: list[object] = []

    def land(moment: str, place: str) -> None:
        if moment == "before write" and len(world.sink.observed) == 1 and not landed:
            landed.append(world.sink.deliver())
        see(moment, place)

    world.sink.interrupt = land
    outcome = only(world.apply(declared))
    assert landed == [(known + 1,)]
    assert (outcome.status, outcome.sink_version) == (APPLIED, known + 2)
    assert world.sink.observed == [path, path]
    watching.check()
    assert_settled(world)


def test_five_unclear_answers_are_left_to_the_next_run() -> None:
    """The pauses grow; nothing is sent for ever."""
    world = World.seeded()
    world.sink.next_writes(*[Fate.LOST_REQUEST] * 5)
    outcome = only(world.apply(spec("a")))
    assert (outcome.status, outcome.message) == (
        FAILED,
        "the sink gave no clear answer for payments/prod/a in 5 tries",
    )
    assert outcome.advice.startswith("run apply again when the sink is well")
    assert (len(world.sink.sent), world.waits) == (5, [0.25, 0.5, 1.0, 2.0, 4.0])
    assert world.apply(spec("a")).exit_code == 0
    assert_settled(world)


@pytest.mark.parametrize(("asked", "waited"), [(3.0, 3.0), (90.0, 10.0)])
def test_a_sink_that_asks_for_patience_is_given_it(asked: float, waited: float) -> None:
    """The same committed attempt is sent again after the pause, which has its limit."""
    world = World.seeded()

    def refuse() -> None:
        raise SinkUnavailable("too many requests", retry_after=asked)

    world.sink.interrupt = at_first("before write", refuse)
    assert only(world.apply(spec("a"))).status is APPLIED
    assert (world.waits, world.sink.observed) == ([waited], [])


def test_a_path_that_cannot_be_looked_at_leaves_the_operation_open() -> None:
    """After an unclear answer nothing is sent blindly."""
    world = World.seeded()
    world.sink.next_writes(Fate.LOST_ANSWER)
    world.sink.fail_next("observe", SinkDenied("no right to read metadata"))
    outcome = only(world.apply(spec("a")))
    assert (outcome.status, outcome.message) == (FAILED, "no right to read metadata")
    assert len(world.sink.sent) == 1
    assert world.authenticates(world.sink.secret_at(PATH))
    assert world.apply(spec("a")).exit_code == 0
    assert_settled(world)


# Strangers.


def blocked_words(path: str, seen: int, knew: int) -> tuple[str, str]:
    """Give what is said about a stranger."""
    message = (
        f"{path} is at version {seen} in the sink, which keyrec did not write "
        f"(it knew version {knew})"
    )
    advice = (
        "find out who writes there; nothing was overwritten. To write over it once, "
        f"add to the key's manifest: spec: {{secret: {{adopt: {seen}}}}}"
    )
    return message, advice


@pytest.mark.parametrize("kind", KINDS)
def test_a_strangers_write_blocks_its_key_alone_and_is_not_overwritten(kind: str) -> None:
    """Every attempt was definitely refused: the new version is retired. Other keys go on."""
    declared, path, known = KINDS[kind]
    world, _ = world_for(kind)
    seen = world.sink.stranger_writes(path, times=3)
    report = world.apply(declared, spec("other"))
    assert statuses(report) == {str(declared.address): BLOCKED, "payments/other": APPLIED}
    (blocked,) = [o for o in report.outcomes if o.status is BLOCKED]
    assert (blocked.message, blocked.advice) == blocked_words(path, seen, known)
    assert report.exit_code == 4
    assert (world.sink.version_at(path), world.sink.secret_at(path)) == (seen, None)
    assert states(world, declared.address.name)[-1] is VersionState.RETIRED
    assert open_operations(world) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_apply_says_a_blocked_path_again(kind: str) -> None:
    """Until a person has found out; then it is made at last."""
    declared, path, _ = KINDS[kind]
    world, _ = world_for(kind)
    world.sink.stranger_writes(path, times=3)
    world.apply(declared)
    for _ in range(2):
        report = world.apply(declared)
        assert [o.status for o in report.outcomes] == [BLOCKED]
        assert [o.path for o in report.outcomes] == [path]
    world.sink.forget(path)
    assert world.apply(declared).exit_code == 0
    assert_settled(world)
    assert world.plan(declared).changes == ()


def test_a_blocked_rename_is_due_because_its_secret_is_not_at_its_path() -> None:
    """The key has moved in the store; the plan says what is missing."""
    declared, path, _ = KINDS["rename"]
    world, _ = world_for("rename")
    world.sink.stranger_writes(path, times=3)
    first = world.sink.secret_at(PATH)
    world.apply(declared)
    plan = world.plan(declared)
    assert plan.changes == ()
    assert [i.reason for i in plan.maintenance] == [Reason.SINK_PATH_CHANGED]
    assert world.authenticates(first)


@pytest.mark.parametrize("kind", ["create", "rotate"])
def test_a_version_that_may_have_been_read_retires_with_its_overlap(kind: str) -> None:
    """One write had no answer before the stranger came."""
    declared, path, known = KINDS[kind]
    world, _ = world_for(kind)
    world.sink.next_writes(Fate.LOST_ANSWER)
    read: list[str | None] = []

    def come() -> None:
        read.append(world.sink.secret_at(path))
        world.sink.stranger_writes(path)

    world.sink.interrupt = at_first("observe", come)
    outcome = only(world.apply(declared))
    assert (outcome.status, outcome.message) == (BLOCKED, blocked_words(path, known + 2, known)[0])
    assert states(world, "a")[-1] is VersionState.RETIRING
    assert world.authenticates(read[0])
    world.clock.advance(OVERLAP)
    assert not world.authenticates(read[0])


def test_a_single_stranger_where_our_write_was_due_cannot_be_told_without_reading() -> None:
    """The documented limit: ours got no answer; the value is written over, and stays in the sink's
    history.
    """
    world = World.seeded()
    world.sink.next_writes(Fate.LOST_REQUEST)
    world.sink.interrupt = at_first("observe", lambda: world.sink.stranger_writes(PATH))
    outcome = only(world.apply(spec("a")))
    assert (outcome.status, outcome.sink_version) == (APPLIED, 2)
    assert_settled(world)


def payload_of(key_id: str) -> SecretPayload:
    """Give a payload that some other key wrote."""
    return SecretPayload(
        api_key=Secret("not-a-key-of-this-test"),
        key_id=key_id,
        version_id="another",
        workspace="shop",
        name="z",
        environment="prod",
        created_at=START,
        expires_at=None,
    )


@pytest.mark.parametrize("kind", ["create", "rotate"])
def test_a_readable_secret_of_another_key_is_never_written_over(kind: str) -> None:
    """Where reading is allowed, one foreign write exactly there is told from our own."""
    declared, path, known = KINDS[kind]
    world = World.seeded(readable=True)
    if kind == "rotate":
        world.apply(spec("a"))
    world.sink.write(path, payload_of("some-other-key"), expected=known)
    outcome = only(world.apply(declared))
    assert (outcome.status, outcome.message) == (BLOCKED, blocked_words(path, known + 1, known)[0])
    held = world.sink.payload_at(path, known + 1)
    assert held is not None
    assert held.key_id == "some-other-key"


@pytest.mark.parametrize("kind", ["create", "rotate"])
def test_a_readable_value_that_is_no_secret_of_ours_is_never_written_over(kind: str) -> None:
    """A stranger's single write exactly where ours would be is told from it."""
    declared, path, known = KINDS[kind]
    world = World.seeded(readable=True)
    if kind == "rotate":
        world.apply(spec("a"))
    world.sink.stranger_writes(path)
    outcome = only(world.apply(declared))
    assert (outcome.status, outcome.message) == (BLOCKED, blocked_words(path, known + 1, known)[0])
    assert world.sink.version_at(path) == known + 1


def test_a_rollback_of_the_keys_own_secret_is_mended_by_the_rotation() -> None:
    """Another version, readable, of the same key: the rotation goes on from it."""
    world = World.seeded(readable=True)
    world.apply(spec("a"))
    world.apply(spec("a", generation=2))
    world.sink.roll_back(PATH, 1)
    outcome = only(world.apply(spec("a", generation=3)))
    assert (outcome.status, outcome.sink_version) == (APPLIED, 4)
    assert_settled(world)


def test_a_secret_of_the_replaced_key_is_our_own_to_a_reissue() -> None:
    """The path is handed over with what stands there."""
    world = World.seeded(readable=True)
    world.apply(spec("a"))
    world.sink.roll_back(PATH, 1)
    outcome = only(world.apply(spec("a", reissue=2)))
    assert (outcome.status, outcome.sink_version) == (APPLIED, 3)


# Paths that were deleted outside.


def test_a_path_that_was_deleted_outside_is_minted_again_and_stays_usable() -> None:
    """Its versions count from 1 again, below what the store knew, and keyrec goes on from there."""
    world = World.seeded()
    for generation in (1, 2, 3):
        world.apply(spec("a", generation=generation))
    world.sink.forget(PATH)
    for generation, version in ((4, 1), (5, 2), (6, 3), (7, 4)):
        outcome = only(world.apply(spec("a", generation=generation)))
        assert (outcome.status, outcome.sink_version) == (APPLIED, version)
        assert world.authenticates(world.sink.secret_at(PATH))
    assert_settled(world)


def test_old_numbers_of_a_deleted_path_never_destroy_a_living_secret() -> None:
    """The copy of an ended secret had number 1; now the newest has."""
    world = World.seeded()
    world.apply(spec("a"))
    world.apply(spec("a", generation=2))
    world.sink.forget(PATH)
    world.clock.advance(2 * OVERLAP)
    report = world.apply(spec("a", generation=3))
    assert report.exit_code == 0
    assert world.sink.version_at(PATH) == 1
    assert world.authenticates(world.sink.secret_at(PATH))
    world.maintain()
    assert world.authenticates(world.sink.secret_at(PATH))
    world.apply(spec("a", generation=4))
    world.clock.advance(2 * OVERLAP)
    assert world.maintain().exit_code == 0
    assert world.authenticates(world.sink.secret_at(PATH))
    assert_settled(world)


# What happens beside a delivery.


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


def test_a_leak_before_a_second_attempt_stops_the_delivery() -> None:
    """The attempt is not committed, so nothing more is sent; the next run makes a successor."""
    world = World.seeded()
    world.sink.next_writes(Fate.LOST_REQUEST)
    world.sink.interrupt = at_first("observe", lambda: emergency(world).end_leaked(A))
    outcome = only(world.apply(spec("a")))
    assert (outcome.status, outcome.message) == (
        FAILED,
        "the operation was ended by somebody else meanwhile",
    )
    assert len(world.sink.sent) == 1
    assert world.apply(spec("a")).exit_code == 0
    assert_settled(world)


def test_a_leak_before_the_confirmation_is_told_and_a_successor_follows() -> None:
    """Transaction B does not bring an ended version back."""
    world = World.seeded()
    world.sink.interrupt = at_first("after write", lambda: emergency(world).end_leaked(A))
    outcome = only(world.apply(spec("a")))
    assert (outcome.status, outcome.message, outcome.advice) == (
        FAILED,
        "its new version was ended meanwhile",
        "run plan and apply again",
    )
    assert not world.authenticates(world.sink.secret_at(PATH))
    assert world.apply(spec("a")).exit_code == 0
    assert world.authenticates(world.sink.secret_at(PATH))
    assert_settled(world)


def test_a_store_that_is_lost_between_two_attempts_leaves_the_operation_open() -> None:
    """No attempt, no write."""
    world = World.seeded()
    world.sink.next_writes(Fate.LOST_REQUEST)

    def lose() -> None:
        for _ in range(5):
            world.store.fail_next(StoreUnavailable("the store is gone"))

    world.sink.interrupt = at_first("observe", lose)
    outcome = only(world.apply(spec("a")))
    assert (outcome.status, outcome.message) == (FAILED, "the store is gone")
    assert len(world.sink.sent) == 1
    assert world.apply(spec("a")).exit_code == 0
    assert_settled(world)


def test_an_interruption_inside_a_delivery_is_clean_and_the_next_apply_finishes() -> None:
    """Exit 130; nothing is sent after it."""
    world, stop = World.seeded(), threading.Event()
    world.sink.next_writes(Fate.LOST_ANSWER)
    world.sink.interrupt = at_first("observe", stop.set)
    report = world.apply(spec("a"), stop=stop)
    outcome = only(report)
    assert (outcome.status, outcome.message) == (FAILED, "the run was interrupted")
    assert (report.interrupted, report.exit_code) == (True, 130)
    assert len(world.sink.sent) == 1
    assert world.apply(spec("a")).exit_code == 0
    assert_settled(world)


def test_a_hash_that_cannot_be_checked_stops_only_its_own_delivery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The key is told as failed, the others arrive."""
    from reconciler.apply import delivery

    def fail(*_: object) -> bool:
        raise HashingFailed("the stored hash is damaged")

    monkeypatch.setattr(delivery, "verify", fail)
    world = World.seeded(readable=True)
    world.sink.next_writes(Fate.LOST_ANSWER, path=PATH)
    report = world.apply(spec("a"), spec("b"))
    assert statuses(report) == {"payments/a": FAILED, "payments/b": APPLIED}
    assert report.outcomes[0].message == "the stored hash is damaged"


def test_after_a_definite_refusal_the_next_version_is_a_strangers() -> None:
    """Nothing of ours was on its way: what came there is not written over, nor by the next run."""
    world = World.seeded()
    world.apply(spec("a"))
    world.sink.stranger_writes(PATH)
    for generation in (2, 3):
        report = world.apply(spec("a", generation=generation))
        assert only(report).status is BLOCKED
        assert world.sink.version_at(PATH) == 2
    assert open_operations(world) == 0
