"""What is done when the store gives no answer."""

from __future__ import annotations

import pytest

from reconciler.apply.transactions import TRIES, Transactions
from reconciler.errors import CommitUnknown, KeyrecError, LeaseLost, StoreUnavailable
from reconciler.model.audit import AuditNote
from reconciler.model.writes import HoldKey
from tests.fakes.world import ADMIN, World, spec


def transactions(world: World) -> Transactions:
    """Give transactions without a lease."""
    return Transactions(
        store=world.store,
        entropy=world.entropy,
        sleep=world.waits.append,
        actor=ADMIN,
        fence=None,
        revision="1a2b3c4",
        plan_digest="sha256:x",
    )


def hold(world: World) -> HoldKey:
    """Give a write that needs no lease."""
    note = AuditNote(event="key-held", address="payments/a", reason="requested")
    return HoldKey(key_id=world.record("a").key_id, reason="stop", note=note)


def applied() -> World:
    """Give a world with one key."""
    world = World.seeded()
    world.apply(spec("a"))
    return world


def test_an_answer_is_given_with_who_why_and_from_where() -> None:
    """Actor, commit and plan stand in the audit."""
    world = applied()
    answer = transactions(world).run([hold(world)])
    assert answer.refusals == (None,)
    event = list(world.store.events())[-1]
    assert (event.actor, event.revision, event.plan_digest) == (ADMIN, "1a2b3c4", "sha256:x")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("count", range(1, TRIES))
def test_a_transaction_is_repeated_with_the_same_id_and_growing_pauses(
    count: int, after: bool
) -> None:
    """Its effect happens once."""
    world = applied()
    before = len(world.store.commits)
    for _ in range(count):
        world.store.fail_next(CommitUnknown("no answer"), after=after)
    transactions(world).run([hold(world)])
    asked = world.store.commits[before:]
    assert (len(asked), len({c.commit_id for c in asked})) == (count + 1, 1)
    assert world.waits == [0.2, 0.4, 0.8, 1.6][:count]
    held = [e for e in world.store.events() if e.note.event == "key-held"]
    assert len(held) == 1


UNKNOWN, GONE = CommitUnknown("no answer"), StoreUnavailable("gone")
ENDS: list[tuple[list[KeyrecError], KeyrecError]] = [
    ([UNKNOWN] * TRIES, UNKNOWN),
    ([GONE] * TRIES, GONE),
    ([UNKNOWN, *[GONE] * (TRIES - 1)], UNKNOWN),
    ([GONE, UNKNOWN, GONE, GONE, GONE], UNKNOWN),
    ([*[GONE] * (TRIES - 1), UNKNOWN], UNKNOWN),
]


@pytest.mark.parametrize(("errors", "told"), ENDS)
def test_after_the_last_try_the_truth_about_all_tries_is_told(
    errors: list[KeyrecError], told: KeyrecError
) -> None:
    """That the last one was not committed says nothing of an unknown earlier one."""
    world = applied()
    for error in errors:
        world.store.fail_next(error)
    with pytest.raises(type(told)) as caught:
        transactions(world).run([hold(world)])
    assert caught.value is told
    assert len(world.waits) == TRIES - 1


def test_a_lost_lease_is_told_at_once() -> None:
    """Trying again would not bring it back."""
    world = applied()
    world.store.fail_next(LeaseLost("not ours"))
    with pytest.raises(LeaseLost):
        transactions(world).run([hold(world)])
    assert world.waits == []


def test_a_lease_that_runs_out_says_nothing_of_an_earlier_unknown_try() -> None:
    """What may stand is not told as never begun."""
    world = applied()
    world.store.fail_next(CommitUnknown("no answer"), after=True)
    world.store.fail_next(LeaseLost("gone"))
    with pytest.raises(CommitUnknown):
        transactions(world).run([hold(world)])
    assert world.record("a").hold is not None
