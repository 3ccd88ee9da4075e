"""Desired state, observed state and the time become a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.journal import Operation
from reconciler.model.keys import KeyStatus
from reconciler.model.policy import Prune
from reconciler.model.source import Revision
from reconciler.model.states import DesiredState
from reconciler.model.workspaces import NetworkSet
from reconciler.planning.actions import Action, MaintenanceKind
from reconciler.planning.planner import make_plan
from reconciler.planning.selection import Selection
from tests.fakes.world import MANAGER, policy, removal, spec
from tests.planning.records import (
    DAY,
    NOW,
    TARGET,
    address,
    observed,
    operation,
    plan_of,
    record,
    request,
)


def test_a_store_as_declared_gives_an_empty_plan() -> None:
    """No change, and the keys are counted."""
    at = observed(record("a"), record("b"))
    plan = plan_of(spec("a"), spec("b"), at=at)
    assert (plan.changes, plan.maintenance, plan.unchanged) == ((), (), 2)
    assert plan.is_applyable


def test_a_plan_says_what_it_was_made_from() -> None:
    """Manager, time, target, revision, manifests, selection."""
    asked = request(spec("a"), selection=Selection(targets=("payments/*",)))
    revision = Revision(commit="1a2b3c4", dirty=True)
    wanted = replace(asked.desired, revision=revision, manifest_digest="f" * 64)
    plan = make_plan(replace(asked, desired=wanted))
    assert (plan.manager, plan.now, plan.target) == (MANAGER, NOW, TARGET)
    assert (plan.revision, plan.manifest_digest) == (revision, "f" * 64)
    assert plan.selection == ("--target=payments/*",)


def test_resources_come_before_keys_and_keys_in_order_of_their_addresses() -> None:
    """What keys refer to is there first."""
    network = NetworkSet(name="ci", ranges=("10.0.0.0/8",))
    plan = plan_of(spec("b"), network, spec("a"), removal("c"), at=observed(record("c")))
    assert [c.address for c in plan.changes] == [
        "network/ci",
        "payments/a",
        "payments/b",
        "payments/c",
    ]


@pytest.mark.parametrize(
    ("selection", "changed"),
    [
        (Selection(), ["network/ci", "payments/a", "payments/b"]),
        (Selection(targets=("payments/a",)), ["payments/a"]),
        (Selection(excludes=("payments/a",)), ["network/ci", "payments/b"]),
        (Selection(targets=("network/*",)), ["network/ci"]),
    ],
)
def test_a_selection_plans_that_part_alone(selection: Selection, changed: list[str]) -> None:
    """Keys and resources alike; what is left out counts nowhere."""
    network = NetworkSet(name="ci", ranges=("10.0.0.0/8",))
    plan = plan_of(spec("a"), spec("b"), network, selection=selection)
    assert [c.address for c in plan.changes] == changed


def test_a_target_never_prunes_what_it_leaves_out() -> None:
    """Keys outside of the selection do not look disappeared."""
    at = observed(record("a"), record("b"))
    plan = plan_of(spec("a", owner="x"), at=at, selection=Selection(targets=("payments/a",)))
    assert [c.address for c in plan.changes] == ["payments/a"]
    assert plan.removal_count == 0


def test_maintenance_follows_selection_and_environments() -> None:
    """A run for one part of the keys keeps time for that part."""
    at = observed(record("a", versions=()), record("t", versions=(), environment="test"))
    declared = [spec("a"), spec("t", environment="test")]

    def kept(**options: object) -> list[str]:
        plan = plan_of(*declared, at=at, **options)
        return [i.address for i in plan.maintenance]

    assert kept() == ["payments/a", "payments/t"]
    assert kept(selection=Selection(excludes=("payments/a",))) == ["payments/t"]
    assert kept(environments=("prod",)) == ["payments/a"]


def test_maintenance_alone_looks_at_no_manifest() -> None:
    """Nothing declared, nothing pruned, nothing refused."""
    at = observed(record("a", versions=()), judge=policy(prune=Prune.REMOVE))
    asked = request(at=at, maintenance_only=True)
    plan = make_plan(replace(asked, desired=DesiredState(manager=MANAGER)))
    assert (plan.changes, plan.refusals, plan.problems, plan.notes) == ((), (), (), ())
    assert [i.kind for i in plan.maintenance] == [MaintenanceKind.ROTATE]


@pytest.mark.parametrize(
    "declared", [[spec("a", generation=2)], [spec("a", reissue=2)], [removal("a")]]
)
def test_a_key_that_gets_a_new_secret_anyway_is_not_rotated_twice(declared: list[object]) -> None:
    """The due rotation is part of what is declared."""
    at = observed(record("a", versions=()))
    plan = plan_of(*declared, at=at)  # type: ignore[arg-type]  # free forms of a table
    assert plan.maintenance == ()


def test_an_update_leaves_a_due_rotation_standing() -> None:
    """Both are done in one run."""
    plan = plan_of(spec("a", owner="x"), at=observed(record("a", versions=())))
    assert [c.actions for c in plan.changes] == [(Action.UPDATE,)]
    assert [i.kind for i in plan.maintenance] == [MaintenanceKind.ROTATE]


def test_an_open_operation_is_listed_whether_or_not_its_key_is_changed() -> None:
    """It is finished before anything new."""
    stored = record("a")
    opened: Operation = operation(stored)
    at = observed(stored, operations=(opened,))
    for declared in (spec("a"), spec("a", generation=2)):
        plan = plan_of(declared, at=at)
        assert [i.kind for i in plan.maintenance] == [MaintenanceKind.RESUME]


def test_removals_that_never_were_and_undeclared_keys_at_rest_are_noted() -> None:
    """Remarks that stop nothing."""
    at = observed(record("old", active=False), removed=frozenset({address("done")}))
    plan = plan_of(removal("typo"), removal("done"), at=at)
    assert plan.notes == (
        "keys/removals.yaml:1:1: payments/typo was never in the store; nothing to remove",
        "payments/old is inactive or ignored, and no manifest declares it",
    )
    assert plan.is_applyable
    assert (plan.changes, plan.unchanged) == ((), 0)


def test_notes_follow_the_selection() -> None:
    """What is not looked at is not remarked on."""
    at = observed(record("old", active=False))
    plan = plan_of(removal("typo"), at=at, selection=Selection(targets=("payments/a",)))
    assert plan.notes == ()


def test_an_ignored_key_is_noted_and_left() -> None:
    """Prune: ignore."""
    plan = plan_of(at=observed(record("a"), judge=policy(prune=Prune.IGNORE)))
    assert (plan.changes, plan.removal_count) == ((), 0)
    assert plan.notes == ("payments/a is inactive or ignored, and no manifest declares it",)


def test_a_removal_that_is_done_is_a_no_op_for_ever() -> None:
    """The KeyRemoval stays in git as a record; afterwards the name may be declared again."""
    tomb = record("a", about={"status": KeyStatus.REMOVED})
    at = replace(observed(tomb), removed=frozenset({address("a")}))
    done = plan_of(removal("a"), at=at)
    assert (done.changes, done.notes) == ((), ())
    again = plan_of(spec("a"), at=replace(at, paths=()))
    assert [c.actions for c in again.changes] == [(Action.CREATE,)]
    assert again.is_applyable


def test_the_same_request_gives_the_same_plan() -> None:
    """Planning is pure."""
    asked = request(spec("a"), spec("b", every=30 * DAY), at=observed(record("b")))
    assert make_plan(asked) == make_plan(asked)
