"""What was changed outside, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from jsonschema import Draft202012Validator

from reconciler.apply.looking import Comparison, LeftOut, Unseen
from reconciler.errors import ExitCode, SinkDenied, SinkUnavailable
from reconciler.planning.actions import MaintenanceKind
from reconciler.planning.drift import Drift, DriftKind, Holding, NotCompared
from reconciler.planning.plan import MaintenanceItem
from reconciler.render.document import plan_json
from reconciler.render.drift import drift_json, drift_text
from reconciler.render.maintenance_lines import maintenance_line
from reconciler.render.plan_file import read_plan
from reconciler.render.plan_schema import plan_schema
from reconciler.render.style import PLAIN
from tests.render.conftest import Golden
from tests.render.samples import plans

WRITTEN = Drift(
    kind=DriftKind.OVERWRITTEN,
    address="payments/a",
    workspace="payments",
    key_id="key-a",
    path="payments/prod/a",
    recorded=2,
    seen=3,
    holding=Holding.FOREIGN,
)
FORGOTTEN = replace(WRITTEN, kind=DriftKind.PATH_DELETED, seen=0, holding=Holding.NOTHING)
EDITED = Drift(
    kind=DriftKind.RECORD_EDITED, address="payments/b", workspace="payments", key_id="key-b"
)
UNSEEN = Unseen(
    address="payments/c",
    path="payments/prod/c",
    error=SinkDenied("may not be looked at\x1b[2J", advice="ask for the right"),
)
SILENT = replace(UNSEEN, address="payments/d", error=SinkUnavailable("no answer"))
LEFT = LeftOut(address="payments/e", why=NotCompared.EXPIRED)
FULL = Comparison(
    drifts=(EDITED, WRITTEN, FORGOTTEN),
    unseen=(UNSEEN, SILENT),
    left_out=(LEFT,),
    compared=4,
    proven=1,
)


def test_every_difference_is_named_with_its_way_out_and_everything_is_counted(
    golden: Golden,
) -> None:
    """What was found, what could not be looked at, what was left out."""
    golden("drift.txt", drift_text(FULL, PLAIN, verbose=True))


def test_keys_that_were_left_out_are_only_counted_unless_asked_for() -> None:
    """They are no trouble."""
    assert "it has expired" not in drift_text(FULL, PLAIN)
    assert "1 left out" in drift_text(FULL, PLAIN)


def test_nothing_found_is_one_line() -> None:
    """It says how sure it is."""
    assert drift_text(Comparison(compared=2, proven=2), PLAIN) == (
        "No drift. 2 keys compared, 2 values proven.\n"
    )
    assert drift_text(Comparison(), PLAIN) == "No drift. 0 keys compared.\n"


def test_the_exit_code_tells_found_from_not_looked_at() -> None:
    """Some is stronger than not knowing, and not knowing is no all-clear."""
    assert FULL.exit_code is ExitCode.CHANGES
    assert Comparison(unseen=(UNSEEN,)).exit_code is ExitCode.ERROR
    assert Comparison(left_out=(LEFT,)).exit_code is ExitCode.DONE


def test_programs_get_the_same() -> None:
    """With the exit code and its word."""
    document = json.loads(drift_json(FULL, FULL.exit_code))
    assert [d["kind"] for d in document["drift"]] == [
        "record-edited",
        "overwritten",
        "path-deleted",
    ]
    assert document["drift"][1] == {
        "address": "payments/a",
        "workspace": "payments",
        "key_id": "key-a",
        "kind": "overwritten",
        "path": "payments/prod/a",
        "recorded_version": 2,
        "seen_version": 3,
        "holding": "foreign",
        "repair": None,
        "message": "payments/prod/a holds what keyrec did not write at version 3 in the sink; "
        "keyrec left version 2",
        "advice": "find out who writes there; nothing was overwritten, and spec.secret.adopt: 3 "
        "in its manifest lets keyrec write over it once",
    }
    assert document["drift"][2]["repair"] == "sink-path-deleted"
    assert document["not_looked_at"][0]["address"] == "payments/c"
    assert document["left_out"] == [{"address": "payments/e", "reason": "expired"}]
    assert (document["compared"], document["proven"]) == (4, 1)
    assert (document["exit_code"], document["exit"]) == (2, "changes")


def test_a_saved_plan_keeps_what_was_found() -> None:
    """By the published schema, outside of the digest."""
    plan = plans()["update"]
    looked = replace(plan, drift=(WRITTEN, FORGOTTEN, EDITED))
    text = plan_json(looked)
    Draft202012Validator(plan_schema()).validate(json.loads(text))
    again = read_plan(text, name="plan.json")
    assert again.drift == looked.drift
    assert again.digest == plan.digest
    assert plan_json(again) == text


def test_paths_that_wait_for_a_person_are_counted_in_the_maintenance() -> None:
    """Beside what maintenance does by itself."""
    item = MaintenanceItem(address="payments/a", kind=MaintenanceKind.REPAIR)
    assert maintenance_line((item, item)) == (
        "Maintenance: 2 changed paths that a person has to decide about."
    )
