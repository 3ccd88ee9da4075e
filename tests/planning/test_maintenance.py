"""What time brings, in the order in which it is done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.model.keys import KeyRecord, KeyStatus, KeyVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.states import ObservedState
from reconciler.planning.actions import MaintenanceKind, Reason
from reconciler.planning.maintenance import maintenance_items
from reconciler.planning.plan import MaintenanceItem
from tests.fakes.world import removal, spec
from tests.planning.records import (
    DAY,
    HOUR,
    NOW,
    TARGET,
    observed,
    operation,
    plan_of,
    record,
    version,
)

RETIRED = VersionState.RETIRED
OLD = version("v0", state=VersionState.RETIRING, sink_version=1, retire_at=NOW - HOUR)
NEW = version("v1", sink_version=2)


def items(
    *records: KeyRecord, at: ObservedState | None = None, **sets: Any
) -> list[tuple[MaintenanceKind, str | None]]:
    """Give kinds and versions of what is due."""
    found = maintenance_items(records, at or observed(*records), TARGET, **sets)
    return [(i.kind, i.version_id) for i in found]


def test_a_key_at_rest_needs_nothing() -> None:
    """A current version is left alone."""
    assert items(record()) == []


def test_an_open_operation_is_resumed_and_the_key_not_rotated_beside_it() -> None:
    """The key has no current version, but one is under way."""
    stored = record(versions=())
    opened = operation(stored)
    state = observed(stored, operations=(opened,))
    (item,) = maintenance_items([stored], state, TARGET)
    assert item == MaintenanceItem(
        address="payments/a",
        kind=MaintenanceKind.RESUME,
        operation_id=opened.operation_id,
        version_id="v2",
        path="payments/prod/a",
        due_since=NOW,
        workspace="payments",
        record=stored,
    )


def test_the_operation_of_another_key_is_not_told_twice() -> None:
    """Each operation stands at its own key."""
    first, second = record("a", versions=()), record("b", versions=())
    state = observed(first, second, operations=(operation(first), operation(second)))
    found = maintenance_items([second, first], state, TARGET)
    assert [(i.address, i.operation_id) for i in found] == [
        ("payments/a", "operation-a"),
        ("payments/b", "operation-b"),
    ]


def test_a_due_rotation_says_why_and_where() -> None:
    """The item carries the record that the rotation is based on."""
    stored = record(versions=())
    (item,) = maintenance_items([stored], observed(stored), TARGET)
    assert (item.kind, item.reason) == (MaintenanceKind.ROTATE, Reason.NO_LIVE_VERSION)
    assert (item.path, item.workspace, item.record) == ("payments/prod/a", "payments", stored)


def test_a_key_that_is_renewed_anyway_is_not_rotated_by_time() -> None:
    """The declared change makes its secret."""
    assert items(record(versions=()), renewed=frozenset({"key-a"})) == []


def test_an_overlap_that_has_passed_is_ended_and_its_copy_destroyed() -> None:
    """Retire first, destroy then, in one plan."""
    stored = record(versions=(OLD, NEW))
    found = maintenance_items([stored], observed(stored), TARGET)
    assert [(i.kind, i.version_id, i.sink_version) for i in found] == [
        (MaintenanceKind.RETIRE, "v0", 1),
        (MaintenanceKind.DESTROY, "v0", 1),
    ]
    assert found[0].due_since == OLD.retire_at


def test_an_overlap_ends_exactly_at_its_deadline() -> None:
    """At the deadline acceptance has ended; before it nothing is done."""
    at_end = replace(OLD, retire_at=NOW)
    before = replace(OLD, retire_at=NOW + HOUR)
    waiting = replace(OLD, retire_at=None)
    assert len(items(record(versions=(at_end, NEW)))) == 2
    assert items(record(versions=(before, NEW))) == []
    assert items(record(versions=(waiting, NEW))) == []


def _ended(**changes: Any) -> KeyVersion:
    return replace(OLD, state=RETIRED, retire_at=None, retired_at=NOW, **changes)


def test_a_retired_copy_is_destroyed_once_and_only_where_it_is_known_and_in_reach() -> None:
    """Not a destroyed one, not one that never arrived, not one in another sink."""
    assert items(record(versions=(_ended(), NEW))) == [(MaintenanceKind.DESTROY, "v0")]
    assert items(record(versions=(_ended(copy_destroyed_at=NOW), NEW))) == []
    assert items(record(versions=(_ended(sink_version=None), NEW))) == []
    assert items(record(versions=(_ended(sink_id="fake:another"), NEW))) == []


def test_a_number_under_which_a_living_secret_stands_is_not_destroyed() -> None:
    """A path that was deleted outside counts from 1 again: the old copy's number is taken."""
    again = version("v1", sink_version=1)
    assert items(record(versions=(_ended(), again))) == []
    other = record("b", versions=(version("w", sink_version=1),))
    taken_over = observed(record(versions=(_ended(), NEW)), other)
    assert items(record(versions=(_ended(), NEW)), at=taken_over) == []


def test_a_key_that_the_plan_ends_leaves_nothing_to_time() -> None:
    """Its removal retires and destroys everything, and what it had replaced."""
    stored = record(versions=(OLD, NEW))
    replaced = record(
        versions=(replace(OLD, version_id="v9"),),
        about={"key_id": "key-0", "status": KeyStatus.SUPERSEDED, "superseded_by": "key-a"},
    )
    assert items(stored, replaced, ended=frozenset({"key-a"})) == []
    assert len(items(stored, replaced)) == 4
    plan = plan_of(removal("a"), at=observed(stored, replaced))
    assert plan.maintenance == ()


def test_ended_keys_are_still_cleaned_up() -> None:
    """A tombstone's copies stay on the list until they are gone; it is never rotated."""
    tomb = record(versions=(_ended(),), about={"status": KeyStatus.REMOVED})
    assert items(tomb) == [(MaintenanceKind.DESTROY, "v0")]


def test_a_key_that_is_deactivated_now_is_not_rotated_by_its_schedule() -> None:
    """Its schedule rests from this plan on."""
    due = record(every=DAY, about={"rotated_at": NOW - 30 * DAY})
    at = observed(due)
    assert [i.kind for i in plan_of(spec("a", every=DAY), at=at).maintenance] == [
        MaintenanceKind.ROTATE
    ]
    assert plan_of(spec("a", every=DAY, active=False), at=at).maintenance == ()


def test_items_are_ordered_by_address_whatever_order_the_records_have() -> None:
    """The plan's bytes do not depend on the store's order."""
    first, second = record("a", versions=()), record("b", versions=())
    state = observed(second, first)
    assert maintenance_items([first, second], state, TARGET) == maintenance_items(
        [second, first], state, TARGET
    )
