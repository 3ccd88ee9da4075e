"""Why a whole plan is refused: every guard with its exact words, and where it lets pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.keys import KeyRecord, RemovalReason
from reconciler.model.policy import Guards, Prune
from reconciler.model.states import DesiredState, ObservedState
from reconciler.planning.actions import Action
from reconciler.planning.guards import GUARDS
from reconciler.planning.plan import Plan, Refusal
from reconciler.planning.planner import make_plan
from reconciler.planning.selection import Selection
from tests.fakes.world import MANAGER, policy, removal, spec
from tests.planning.records import (
    HELD,
    address,
    observed,
    place,
    plan_of,
    record,
    request,
)

REMOVAL_PLACE = removal("a").source


def many(count: int, **fields: Any) -> tuple[KeyRecord, ...]:
    """Give that many records, all different."""
    return tuple(record(f"k{n:02}", **fields) for n in range(count))


def codes(plan: Plan) -> list[str]:
    """Give the codes of a plan's refusals."""
    return [r.code for r in plan.refusals]


def test_a_plan_without_trouble_is_refused_by_no_guard() -> None:
    """Creating, changing and removing one key needs nobody's count."""
    plan = plan_of(
        spec("new"), spec("a", owner="x"), removal("b"), at=observed(record("a"), record("b"))
    )
    assert plan.refusals == ()
    assert plan.is_applyable


# No manifest at all.


def empty(at: ObservedState, **changes: Any) -> Plan:
    """Plan without a single manifest."""
    return make_plan(replace(request(at=at, **changes), desired=DesiredState(manager=MANAGER)))


def test_an_empty_folder_does_not_end_every_key() -> None:
    """A wrong folder is more likely than that wish."""
    refusal, *_ = empty(observed(*many(3))).refusals
    assert refusal == Refusal(
        code="nothing-declared",
        message="no manifest was found, but the store holds 3 keys of platform-keys",
        advice="check the folder, --chdir and `manifests` in keyrec.yaml",
    )


def test_no_manifest_is_fine_where_nothing_could_end() -> None:
    """An empty store, a part of the plan, or keys of other environments alone."""
    assert empty(observed()).refusals == ()
    targeted = empty(observed(record("a")), selection=Selection(targets=("payments/a",)))
    assert codes(targeted) == []
    elsewhere = observed(record("a", environment="test"))
    assert "nothing-declared" not in codes(empty(elsewhere, environments=("prod",)))
    assert "nothing-declared" in codes(empty(elsewhere, environments=("test",)))


def test_one_removal_is_a_declaration() -> None:
    """A folder with a KeyRemoval is not empty."""
    assert "nothing-declared" not in codes(plan_of(removal("a"), at=observed(record("a"))))


# How many keys may end.


def test_more_than_the_free_removals_want_their_exact_count() -> None:
    """The message says the count that the advice wants stated."""
    plan = plan_of(at=observed(*many(3)))
    assert plan.removal_count == 3
    assert plan.refusals == (
        Refusal(
            code="too-many-removals",
            message="this plan ends 3 keys; the policy lets 1 pass without being told",
            advice="see whether a file or a folder of manifests is missing; if it is meant, "
            "state the count: --allow-removals 3",
        ),
    )


@pytest.mark.parametrize(("stated", "passes"), [(None, False), (2, False), (3, True), (4, False)])
def test_only_the_exact_count_passes(stated: int | None, passes: bool) -> None:
    """Too few, too many and none are refused."""
    plan = plan_of(at=observed(*many(3)), allowed_removals=stated)
    assert plan.is_applyable is passes
    if not passes and stated is not None:
        assert plan.refusals == (
            Refusal(
                code="removal-count",
                message=f"--allow-removals says {stated}, but this plan ends 3 keys",
                advice="look at the plan again; --allow-removals 3 states its count",
            ),
        )


def test_a_count_for_a_plan_that_ends_nothing_is_refused_too() -> None:
    """The person has another plan in mind."""
    assert codes(plan_of(spec("a"), allowed_removals=1)) == ["removal-count"]
    assert codes(plan_of(spec("a"), allowed_removals=0)) == []


FREE: list[tuple[int, float, int, int]] = [
    (10, 0.2, 4, 1),  # the share rounds down, but one always passes
    (10, 0.2, 9, 1),
    (10, 0.2, 10, 2),
    (10, 0.2, 49, 9),
    (10, 0.2, 100, 10),  # the number is the smaller
    (3, 1.0, 10, 3),
    (0, 1.0, 10, 0),  # nothing passes untold
    (50, 0.29, 100, 29),  # binary fractions must not make it 28
]


@pytest.mark.parametrize(("number", "share", "stored", "free"), FREE)
def test_the_policy_says_how_many_pass(number: int, share: float, stored: int, free: int) -> None:
    """Its number or its share of the keys, whichever is smaller."""
    judge = policy(guards=Guards(max_removals=number, max_removal_share=share))
    records = many(stored)
    staying = [spec(r.address.name) for r in records[free:]]
    assert codes(plan_of(*staying, at=observed(*records, judge=judge))) == []
    one_more = plan_of(*staying[1:], at=observed(*records, judge=judge))
    assert codes(one_more) == ["too-many-removals"]


@pytest.mark.parametrize("prune", [Prune.DEACTIVATE, Prune.REMOVE])
def test_removals_and_undeclared_deactivations_are_counted_together(prune: Prune) -> None:
    """A disappeared manifest ends a key either way; a declared deactivation is no ending."""
    records = (*many(3), record("a"), record("b"))
    at = observed(*records, judge=policy(prune=prune))
    plan = plan_of(removal("a"), spec("b", active=False), at=at)
    assert plan.removal_count == 4


def test_the_stored_policy_judges_and_not_the_declared_one() -> None:
    """A plan never helps itself."""
    lax = policy(guards=Guards(max_removals=99, max_removal_share=1.0))
    assert "too-many-removals" in codes(plan_of(lax, at=observed(*many(3))))


# Protection.


@pytest.mark.parametrize("prune", [Prune.DEACTIVATE, Prune.REMOVE])
def test_a_protected_key_does_not_disappear(prune: Prune) -> None:
    """Its manifest alone going away ends nothing."""
    at = observed(record("a", protected=True), judge=policy(prune=prune))
    assert plan_of(at=at).refusals == (
        Refusal(
            code="protected",
            message="payments/a is protected in the store",
            advice="apply `protected: false` first, and end the key with the apply after it",
            address="payments/a",
        ),
    )


def test_a_protected_key_is_not_removed_by_declaration_either() -> None:
    """The refusal stands at the KeyRemoval."""
    (refusal,) = plan_of(removal("a"), at=observed(record("a", protected=True))).refusals
    assert (refusal.code, refusal.source) == ("protected", REMOVAL_PLACE)


def test_protection_ends_with_an_apply_of_its_own() -> None:
    """The first apply takes it away, the second removes."""
    first = plan_of(spec("a"), at=observed(record("a", protected=True)))
    assert (first.changes[0].actions, first.refusals) == ((Action.UPDATE,), ())
    assert plan_of(removal("a"), at=observed(record("a"))).refusals == ()


def test_a_protected_key_may_still_be_changed_and_reissued() -> None:
    """Protection is against ending alone."""
    at = observed(record("a", protected=True))
    for declared in (spec("a", active=False), spec("a", protected=True, reissue=2)):
        assert plan_of(declared, at=at).refusals == ()


# Holds.


def held(**changes: Any) -> ObservedState:
    """Give a store with one held key."""
    return observed(record("a", about={"hold": HELD}, **changes))


HELD_REFUSAL = Refusal(
    code="held",
    message="payments/a is on hold: seen in a log",
    advice="keyrec release payments/a first, or remove it for good by a KeyRemoval",
    address="payments/a",
    source=place(),
)


@pytest.mark.parametrize(
    "declared",
    [spec("a", reissue=2), spec("a", sink_path="payments/other")],
)
def test_a_held_key_is_not_replaced_or_moved(declared: Any) -> None:
    """The hold would be evaded."""
    assert plan_of(declared, at=held()).refusals == (HELD_REFUSAL,)


@pytest.mark.parametrize("path", ["payments/prod/a", "payments/prod/b"])
def test_a_held_key_is_not_renamed(path: str) -> None:
    """With or without its path."""
    declared = spec("b", previous_name="a", sink_path=path)
    (refusal,) = plan_of(declared, at=held()).refusals
    assert refusal == replace(HELD_REFUSAL, address="payments/b", source=place("b"))


def test_a_held_key_is_not_pruned_away() -> None:
    """The tombstone would hide it; a KeyRemoval is an explicit decision and passes."""
    at = observed(record("a", about={"hold": HELD}), judge=policy(prune=Prune.REMOVE))
    assert plan_of(at=at).refusals == (replace(HELD_REFUSAL, source=None),)
    assert plan_of(removal("a", RemovalReason.POLICY), at=held()).refusals == ()


@pytest.mark.parametrize(
    "declared",
    [spec("a", owner="x"), spec("a", active=False), spec("a", generation=2), spec("a")],
)
def test_a_held_key_may_be_described_stopped_and_rotated(declared: Any) -> None:
    """None of that lets anybody in."""
    assert plan_of(declared, at=held()).refusals == ()


def test_a_name_that_was_held_when_it_was_removed_is_not_created_again() -> None:
    """Removal and re-creation is no way around a hold."""
    at = observed(removed=frozenset({address("a")}), removed_held=frozenset({address("a")}))
    assert plan_of(spec("a"), at=at).refusals == (
        Refusal(
            code="held",
            message="payments/a was on hold when it was removed",
            advice="keyrec release payments/a first, or choose another name",
            address="payments/a",
            source=place(),
        ),
    )
    assert plan_of(spec("b"), at=at).refusals == ()
    released = observed(removed=frozenset({address("a")}))
    assert plan_of(spec("a"), at=released).refusals == ()


# Suspected renames.


def test_one_key_gone_and_an_equal_one_new_is_a_suspected_rename() -> None:
    """The refusal holds the line to paste."""
    plan = plan_of(spec("b", owner="team-a"), at=observed(record("a")))
    assert plan.refusals == (
        Refusal(
            code="suspected-rename",
            message="payments/a is gone and payments/b is new with the same fields",
            advice="for a rename, write in its metadata: previousName: a; "
            "if they are two keys, declare a KeyRemoval for payments/a",
            address="payments/b",
            source=place("b"),
        ),
    )


@pytest.mark.parametrize(
    "disguise",
    [{"generation": 4}, {"active": False}, {"protected": True}, {"reissue": 3}],
)
def test_counters_and_switches_do_not_hide_a_rename(disguise: dict[str, Any]) -> None:
    """They say little about which key it is."""
    plan = plan_of(spec("b", owner="team-a", **disguise), at=observed(record("a")))
    assert codes(plan) == ["suspected-rename"]


@pytest.mark.parametrize(
    "distinct",
    [
        {"owner": "team-b"},
        {"owner": "team-a", "environment": "test"},
        {"owner": "team-a", "scopes": ()},
        {"owner": "team-a", "description": "another thing"},
        {"owner": "team-a", "labels": (("system", "etl"),)},
    ],
)
def test_keys_with_distinct_fields_are_two_keys(distinct: dict[str, Any]) -> None:
    """No false alarm."""
    assert codes(plan_of(spec("b", **distinct), at=observed(record("a")))) == []


def test_a_declared_removal_or_rename_is_no_suspicion() -> None:
    """Either line of the advice answers the guard."""
    at = observed(record("a"))
    assert codes(plan_of(spec("b", owner="team-a"), removal("a"), at=at)) == []
    assert codes(plan_of(spec("b", owner="team-a", previous_name="a"), at=at)) == []


def test_a_key_of_another_workspace_is_another_key() -> None:
    """Names move within a workspace only."""
    other = spec("b", workspace="shop", owner="team-a")
    assert "suspected-rename" not in codes(plan_of(other, at=observed(record("a"))))


def test_each_key_that_is_gone_is_matched_once() -> None:
    """One gone key does not accuse two new ones."""
    two = [spec(n, owner="team-a") for n in ("b", "c")]
    assert codes(plan_of(*two, at=observed(record("a")))) == ["suspected-rename"]
    gone = observed(record("a"), record("z", owner="team-a"))
    assert codes(plan_of(*two, at=gone, allowed_removals=2)) == ["suspected-rename"] * 2


# All of them.


def test_a_plan_is_told_every_reason_against_it_in_the_order_of_the_guards() -> None:
    """One run names all of them."""
    at = observed(
        record("p", protected=True),
        record("a"),
        record("h", about={"hold": HELD}),
        record("x"),
    )
    plan = plan_of(
        spec("b", owner="team-a"),
        spec("h", reissue=2),
        spec("y", sink_path="payments/prod/x"),
        at=at,
    )
    assert codes(plan) == [
        "too-many-removals",
        "protected",
        "held",
        "path-taken",
        "suspected-rename",
    ]
    assert len(GUARDS) == 11
