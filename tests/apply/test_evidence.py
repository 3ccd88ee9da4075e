"""The end of a replaced secret on evidence, over whole runs: rotated by schedule, waited for, ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.keys import KeySpec
from reconciler.model.lifetime import Retirement, VersionState
from reconciler.model.uses import UseReport
from tests.apply.test_emergency import doors
from tests.apply.watching import states
from tests.fakes.world import World, spec
from tests.properties.profiles import FIXED

DAY = timedelta(days=1)
PATH = "payments/prod/a"
CURRENT, RETIRING = VersionState.CURRENT, VersionState.RETIRING
RETIRED = VersionState.RETIRED


def patient() -> KeySpec:
    """Declare a key that rotates every thirty days and whose old secrets retire when unused."""
    return spec("a", every=30 * DAY, overlap=DAY, retire=Retirement.WHEN_UNUSED)


def rotated() -> tuple[World, str]:
    """Give a world in which the schedule has replaced a secret; that secret."""
    world = World.seeded()
    world.apply(patient())
    first = world.sink.secret_at(PATH)
    assert first is not None
    world.clock.advance(30 * DAY)
    world.maintain()
    assert states(world, "a") == [RETIRING, CURRENT]
    return world, first


def report(world: World, *, used: datetime | None = None) -> None:
    """Let a verifier report everything up to now, with a use of the replaced secret or none."""
    old = world.versions("a")[0].version_id
    uses = () if used is None else ((old, used),)
    world.store.report_uses(UseReport(reporter="gateway", uses=uses, until=world.clock.now()))


def test_without_a_verifier_a_replaced_secret_is_accepted_for_ever() -> None:
    """Nobody listened, so silence says nothing."""
    world, first = rotated()
    world.clock.advance(20 * DAY)
    world.maintain()
    assert states(world, "a") == [RETIRING, CURRENT]
    assert world.authenticates(first)


def test_an_unused_secret_ends_after_its_overlap_and_its_copy_goes() -> None:
    """Verifiers have listened since, and nobody came."""
    world, first = rotated()
    world.clock.advance(DAY)
    report(world)
    world.maintain()
    assert not world.authenticates(first)
    world.maintain()
    assert world.sink.payload_at(PATH, 1) is None
    assert world.authenticates(world.sink.secret_at(PATH))


def test_a_used_secret_goes_on_until_it_has_been_quiet_for_an_overlap() -> None:
    """Each use keeps it for as long again."""
    world, first = rotated()
    for _ in range(5):
        world.clock.advance(DAY)
        report(world, used=world.clock.now() - timedelta(hours=1))
        world.maintain()
        assert world.authenticates(first)
    world.clock.advance(DAY)
    report(world)
    world.maintain()
    assert not world.authenticates(first)


def test_a_leaked_secret_does_not_wait() -> None:
    """Evidence is for hygiene; an emergency ends it at once."""
    world, first = rotated()
    old = world.versions("a")[0].version_id
    doors(world).end_leaked_version(old)
    assert not world.authenticates(first)


@FIXED
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 40), st.booleans(), st.booleans()), min_size=1, max_size=12
    )
)
def test_whatever_is_reported_nothing_ends_before_its_overlap(
    steps: list[tuple[int, bool, bool]],
) -> None:
    """Hours pass, verifiers report uses or none, runs come and go (promise P2)."""
    world, first = rotated()
    confirmed_at = world.versions("a")[1].confirmed_at
    assert confirmed_at is not None
    for hours, is_used, reports in steps:
        world.clock.advance(timedelta(hours=hours))
        if reports:
            report(world, used=world.clock.now() if is_used else None)
        world.maintain()
        if world.clock.now() < confirmed_at + DAY:
            assert world.authenticates(first)
