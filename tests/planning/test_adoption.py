"""Adoption in a plan: records of others, versions of strangers, and marks that mean nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.keys import Hold, KeyRecord
from reconciler.model.lifetime import Expiration
from reconciler.model.states import ForeignRecord, ObservedState
from reconciler.planning.actions import Action, Reason
from reconciler.planning.effects import effects_document
from reconciler.planning.plan import Adoption, Plan, Refusal, SecretEffect
from reconciler.planning.selection import Selection
from tests.fakes.world import ADMIN, SINK_ID, spec
from tests.planning.records import (
    DAY,
    NOW,
    observed,
    only_change,
    path_row,
    place,
    plan_of,
    record,
)

ADOPT, CREATE, ROTATE = Action.ADOPT, Action.CREATE, Action.ROTATE


def foreign(owned: KeyRecord | None = None, **changes: Any) -> ForeignRecord:
    """Give a record of the manager others, seen whole."""
    kept = replace(record() if owned is None else owned, manager="others")
    made = ForeignRecord(
        address=kept.address, manager="others", sink_path=kept.fields.sink_path, record=kept
    )
    return replace(made, **changes)


def store_with(other: ForeignRecord) -> ObservedState:
    """Give a store that holds it and no key of ours."""
    assert other.record is not None
    return observed(foreign=(other,), paths=(path_row(other.record),))


def adopting_plan(other: ForeignRecord | None = None, **fields: Any) -> Plan:
    """Plan `a` with the mark against a store where it is another's."""
    return plan_of(spec("a", adopts_record=True, **fields), at=store_with(other or foreign()))


# Records of others.


def test_a_marked_key_that_is_anothers_is_adopted_and_nothing_else() -> None:
    """With what it was based on, and whose it was; it is not listed as left alone."""
    plan = adopting_plan()
    change = only_change(plan)
    assert (change.actions, change.reason) == ((ADOPT,), Reason.DECLARED)
    assert (change.fields, change.secret) == ((), None)
    assert change.adoption == Adoption(former_manager="others")
    assert change.base is not None
    assert change.record == foreign().record
    assert (plan.refusals, plan.unmanaged, plan.notes) == ((), (), ())


def test_what_is_anothers_is_taken_by_platform_admins_what_is_nobodys_by_the_workspaces() -> None:
    """The change says whose admins may apply it."""
    assert only_change(adopting_plan()).workspace is None
    unowned = foreign(manager=None, record=replace(record(), manager=None))
    change = only_change(adopting_plan(unowned))
    assert change.workspace == "payments"
    assert change.adoption == Adoption(former_manager=None)


CASES: dict[str, tuple[dict[str, Any], tuple[Action, ...], Reason]] = {
    "another owner": ({"owner": "x"}, (ADOPT, Action.UPDATE), Reason.DECLARED),
    "stopped": ({"active": False}, (ADOPT, Action.DEACTIVATE), Reason.DECLARED),
    "rotated": ({"generation": 2}, (ADOPT, ROTATE), Reason.GENERATION_RAISED),
    "moved": ({"sink_path": "payments/x"}, (ADOPT, ROTATE), Reason.SINK_PATH_CHANGED),
    "reissued": ({"reissue": 2}, (ADOPT, Action.REISSUE), Reason.REISSUE_RAISED),
    "written over": ({"adopts_version": 7}, (ADOPT, ROTATE), Reason.DECLARED),
}


@pytest.mark.parametrize("name", CASES)
def test_what_else_differs_is_done_in_the_same_change(name: str) -> None:
    """The adoption stands first, for the rest is done to a key of ours."""
    fields, actions, reason = CASES[name]
    change = only_change(adopting_plan(**fields))
    assert (change.actions, change.reason) == (actions, reason)


def test_what_never_changes_does_not_change_by_an_adoption() -> None:
    """The expiration is the record's, whoever manages it."""
    plan = adopting_plan(expiration=Expiration.MONTH)
    assert [p.code for p in plan.problems] == ["expiration-immutable"]


def test_a_held_key_is_adopted_with_its_hold_and_not_replaced_by_the_way() -> None:
    """The hold respects no manager."""
    held = replace(record(), hold=Hold(reason="seen in a log", by=ADMIN, since=NOW))
    assert adopting_plan(foreign(held)).refusals == ()
    assert [r.code for r in adopting_plan(foreign(held), reissue=2).refusals] == ["held"]


def test_a_key_that_another_managers_run_works_on_is_not_taken_from_it() -> None:
    """Until that run, or the next one, has come to its end."""
    assert adopting_plan(foreign(is_busy=True)).refusals == (
        Refusal(
            code="adopted-key-busy",
            message="a secret of payments/a is being made by others",
            advice="let others come to its end: keyrec apply --maintenance there",
            address="payments/a",
            source=place(),
        ),
    )


def test_what_is_open_for_nobodys_key_does_not_stand_against_it() -> None:
    """No other run would ever end it."""
    unowned = foreign(manager=None, record=replace(record(), manager=None), is_busy=True)
    assert adopting_plan(unowned).refusals == ()


def test_the_mark_of_an_own_key_means_nothing() -> None:
    """It stays in the manifest after the adoption."""
    plan = plan_of(spec("a", adopts_record=True), at=observed(record()))
    assert (plan.changes, plan.notes, plan.unchanged) == ((), (), 1)


def test_a_marked_key_that_nobody_has_is_created_with_a_note() -> None:
    """There is nothing to adopt, and the reader of the plan should know."""
    plan = plan_of(spec("a", adopts_record=True))
    assert only_change(plan).actions == (CREATE,)
    assert plan.notes == (f"{place()}: payments/a is not in the store; it is created, not adopted",)


def test_the_mark_of_a_key_that_is_not_looked_at_is_not_noted() -> None:
    """A partial plan speaks of its part."""
    only_b = Selection(targets=("payments/b",))
    plan = plan_of(spec("a", adopts_record=True), selection=only_b)
    assert (plan.changes, plan.notes) == ((), ())


def test_a_record_that_was_not_seen_whole_is_not_adopted() -> None:
    """It appeared between two readings of the store: the next plan sees it."""
    plan = plan_of(spec("a", adopts_record=True), at=observed(foreign=(foreign(record=None),)))
    assert [r.code for r in plan.refusals] == ["foreign-key"]


def test_a_rename_onto_a_marked_name_adopts_nothing() -> None:
    """The key of ours keeps its id, and the name is taken."""
    at = observed(record("b"), foreign=(foreign(),))
    declared = spec("a", previous_name="b", owner="team-b", adopts_record=True)
    plan = plan_of(declared, at=at)
    assert [r.code for r in plan.refusals] == ["foreign-key"]


# Versions of strangers.


def test_a_version_of_a_stranger_is_written_over_by_a_new_secret() -> None:
    """The change says which version of which path."""
    at = observed(record())
    change = only_change(plan_of(spec("a", adopts_version=7), at=at))
    assert (change.actions, change.reason) == ((ADOPT, ROTATE), Reason.DECLARED)
    assert change.secret == SecretEffect(
        path="payments/prod/a", from_version=1, previous_works_for="1d", adopts=7
    )
    assert (change.adoption, change.workspace) == (None, "payments")


def test_a_new_key_may_write_over_what_stands_at_its_path() -> None:
    """Somebody was there before the key."""
    change = only_change(plan_of(spec("a", adopts_version=3)))
    assert change.actions == (ADOPT, CREATE)
    assert change.secret == SecretEffect(path="payments/prod/a", from_version=None, adopts=3)


@pytest.mark.parametrize(
    ("rows", "is_spent"),
    [
        ({"adopted_version": 7}, True),
        ({"adopted_version": 6}, False),
        ({"adopted_version": None}, False),
        ({"adopted_version": 7, "sink_id": "fake:sink-0"}, False),
        ({"adopted_version": 7, "path": "payments/prod/z"}, False),
    ],
)
def test_a_permission_that_was_used_means_nothing(rows: dict[str, Any], is_spent: bool) -> None:
    """It is of one version of one path in one sink."""
    kept = record()
    at = observed(kept, paths=(path_row(kept, **rows),))
    plan = plan_of(spec("a", adopts_version=7), at=at)
    assert (plan.changes == ()) is is_spent


def test_a_used_permission_says_nothing_of_another_change() -> None:
    """The rotation that comes later is an ordinary one."""
    kept = record()
    at = observed(kept, paths=(path_row(kept, adopted_version=7),))
    change = only_change(plan_of(spec("a", adopts_version=7, generation=2), at=at))
    assert change.actions == (ROTATE,)
    assert change.secret is not None
    assert change.secret.adopts is None


@pytest.mark.parametrize(
    ("fields", "actions"),
    [
        ({"reissue": 2}, (ADOPT, Action.REISSUE)),
        ({"generation": 2, "owner": "x"}, (ADOPT, Action.UPDATE, ROTATE)),
        ({"sink_path": "payments/prod/z"}, (ADOPT, ROTATE)),
    ],
)
def test_one_secret_is_made_whatever_else_asks_for_one(
    fields: dict[str, Any], actions: tuple[Action, ...]
) -> None:
    """And it may write over that version of the path where it goes."""
    change = only_change(plan_of(spec("a", adopts_version=7, **fields), at=observed(record())))
    assert change.actions == actions
    assert change.secret is not None
    assert change.secret.adopts == 7


def test_an_expired_key_gets_no_secret_by_a_permission() -> None:
    """Rotation never extends a key's life."""
    gone = record(expiration=Expiration.DAY)
    at = observed(gone, read_at=NOW + 2 * DAY)
    plan = plan_of(spec("a", expiration=Expiration.DAY, adopts_version=7), at=at)
    assert [p.code for p in plan.problems] == ["key-expired"]
    spent = replace(at, paths=(path_row(gone, adopted_version=7),))
    assert plan_of(spec("a", expiration=Expiration.DAY, adopts_version=7), at=spent).problems == ()


# What is approved.


def test_what_is_adopted_is_part_of_what_is_approved() -> None:
    """Another manager, another version: another digest."""
    at = observed(record())
    plans = (
        adopting_plan(),
        adopting_plan(foreign(manager="third")),
        adopting_plan(foreign(manager=None)),
        plan_of(spec("a", adopts_version=7), at=at),
        plan_of(spec("a", adopts_version=8), at=at),
        plan_of(spec("a", generation=2), at=at),
    )
    assert len({plan.digest for plan in plans}) == len(plans)


def test_a_change_without_an_adoption_has_the_bytes_that_it_always_had() -> None:
    """Approvals of older programs stay good."""
    document = effects_document(plan_of(spec("a", generation=2), at=observed(record())))
    assert "adopt" not in str(document)
    assert SINK_ID in str(document)
