"""Batches overlap, and a run that has to end sends nothing that it has not begun to send."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from reconciler.apply.doors import RunWatch
from reconciler.apply.outcome import Outcome, OutcomeStatus
from reconciler.apply.run import run_apply
from reconciler.apply.steps import Begun
from reconciler.errors import StoreUnavailable
from reconciler.model.writes import Commit
from tests.apply.watching import (
    APPLIED,
    FAILED,
    NOT_ATTEMPTED,
    assert_settled,
    at_commit,
    open_operations,
    writes_of,
)
from tests.fakes.sink import Fate
from tests.fakes.threads import Queue
from tests.fakes.world import MANAGER, World, spec

BEGIN, CONFIRM = "BeginSecret", "ConfirmSecret"
WISH = [spec(f"k{n:02}") for n in range(24)]


@pytest.fixture
def world() -> World:
    """Give a world whose runs have one slow thread, so that everything queues up."""
    world = World.seeded()
    world.threads = lambda _: Queue()
    return world


def at_write(world: World, number: int, happen: Callable[[], None]) -> None:
    """Let something happen before the write to the sink of that number, counted from 1."""
    seen = 0

    def interrupt(moment: str, _: str) -> None:
        nonlocal seen
        seen += moment == "before write"
        if moment == "before write" and seen == number:
            happen()

    world.sink.interrupt = interrupt


def test_the_next_batch_is_begun_before_the_first_is_sent(world: World) -> None:
    """Its secrets are hashed before: they do not queue up behind what is sent."""
    before = len(world.store.commits)
    sent_at: list[int] = []
    world.sink.interrupt = lambda moment, _: sent_at.append(len(world.store.commits) - before)
    assert world.apply(*WISH, batch_size=8).exit_code == 0
    assert sent_at[0] == 2
    assert [w[0] for w in writes_of(world)[before:] if w] == [
        *[BEGIN, BEGIN, CONFIRM, BEGIN, CONFIRM, CONFIRM]
    ]
    assert_settled(world)


def test_who_wants_it_to_stop_while_it_sends_is_heard_before_anything_is_begun(
    world: World,
) -> None:
    """What was begun is finished."""
    stop, begun = threading.Event(), []

    def end() -> None:
        stop.set()
        begun.append(len(world.store.commits))

    at_write(world, 3, end)
    report = world.apply(*WISH, stop=stop, batch_size=8)
    after = [kind for write in writes_of(world)[begun[0] :] for kind in write]
    assert BEGIN not in after
    assert [o.status for o in report.outcomes] == [APPLIED] * 16 + [NOT_ATTEMPTED] * 8
    assert open_operations(world) == 0


def test_a_lost_lease_ends_the_sending(world: World) -> None:
    """What waits to be sent is not: the run that has the lease now goes on with it."""

    def lose() -> None:
        world.clock.advance(timedelta(minutes=1))
        world.store.acquire_lease(MANAGER, holder="another", run_id="another")
        world.sink.next_writes(Fate.LOST_REQUEST)  # a second attempt is to be committed

    at_write(world, 10, lose)
    report = world.apply(*WISH, batch_size=8)
    assert len(world.sink.sent) == 10
    told = [o.status for o in report.outcomes]
    assert told == [APPLIED] * 8 + [FAILED] * 16
    world.sink.interrupt = lambda *_: None
    world.clock.advance(timedelta(minutes=1))
    assert world.apply(*WISH, batch_size=8).exit_code == 0
    assert_settled(world)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError, AssertionError])
def test_a_run_that_is_cut_short_sends_nothing_more_and_says_what_was_under_way(
    world: World, kind: type[BaseException]
) -> None:
    """The second Ctrl-C means at once; nothing under way is told as never attempted."""

    def cut() -> None:
        raise kind

    at_write(world, 3, cut)
    with pytest.raises(kind):
        world.apply(*WISH, batch_size=8)
    assert len(world.sink.sent) == 2
    told = [(o.status, o.message) for o in world.watched[-24:]]
    cut_short = (FAILED, "the run ended before it was known what became of it")
    assert told == [cut_short] * 16 + [(NOT_ATTEMPTED, "")] * 8
    world.sink.interrupt = lambda *_: None
    world.clock.advance(timedelta(minutes=1))
    assert world.apply(*WISH, batch_size=8).exit_code == 0
    assert_settled(world)


def test_a_recovery_that_is_cut_short_sends_nothing_more(world: World) -> None:
    """Open operations are brought to their end by the same threads."""

    def cut() -> None:
        raise KeyboardInterrupt

    at_write(world, 1, cut)
    with pytest.raises(KeyboardInterrupt):
        world.apply(*WISH, batch_size=8)
    world.clock.advance(timedelta(minutes=1))
    assert open_operations(world) == 16
    before = len(world.sink.sent)
    at_write(world, 3, cut)
    with pytest.raises(KeyboardInterrupt):
        world.apply(*WISH, batch_size=8)
    assert len(world.sink.sent) == before + 2


def test_a_store_that_fails_for_a_while_still_learns_of_what_was_sent(world: World) -> None:
    """One batch cannot be begun; the secrets of the one before it are out, and are confirmed."""

    def fail() -> None:
        for _ in range(5):
            world.store.fail_next(StoreUnavailable("gone for a moment"))

    at_commit(world, [BEGIN, BEGIN], fail)
    report = world.apply(*WISH, batch_size=8)
    told = [o.status for o in report.outcomes]
    assert told == [APPLIED] * 8 + [FAILED] * 8 + [NOT_ATTEMPTED] * 8
    assert open_operations(world) == 0
    assert world.apply(*WISH, batch_size=8).exit_code == 0
    assert len(world.sink.sent) == len(WISH)
    assert_settled(world)


def test_a_batch_that_failed_is_not_asked_for_again(world: World) -> None:
    """A store that is gone for good ends the run; everything under way is told once."""
    real = world.store.commit

    def gone(commit: Commit) -> object:
        if any(type(write).__name__ == CONFIRM for write in commit.writes):
            raise StoreUnavailable("gone")
        return real(commit)

    world.store.commit = gone  # type: ignore[assignment,method-assign]
    with pytest.raises(StoreUnavailable):
        world.apply(*WISH, batch_size=8)
    told = [o.status for o in world.watched[-24:]]
    assert told == [FAILED] * 16 + [NOT_ATTEMPTED] * 8
    assert len(world.sink.sent) == 8


def test_what_is_known_of_a_batch_is_told_whatever_happens_while_it_is_told(world: World) -> None:
    """A second Ctrl-C comes while outcomes are printed: the confirmed ones are told as applied."""
    told: list[OutcomeStatus] = []

    def tell(outcome: Outcome) -> None:
        told.append(outcome.status)
        if len(told) == 3:
            raise KeyboardInterrupt

    request = world.run_request(*WISH, batch_size=8)
    with pytest.raises(KeyboardInterrupt):
        run_apply(world.doors(), request, RunWatch(on_outcome=tell))
    assert told == [APPLIED] * 8 + [FAILED] * 8 + [NOT_ATTEMPTED] * 8


def test_a_third_interruption_does_not_hide_what_was_under_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes while what is on its way is waited for."""

    def cut() -> None:
        raise KeyboardInterrupt

    at_write(world, 3, cut)
    monkeypatch.setattr(Begun, "drop", lambda _: cut())
    with pytest.raises(KeyboardInterrupt):
        world.apply(*WISH, batch_size=8)
    assert [o.status for o in world.watched[-24:]] == [FAILED] * 16 + [NOT_ATTEMPTED] * 8


def test_what_was_handed_to_threads_before_a_fault_is_not_sent(world: World) -> None:
    """No more threads can be had in the middle of a batch."""

    class Few(Queue):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            if fn.__name__ == "deliver" and args[0].path.endswith("k03"):
                raise RuntimeError("can't start new thread")
            return super().submit(fn, *args, **kwargs)

    world.threads = lambda _: Few()
    with pytest.raises(RuntimeError, match="new thread"):
        world.apply(*WISH, batch_size=8)
    assert world.sink.sent == []
    assert [o.status for o in world.watched[-24:]] == [FAILED] * 8 + [NOT_ATTEMPTED] * 16
