"""Which record belongs to which spec, and what part of the world is looked at."""

from __future__ import annotations

import pytest

from reconciler.model.keys import KeyStatus
from reconciler.planning.actions import Action
from reconciler.planning.pairing import Pair, pair_keys
from reconciler.planning.selection import Selection
from tests.fakes.world import removal, spec
from tests.planning.records import address, observed, plan_of, record, request

Names = tuple[str | None, str | None]


def pairs(*items: object, **options: object) -> list[Names]:
    """Give spec and record of every pair by name."""
    found = pair_keys(request(*items, **options))  # type: ignore[arg-type]  # free forms of a table
    return [
        (
            None if p.spec is None else p.spec.address.name,
            None if p.record is None else p.record.address.name,
        )
        for p in found
    ]


def test_a_spec_meets_the_record_of_its_address() -> None:
    """Each key once, sorted by address: declared, stored, or both."""
    at = observed(record("b"), record("c"))
    assert pairs(spec("c"), spec("a"), at=at) == [("a", None), (None, "b"), ("c", "c")]


def test_a_spec_without_a_record_meets_that_of_its_previous_name() -> None:
    """That is a rename; the record is not looked at again."""
    at = observed(record("old"))
    (pair,) = pair_keys(request(spec("new", previous_name="old"), at=at))
    assert (pair.address, pair.is_renamed) == (address("new"), True)


@pytest.mark.parametrize(
    ("items", "stored", "expected"),
    [
        ([spec("new", previous_name="old")], [record("new")], [("new", "new")]),
        (
            [spec("new", previous_name="old")],
            [record("new"), record("old")],
            [("new", "new"), (None, "old")],
        ),
        ([spec("new", previous_name="old")], [], [("new", None)]),
        (
            [spec("new", previous_name="old"), spec("old")],
            [record("old")],
            [("new", None), ("old", "old")],
        ),
    ],
)
def test_a_previous_name_means_nothing_where_the_key_has_left_it(
    items: list[object], stored: list[object], expected: list[Names]
) -> None:
    """After the rename it stays in the manifest; a name that is declared belongs to its own key."""
    assert pairs(*items, at=observed(*stored)) == expected  # type: ignore[arg-type]  # ditto


def test_a_removal_travels_with_the_record_that_it_ends() -> None:
    """And is nothing where there is no such record."""
    declared = removal("a")
    (pair,) = pair_keys(request(declared, at=observed(record("a"))))
    assert pair.removal is declared
    assert pair_keys(request(declared)) == ()


def test_only_live_records_are_paired() -> None:
    """Tombstones and replaced keys are history."""
    gone = record("a", about={"status": KeyStatus.REMOVED})
    assert pairs(spec("a"), at=observed(gone)) == [("a", None)]
    assert pairs(at=observed(gone)) == []


def test_records_of_other_environments_are_never_pruned() -> None:
    """One configuration per environment; none ends the keys of another."""
    test = record("t", environment="test")
    at = observed(test, record("p"))
    assert pairs(at=at, environments=("prod",)) == [(None, "p")]
    assert pairs(at=at, environments=("test",)) == [(None, "t")]
    assert pairs(at=at) == [(None, "p"), (None, "t")]


def test_a_name_that_another_environment_has_is_told_and_not_created_anew() -> None:
    """The manifest's environment was changed: that is refused, with the mend."""
    at = observed(record("a", environment="test", sink_path="payments/test/a"))
    plan = plan_of(spec("a"), at=at, environments=("prod",))
    assert [p.code for p in plan.problems] == ["environment-immutable"]
    assert all(Action.CREATE not in c.actions for c in plan.changes)


@pytest.mark.parametrize(
    ("selection", "covered"),
    [
        (Selection(), {"payments/a", "payments/b", "shop/a"}),
        (Selection(targets=("payments/*",)), {"payments/a", "payments/b"}),
        (Selection(targets=("payments/a", "shop/*")), {"payments/a", "shop/a"}),
        (Selection(excludes=("*/a",)), {"payments/b"}),
        (Selection(targets=("payments/*",), excludes=("payments/b",)), {"payments/a"}),
        (Selection(targets=("PAYMENTS/*",)), set()),
    ],
)
def test_a_selection_covers_what_its_globs_name(selection: Selection, covered: set[str]) -> None:
    """Targets choose, excludes take away, case counts."""
    every = {"payments/a", "payments/b", "shop/a"}
    assert {a for a in every if selection.covers(a)} == covered


def test_a_selection_is_said_as_the_flags_that_make_it() -> None:
    """A plan that shows a part says so."""
    selection = Selection(targets=("a/*",), excludes=("a/b", "a/c"))
    assert selection.flags == ("--target=a/*", "--exclude=a/b", "--exclude=a/c")
    assert Selection().flags == ()


def test_a_pair_is_called_by_its_declared_name_else_by_the_stored_one() -> None:
    """The new name leads."""
    assert Pair(spec=spec("a"), record=None).address == address("a")
    assert Pair(spec=None, record=record("b")).address == address("b")
    assert not Pair(spec=spec("a"), record=None).is_renamed
    assert not Pair(spec=None, record=record("b")).is_renamed
    assert not Pair(spec=spec("a"), record=record("a")).is_renamed
