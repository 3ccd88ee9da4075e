"""Until when a plan that says nothing goes on saying nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.keys import KeyRecord, KeySpec, KeyStatus, KeyVersion
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.states import ForeignRecord, ObservedState
from reconciler.planning.drift import Drift, DriftKind
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import Plan
from reconciler.planning.planner import make_plan
from reconciler.planning.quiet import FOR_EVER, quiet_until
from reconciler.planning.rotation import next_rotation
from reconciler.planning.selection import Selection
from tests.fakes.world import removal, spec
from tests.planning.records import (
    DAY,
    HELD,
    HOUR,
    NOW,
    address,
    observed,
    operation,
    plan_of,
    record,
    request,
    version,
)

MONTH = 30 * DAY
SCHEDULED = spec("a", every=MONTH)


def scheduled(**about: Any) -> KeyRecord:
    """Give a key that rotates every month, as it is stored."""
    return record("a", every=MONTH, about=about)


def retiring(name: str = "a", **changes: Any) -> KeyRecord:
    """Give a key whose previous secret still works."""
    old = version("v0", state=VersionState.RETIRING, sink_path=f"payments/prod/{name}")
    new = version("v1", sink_path=f"payments/prod/{name}", sink_version=2)
    return record(name, versions=(replace(old, **changes), new))


DUE = next_rotation(scheduled())
assert DUE is not None


def until(*specs: KeySpec, at: ObservedState, **changes: Any) -> datetime | None:
    """Give until when the plan of these keys is silent."""
    return quiet_until(plan_of(*specs, at=at, **changes), at)


QUIET: dict[str, tuple[tuple[KeySpec, ...], ObservedState, datetime]] = {
    "nothing at all": ((), observed(), FOR_EVER),
    "a key at rest": ((spec("a"),), observed(record("a")), FOR_EVER),
    "a key that expires": (
        (spec("a", expiration=Expiration.DAY),),
        observed(record("a", expiration=Expiration.DAY)),
        FOR_EVER,
    ),
    "a rotation to come": ((SCHEDULED,), observed(scheduled()), DUE),
    "a schedule before the first secret's end": (
        (SCHEDULED,),
        observed(scheduled(rotated_at=None)),
        FOR_EVER,
    ),
    "the sooner of two": (
        (SCHEDULED, spec("b")),
        observed(scheduled(), retiring("b", retire_at=NOW + HOUR)),
        NOW + HOUR,
    ),
    "retiring with a deadline": (
        (spec("a"),),
        observed(retiring(retire_at=NOW + HOUR)),
        NOW + HOUR,
    ),
    "a schedule that rests on a hold": (
        (SCHEDULED,),
        observed(scheduled(hold=HELD, rotated_at=NOW - MONTH)),
        FOR_EVER,
    ),
    "a schedule that rests while inactive": (
        (spec("a", every=MONTH, active=False),),
        observed(record("a", every=MONTH, active=False, about={"rotated_at": NOW - MONTH})),
        FOR_EVER,
    ),
    "a schedule of an expired key": (
        (spec("a", every=MONTH, expiration=Expiration.DAY),),
        observed(
            record(
                "a",
                every=MONTH,
                expiration=Expiration.DAY,
                about={"rotated_at": NOW - MONTH, "expires_at": NOW - MONTH + DAY},
            )
        ),
        FOR_EVER,
    ),
    "another's key": (
        (),
        observed(
            foreign=(
                ForeignRecord(address=address("x"), manager="other", sink_path="payments/prod/x"),
            )
        ),
        FOR_EVER,
    ),
    "a removal of what never was": ((removal("x"),), observed(), FOR_EVER),  # type: ignore[dict-item]  # a declaration too
}


@pytest.mark.parametrize(("specs", "at", "expected"), QUIET.values(), ids=QUIET)
def test_a_silent_plan_is_silent_until_something_comes_due(
    specs: tuple[KeySpec, ...], at: ObservedState, expected: datetime
) -> None:
    """Until the next rotation or deadline; for ever where there is none."""
    assert until(*specs, at=at) == expected


HAS_PROBLEM = spec("a", expiration=Expiration.YEAR)
LOUD: dict[str, tuple[tuple[Any, ...], ObservedState]] = {
    "a key to create": ((spec("a"),), observed()),
    "a field to change": ((spec("a", owner="other"),), observed(record("a"))),
    "a rotation that is due": ((SCHEDULED,), observed(scheduled(rotated_at=NOW - MONTH))),
    "due at this very moment": ((SCHEDULED,), replace(observed(scheduled()), read_at=DUE)),
    "past a deadline": ((spec("a"),), observed(retiring(retire_at=NOW))),
    "retiring on evidence": ((spec("a"),), observed(retiring(overlap_until=NOW + HOUR))),
    "retiring with neither": ((spec("a"),), observed(retiring())),
    "an open operation": (
        (spec("a"),),
        observed(record("a"), operations=(operation(record("a")),)),
    ),
    "an operation of a key without secret": (
        (spec("a"),),
        observed(record("a", versions=()), operations=(operation(record("a")),)),
    ),
    "a copy to destroy": (
        (spec("a"),),
        observed(retiring(state=VersionState.RETIRED, retired_at=NOW)),
    ),
    "no secret": ((spec("a"),), observed(record("a", versions=()))),
    "a problem": ((HAS_PROBLEM,), observed(record("a"))),
    "a refusal": ((), observed(record("a", protected=True))),
}


@pytest.mark.parametrize(("items", "at"), LOUD.values(), ids=LOUD)
def test_a_plan_that_says_something_is_never_remembered(
    items: tuple[Any, ...], at: ObservedState
) -> None:
    """Nor one that waits for what verifiers may report at any moment."""
    assert until(*items, at=at) is None


def test_a_count_that_does_not_fit_refuses_a_plan_without_changes() -> None:
    """A guard may speak where nothing changes."""
    at = observed(record("a"))
    assert until(spec("a"), at=at) == FOR_EVER
    assert until(spec("a"), at=at, allowed_removals=2) is None


def test_what_somebody_found_outside_is_not_silence() -> None:
    """A plan that looked into the sink says what it saw there."""
    at = observed(record("a"))
    found = Drift(
        kind=DriftKind.RECORD_EDITED, address="payments/a", workspace="payments", key_id="key-a"
    )
    quiet = plan_of(spec("a"), at=at)
    assert quiet_until(replace(quiet, drift=(found,)), at) is None


def test_what_was_not_asked_for_does_not_end_a_silence_that_it_is_no_part_of() -> None:
    """Another key's rotation is overdue, but the plan looks at one key."""
    late = record("b", every=MONTH, about={"rotated_at": NOW - MONTH})
    at = observed(record("a"), late)
    only = Selection(targets=("payments/a",))
    assert until(spec("a"), spec("b", every=MONTH), at=at, selection=only) == FOR_EVER
    assert until(spec("a"), spec("b", every=MONTH), at=at) is None


LENGTHS = st.sampled_from([timedelta(0), timedelta(microseconds=1), HOUR, DAY, 10 * DAY, MONTH])
AGO = LENGTHS.map(lambda length: NOW - length)


@st.composite
def versions(draw: st.DrawFn) -> tuple[KeyVersion, ...]:
    """Draw what is kept of a key's secrets."""
    old = version(
        "v0",
        state=draw(st.sampled_from([VersionState.RETIRING, VersionState.RETIRED])),
        retire_at=draw(st.one_of(st.none(), LENGTHS.map(lambda length: NOW + length))),
        overlap_until=draw(st.one_of(st.none(), AGO)),
        sink_version=draw(st.sampled_from([None, 1])),
        copy_destroyed_at=draw(st.sampled_from([None, NOW])),
    )
    return draw(st.sampled_from([(version(),), (old, version(sink_version=2)), (version(),)]))


@st.composite
def records(draw: st.DrawFn, name: str) -> KeyRecord:
    """Draw a stored key in any state that a plan may find."""
    return record(
        name,
        versions=tuple(replace(v, sink_path=f"payments/prod/{name}") for v in draw(versions())),
        every=draw(st.sampled_from([None, DAY, MONTH])),
        active=draw(st.sampled_from([True, True, False])),
        about={
            "rotated_at": draw(st.one_of(st.none(), AGO)),
            "expires_at": draw(st.one_of(st.none(), LENGTHS.map(lambda n: NOW + n - DAY))),
            "hold": draw(st.sampled_from([None, None, HELD])),
            "status": draw(st.sampled_from([KeyStatus.LIVE, KeyStatus.LIVE, KeyStatus.REMOVED])),
        },
    )


@st.composite
def requests(draw: st.DrawFn) -> PlanRequest:
    """Draw a plan in which declared and stored keys agree, so that only time could speak."""
    stored = [draw(records(name)) for name in ("a", "b")]
    live = [r for r in stored if r.status is KeyStatus.LIVE]
    declared = [replace(spec(r.address.name), fields=r.fields) for r in live]
    chosen = draw(st.sampled_from([(), (), ("payments/a",)]))
    ended = frozenset(r.address for r in stored if r.status is KeyStatus.REMOVED)
    at = observed(*stored, removed=ended)
    return request(*declared, at=at, selection=Selection(targets=chosen))


def said(plan: Plan) -> tuple[Any, ...]:
    """Give all that a plan without changes is shown by."""
    kept = (plan.changes, plan.maintenance, plan.drift, plan.refusals, plan.problems)
    return *kept, plan.unchanged, plan.unmanaged, plan.notes


@settings(max_examples=300, deadline=None)
@given(requests(), st.lists(st.timedeltas(timedelta(0), 100 * DAY), max_size=5))
def test_until_then_every_later_plan_says_the_same(
    asked: PlanRequest, lengths: list[timedelta]
) -> None:
    """At any moment from the plan to the last instant before; nobody asks again meanwhile."""
    plan = make_plan(asked)
    end = quiet_until(plan, asked.observed)
    if end is None:
        return
    assert end > NOW
    last = [] if end == FOR_EVER else [end - timedelta(microseconds=1)]
    for moment in [*last, *(NOW + length for length in lengths)]:
        if moment < end:
            later = replace(asked, observed=replace(asked.observed, read_at=moment))
            assert said(make_plan(later)) == said(plan)


@settings(max_examples=100, deadline=None)
@given(requests())
def test_silence_ends_only_where_something_comes_due(asked: PlanRequest) -> None:
    """A key that is due is not put off: at the end the plan of an active key speaks."""
    end = quiet_until(make_plan(asked), asked.observed)
    resting = [r for r in asked.observed.records if not r.fields.active or r.hold or r.expires_at]
    if end in {None, FOR_EVER} or resting or asked.selection.targets:
        return
    later = replace(asked, observed=replace(asked.observed, read_at=end))
    gone = [r for r in asked.observed.records if r.status is not KeyStatus.LIVE]
    assert make_plan(later).maintenance or gone
