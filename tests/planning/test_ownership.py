"""Names, resources, sink paths and workspaces have one owner each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.keys import KeyAddress, KeyRemoval, KeySpec
from reconciler.model.resources import Body, Resource
from reconciler.model.states import ForeignRecord, ObservedState
from reconciler.model.workspaces import NetworkSet, Workspace
from reconciler.planning.actions import Action
from reconciler.planning.plan import Plan, Refusal
from reconciler.planning.planner import make_plan
from tests.fakes.world import PAYMENTS, removal, spec
from tests.planning.records import (
    address,
    observed,
    path_row,
    place,
    plan_of,
    record,
    request,
    stored,
)

OTHERS = ForeignRecord(address=address("a"), manager="others", sink_path="payments/prod/a")
NOBODYS = ForeignRecord(address=address("a"), manager=None, sink_path="payments/prod/a")


@pytest.mark.parametrize(
    ("foreign", "whose"), [(OTHERS, "managed by others"), (NOBODYS, "nobody's")]
)
def test_a_key_of_somebody_else_is_not_declared_here(foreign: ForeignRecord, whose: str) -> None:
    """Two repositories do not fight over one key; nor is an unowned one taken by accident."""
    plan = plan_of(spec("a"), at=observed(foreign=(foreign,)))
    assert plan.refusals == (
        Refusal(
            code="foreign-key",
            message=f"payments/a is in the store already and is {whose}",
            advice="choose another name; to take this key under management, "
            "write in its metadata: adopt: true",
            address="payments/a",
            source=place(),
        ),
    )


def test_a_rename_onto_a_foreign_name_is_refused() -> None:
    """The name counts, not the way to it."""
    at = observed(record("b"), foreign=(OTHERS,))
    plan = plan_of(spec("a", previous_name="b", owner="team-b"), at=at)
    assert [r.code for r in plan.refusals] == ["foreign-key"]


def test_foreign_records_are_never_ended_and_are_listed() -> None:
    """What another manager owns does not count as disappeared."""
    foreign = ForeignRecord(address=address("z"), manager="others", sink_path="payments/prod/z")
    plan = plan_of(spec("b"), at=observed(record("b"), foreign=(foreign, NOBODYS)))
    assert (plan.changes, plan.refusals) == ((), ())
    assert [(u.address, u.manager) for u in plan.unmanaged] == [
        ("payments/a", None),
        ("payments/z", "others"),
    ]


# Resources.


@pytest.mark.parametrize(
    "body",
    [
        Workspace(name="shop", admins=("local:eve",)),
        NetworkSet(name="ci", ranges=("10.0.0.0/8",)),
    ],
)
def test_a_resource_is_changed_where_it_is_declared(body: Any) -> None:
    """Another repository's workspace or network is left alone."""
    other: Resource = stored(type(body)(name=body.name, description="theirs"), manager="others")
    plan = plan_of(body, at=observed(resources=(other,)))
    assert plan.refusals == (
        Refusal(
            code="foreign-resource",
            message=f"{other.address} is declared by others",
            advice="change it there, or remove it there first",
            address=str(other.address),
            source=plan.changes[0].source,
        ),
    )


def test_an_equal_declaration_of_a_foreign_resource_changes_nothing() -> None:
    """There is nothing to refuse."""
    shop = Workspace(name="shop")
    at = observed(resources=(stored(shop, manager="others"),))
    assert (plan_of(shop, at=at).changes, plan_of(shop, at=at).refusals) == ((), ())
    assert plan_of(at=at).changes == ()


# Paths.


PATH_TAKEN = Refusal(
    code="path-taken",
    message="the sink path payments/prod/a belongs to another key",
    advice="choose another spec.secret.path",
    address="payments/b",
    source=place("b"),
)


@pytest.mark.parametrize("manager_sees_owner", [True, False])
def test_a_path_belongs_to_one_key_across_all_managers(manager_sees_owner: bool) -> None:
    """The row of the path counts, whoever declared its owner."""
    owner = record("a")
    at = observed(owner) if manager_sees_owner else observed(paths=(path_row(owner),))
    declared: list[KeySpec] = [spec("a")] if manager_sees_owner else []
    plan = plan_of(*declared, spec("b", sink_path="payments/prod/a"), at=at)
    assert plan.refusals == (PATH_TAKEN,)


def test_a_key_does_not_move_onto_the_path_of_another() -> None:
    """Nor a reissue, nor a rename."""
    at = observed(record("a"), record("b"), record("c"))
    for declared in (
        [spec("b", sink_path="payments/prod/a"), spec("c")],
        [spec("b", sink_path="payments/prod/a", reissue=2), spec("c")],
        [
            spec("d", sink_path="payments/prod/a", previous_name="b", owner="team-b"),
            spec("c"),
        ],
    ):
        plan = plan_of(spec("a"), *declared, at=at)
        assert [r.code for r in plan.refusals] == ["path-taken"]


def test_a_free_path_and_a_path_in_another_sink_may_be_taken() -> None:
    """A left or removed path goes on under its next owner."""
    gone = record("a")
    for row in (path_row(gone, is_free=True), path_row(gone, sink_id="fake:another")):
        plan = plan_of(spec("b", sink_path="payments/prod/a"), at=observed(paths=(row,)))
        assert plan.refusals == ()


def test_a_key_keeps_its_own_path_through_rotation_and_reissue() -> None:
    """The owner is no stranger to itself."""
    at = observed(record("a"))
    for declared in (spec("a", generation=2), spec("a", reissue=2)):
        assert plan_of(declared, at=at).refusals == ()


# Workspaces.


def without_payments(*items: Body | KeyRemoval, at: ObservedState) -> Plan:
    """Plan manifests that no longer declare the workspace payments."""
    asked = request(*items, at=at)
    left = tuple(r for r in asked.desired.resources if r.body != PAYMENTS)
    return make_plan(replace(asked, desired=replace(asked.desired, resources=left)))


IN_USE = Refusal(
    code="workspace-in-use",
    message="workspace/payments still has keys in the store",
    advice="remove its keys first, and the workspace with a later apply",
    address="workspace/payments",
)


def test_a_workspace_with_keys_stays() -> None:
    """Pruned keys are deactivated, not gone."""
    shop = Workspace(name="shop")
    assert IN_USE in without_payments(shop, at=observed(record("a"))).refusals
    foreign = ForeignRecord(address=address("z"), manager="others", sink_path="x")
    assert IN_USE in without_payments(shop, at=observed(foreign=(foreign,))).refusals


def test_a_workspace_goes_with_its_last_key_or_after_it() -> None:
    """Removed in the same plan is removed."""
    plan = without_payments(removal("a"), at=observed(record("a")))
    assert plan.refusals == ()
    assert [(c.address, c.actions) for c in plan.changes] == [
        ("workspace/payments", (Action.REMOVE,)),
        ("payments/a", (Action.REMOVE,)),
    ]
    elsewhere = ForeignRecord(
        address=KeyAddress(workspace="shop", name="z"), manager="others", sink_path="x"
    )
    empty = without_payments(Workspace(name="shop"), at=observed(foreign=(elsewhere,)))
    assert empty.refusals == ()


def test_another_resource_goes_although_keys_stay() -> None:
    """Only workspaces hold keys."""
    network = stored(NetworkSet(name="payments", ranges=("10.0.0.0/8",)))
    at = observed(record("a"), resources=(network,))
    assert plan_of(spec("a"), at=at).refusals == ()
