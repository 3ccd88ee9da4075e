"""Laws of planning and apply over generated lives of a repository.

Planning an applied state is empty. A run that is killed at any effect, or whose sink answers as it
likes, converges with the next runs to the state of an undisturbed one.
"""

from __future__ import annotations

from hypothesis import given, seed
from hypothesis import strategies as st

from reconciler.apply.outcome import ApplyReport
from reconciler.model.keys import KeyFields
from tests.apply.watching import Watching, assert_settled, crashing_apply
from tests.fakes.sink import Fate
from tests.fakes.world import World
from tests.properties.profiles import FIXED, RANDOM, SEED
from tests.properties.wishes import Step, lives

CURABLE = st.sampled_from([f for f in Fate if f is not Fate.DONE])


def take(world: World, step: Step) -> ApplyReport:
    """Plan and apply one step, the count of endings stated."""
    ends = world.plan(*step.items).removal_count
    return world.apply(*step.items, allowed_removals=ends or None)


def shape(world: World) -> list[tuple[str, str, KeyFields, bool]]:
    """Give what can be told of the keys without their ids and secrets."""
    state = world.store.state
    return sorted(
        (
            (str(k.address), k.status.value, k.fields, state.with_versions(k).current is not None)
            for k in state.keys.values()
        ),
        key=repr,
    )


def applied_states_have_no_plan(life: tuple[Step, ...]) -> None:
    """apply(x), then plan(x): no change, nothing open, every live secret at its path works."""
    world = World.seeded()
    for step in life:
        world.clock.advance(step.passed)
        watching = Watching(world, ends=True)
        assert take(world, step).exit_code == 0
        watching.leave()
        plan = world.plan(*step.items)
        assert plan.changes == ()
        assert plan.is_applyable
        assert_settled(world)
        for record in world.store.observe("platform-keys").live.values():
            latest = world.sink.secret_at(record.fields.sink_path)
            assert world.authenticates(latest) is record.fields.active


def killed_runs_converge(life: tuple[Step, ...], moments: list[int]) -> None:
    """Killed at a random effect of every step, once or twice; then applied to the end."""
    undisturbed, world = World.seeded(), World.seeded()
    for step, moment in zip(life, moments, strict=False):
        for one in (undisturbed, world):
            one.clock.advance(step.passed)
        take(undisturbed, step)
        ends = world.plan(*step.items).removal_count
        crashing_apply(world, moment, *step.items, ends=True, allowed_removals=ends or None)
        crashing_apply(
            world, moment // 2, *step.items, ends=True, allowed_removals=_left(world, step)
        )
        assert take(world, step).exit_code == 0
        assert_settled(world)
        assert shape(world) == shape(undisturbed)
        assert world.plan(*step.items).changes == ()


def _left(world: World, step: Step) -> int | None:
    return world.plan(*step.items).removal_count or None


def any_answers_converge(life: tuple[Step, ...], fates: list[list[Fate]]) -> None:
    """Whatever becomes of writes, delayed ones landing late: the next quiet run ends it."""
    undisturbed, world = World.seeded(), World.seeded()
    for step, troubles in zip(life, fates, strict=False):
        for one in (undisturbed, world):
            one.clock.advance(step.passed)
        take(undisturbed, step)
        world.sink.next_writes(*troubles)
        watching = Watching(world, ends=True)
        take(world, step)
        world.sink.deliver()
        world.sink._fates.clear()
        report = take(world, step)
        watching.leave()
        assert report.exit_code == 0
        world.sink.deliver()
        assert_settled(world)
        assert shape(world) == shape(undisturbed)


MOMENTS = st.lists(st.integers(0, 24), min_size=5, max_size=5)
FATES = st.lists(st.lists(CURABLE, max_size=4), min_size=5, max_size=5)


@FIXED
@given(lives())
def test_an_applied_state_has_no_plan(life: tuple[Step, ...]) -> None:
    """For a fixed set of generated lives."""
    applied_states_have_no_plan(life)


@seed(SEED)
@RANDOM
@given(lives())
def test_an_applied_state_has_no_plan_for_other_lives(life: tuple[Step, ...]) -> None:
    """For other ones in every run."""
    applied_states_have_no_plan(life)


@FIXED
@given(lives(), MOMENTS)
def test_killed_runs_converge_to_the_undisturbed_state(
    life: tuple[Step, ...], moments: list[int]
) -> None:
    """For a fixed set of generated lives and kills."""
    killed_runs_converge(life, moments)


@seed(SEED)
@RANDOM
@given(lives(), MOMENTS)
def test_killed_runs_converge_for_other_lives(life: tuple[Step, ...], moments: list[int]) -> None:
    """For other ones in every run."""
    killed_runs_converge(life, moments)


@FIXED
@given(lives(), FATES)
def test_any_answers_of_the_sink_converge_to_the_undisturbed_state(
    life: tuple[Step, ...], fates: list[list[Fate]]
) -> None:
    """For a fixed set of generated lives and answers."""
    any_answers_converge(life, fates)


@seed(SEED)
@RANDOM
@given(lives(), FATES)
def test_any_answers_converge_for_other_lives(
    life: tuple[Step, ...], fates: list[list[Fate]]
) -> None:
    """For other ones in every run."""
    any_answers_converge(life, fates)
