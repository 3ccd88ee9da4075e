"""What a valid manifest may not ask of the stored key: exact message, mend and place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.keys import KeyRecord, KeySpec
from reconciler.model.lifetime import Expiration
from reconciler.model.source import Problem, SourceRef
from reconciler.planning.against_store import store_problems
from reconciler.planning.pairing import Pair
from tests.fakes.world import removal, spec
from tests.planning.records import NOW, plan_of, record
from tests.planning.records import observed as observation

FIELD = SourceRef(file="keys/payments/a.yaml", line=12, column=5)
EXPIRED = NOW + timedelta(days=2)


def problem(code: str, message: str, advice: str, where: SourceRef = FIELD) -> Problem:
    """Give a problem of payments/a."""
    return Problem(where=where, code=code, message=message, advice=advice)


Row = tuple[KeySpec, KeyRecord, str, Problem]
ROWS: dict[str, Row] = {
    "expiration": (
        spec("a", expiration=Expiration.QUARTER),
        record(expiration=Expiration.MONTH),
        "spec.expiration",
        problem(
            "expiration-immutable",
            "the expiration of payments/a is 30d and cannot be changed",
            "write 30d again; for 90d, declare a new key under another name, "
            "or replace this one by raising spec.reissue to 2",
        ),
    ),
    "expiration of a reissued key": (
        spec("a", expiration=Expiration.NONE, reissue=4),
        record(expiration=Expiration.HOUR, reissue=4),
        "spec.expiration",
        problem(
            "expiration-immutable",
            "the expiration of payments/a is 1h and cannot be changed",
            "write 1h again; for none, declare a new key under another name, "
            "or replace this one by raising spec.reissue to 5",
        ),
    ),
    "environment": (
        spec("a", environment="test", sink_path="payments/prod/a"),
        record(),
        "spec.environment",
        problem(
            "environment-immutable",
            "the environment of payments/a is prod and cannot be changed",
            "write prod again; for test, declare a new key, "
            "or replace this one by raising spec.reissue to 2",
        ),
    ),
    "generation": (
        spec("a", generation=2),
        record(generation=5),
        "spec.rotation.generation",
        problem(
            "generation-lowered",
            "payments/a is at generation 5; 2 would go back",
            "write generation: 5, or 6 to rotate now",
        ),
    ),
    "reissue": (
        spec("a", reissue=1),
        record(reissue=3),
        "spec.reissue",
        problem(
            "reissue-lowered",
            "payments/a was reissued as number 3; 1 would go back",
            "write reissue: 3, or 4 to replace the key now",
        ),
    ),
    "rotation after the end": (
        spec("a", expiration=Expiration.DAY, generation=2),
        record(expiration=Expiration.DAY),
        "spec.rotation.generation",
        problem(
            "key-expired",
            "payments/a expired at 2026-11-25T12:00:00.000000Z; "
            "a new secret would not bring it back",
            "replace it by raising spec.reissue to 2",
        ),
    ),
    "move after the end": (
        spec("a", expiration=Expiration.DAY, sink_path="payments/other"),
        record(expiration=Expiration.DAY),
        "spec.secret.path",
        problem(
            "key-expired",
            "payments/a expired at 2026-11-25T12:00:00.000000Z; "
            "a new secret would not bring it back",
            "replace it by raising spec.reissue to 2",
        ),
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_refused_manifest_is_told_with_its_mend_at_the_field(row: str) -> None:
    """One row for every rule: code, sentence, advice and the field's own place."""
    declared, stored, path, expected = ROWS[row]
    source = replace(declared.source, file=FIELD.file, end_line=0)
    placed = replace(declared, source=source, places=((path, FIELD.line, FIELD.column),))
    (found,) = store_problems(Pair(spec=placed, record=stored), EXPIRED)
    assert replace(found, where=replace(found.where, end_line=0)) == expected


@pytest.mark.parametrize("row", ROWS)
def test_a_field_whose_place_is_unknown_is_told_at_its_document(row: str) -> None:
    """A default has no line of its own."""
    declared, stored, _, expected = ROWS[row]
    (found,) = store_problems(Pair(spec=declared, record=stored), EXPIRED)
    assert found == replace(expected, where=declared.source)


@pytest.mark.parametrize("row", [r for r in ROWS if r != "reissue"])
def test_a_reissue_is_the_way_out_of_every_rule_but_its_own(row: str) -> None:
    """The new key has its own expiration, environment, generation and life."""
    declared, stored, _, _ = ROWS[row]
    raised = replace(declared, fields=replace(declared.fields, reissue=stored.fields.reissue + 1))
    assert store_problems(Pair(spec=raised, record=stored), EXPIRED) == ()


def test_the_advised_values_are_accepted() -> None:
    """What the advice says to write is no problem."""
    stored = record(generation=5, reissue=3, expiration=Expiration.MONTH)
    for declared in (
        spec("a", generation=5, reissue=3, expiration=Expiration.MONTH),
        spec("a", generation=6, reissue=3, expiration=Expiration.MONTH),
        spec("a", generation=1, reissue=4, expiration=Expiration.QUARTER),
    ):
        assert store_problems(Pair(spec=declared, record=stored), NOW) == ()


def test_an_expired_key_may_still_be_described_and_renamed_in_place() -> None:
    """Only a new secret is refused."""
    stored = record(expiration=Expiration.DAY)
    for declared in (
        spec("a", expiration=Expiration.DAY, owner="x", active=False),
        spec("b", expiration=Expiration.DAY, sink_path="payments/prod/a"),
    ):
        assert store_problems(Pair(spec=declared, record=stored), EXPIRED) == ()


def test_a_rotation_just_before_the_end_is_no_problem() -> None:
    """The key's time is over at its expiry, not before."""
    pair = Pair(
        spec=spec("a", expiration=Expiration.DAY, generation=2),
        record=record(expiration=Expiration.DAY),
    )
    end = NOW + timedelta(days=1)
    assert store_problems(pair, end - timedelta(microseconds=1)) == ()
    assert [p.code for p in store_problems(pair, end)] == ["key-expired"]


def test_a_pair_without_both_sides_has_no_problem() -> None:
    """New keys and ended ones are judged elsewhere."""
    assert store_problems(Pair(spec=spec("a"), record=None), NOW) == ()
    assert store_problems(Pair(spec=None, record=record(), removal=removal("a")), NOW) == ()


def test_all_problems_of_all_keys_are_told_in_order_of_their_places() -> None:
    """One run names everything, and such a plan cannot be applied."""
    plan = plan_of(
        spec("b", generation=1, expiration=Expiration.DAY, line=3),
        spec("a", reissue=1),
        at=observation(record("a", reissue=2), record("b", generation=2)),
    )
    assert [(p.where.file, p.where.line, p.code) for p in plan.problems] == [
        ("keys/payments/a.yaml", 1, "reissue-lowered"),
        ("keys/payments/b.yaml", 3, "expiration-immutable"),
        ("keys/payments/b.yaml", 3, "generation-lowered"),
    ]
    assert not plan.is_applyable
