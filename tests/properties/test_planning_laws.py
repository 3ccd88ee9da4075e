"""Laws of planning over generated repositories: order does not matter, the same gives the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, seed
from hypothesis import strategies as st

from reconciler.model.canonical import canonical_bytes
from reconciler.model.source import Revision
from reconciler.planning.effects import effects_document
from reconciler.planning.plan import Plan
from reconciler.planning.planner import make_plan
from tests.fakes.world import World
from tests.properties.profiles import FIXED, RANDOM, SEED
from tests.properties.test_apply_laws import take
from tests.properties.wishes import Step, lives

TWO_STATES = lives(longest=3).filter(lambda life: len(life) > 1)


def world_before_the_last(life: tuple[Step, ...]) -> World:
    """Apply all steps but the last."""
    world = World.seeded()
    for step in life[:-1]:
        world.clock.advance(step.passed)
        take(world, step)
    return world


def order_does_not_matter(life: tuple[Step, ...], chance: st.DataObject) -> None:
    """Declarations and records in any order give the same plan, but for where they stand."""
    world = world_before_the_last(life)
    asked = world.request(*life[-1].items)
    goal, seen = asked.desired, asked.observed
    other = replace(
        asked,
        desired=replace(
            goal,
            keys=tuple(chance.draw(st.permutations(goal.keys))),
            resources=tuple(chance.draw(st.permutations(goal.resources))),
        ),
        observed=replace(
            seen,
            records=tuple(chance.draw(st.permutations(seen.records))),
            paths=tuple(chance.draw(st.permutations(seen.paths))),
            resources=tuple(chance.draw(st.permutations(seen.resources))),
        ),
    )
    assert make_plan(other) == make_plan(asked)


def the_same_gives_the_same(life: tuple[Step, ...], minutes: int) -> None:
    """Equal requests give equal plans; time and commit alone do not change the digest."""
    world = world_before_the_last(life)
    asked = world.request(*life[-1].items)
    plan = make_plan(asked)
    assert make_plan(asked) == plan
    later = replace(
        asked,
        observed=replace(asked.observed, read_at=world.clock.now() + timedelta(minutes=minutes)),
        desired=replace(
            asked.desired, revision=Revision(commit="f" * 40), manifest_digest="0" * 64
        ),
    )
    assert make_plan(later).digest == plan.digest
    assert _bytes(make_plan(later)) == _bytes(plan)


def _bytes(plan: Plan) -> bytes:
    return canonical_bytes(effects_document(plan))


def different_effects_have_different_digests(life: tuple[Step, ...]) -> None:
    """A plan that still has something to do is not the plan of the applied state."""
    world = world_before_the_last(life)
    before = world.plan(*life[-1].items)
    take(world, life[-1])
    after = world.plan(*life[-1].items)
    assert (before.digest == after.digest) is (before.changes == ())


@FIXED
@given(TWO_STATES, st.data())
def test_the_order_of_everything_does_not_matter(
    life: tuple[Step, ...], chance: st.DataObject
) -> None:
    """For a fixed set of generated repositories."""
    order_does_not_matter(life, chance)


@seed(SEED)
@RANDOM
@given(TWO_STATES, st.data())
def test_the_order_does_not_matter_for_others(
    life: tuple[Step, ...], chance: st.DataObject
) -> None:
    """For other ones in every run."""
    order_does_not_matter(life, chance)


@FIXED
@given(TWO_STATES, st.integers(0, 10_000))
def test_the_same_inputs_have_the_same_digest(life: tuple[Step, ...], minutes: int) -> None:
    """For a fixed set of generated repositories."""
    the_same_gives_the_same(life, minutes)


@seed(SEED)
@RANDOM
@given(TWO_STATES, st.integers(0, 10_000))
def test_the_same_inputs_have_the_same_digest_for_others(
    life: tuple[Step, ...], minutes: int
) -> None:
    """For other ones in every run."""
    the_same_gives_the_same(life, minutes)


@FIXED
@given(TWO_STATES)
def test_an_approval_is_never_that_of_the_applied_state(life: tuple[Step, ...]) -> None:
    """For a fixed set of generated repositories."""
    different_effects_have_different_digests(life)
