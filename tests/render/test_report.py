"""What became of a run."""

from __future__ import annotations

import json

import pytest

from reconciler.apply.outcome import ApplyReport, Outcome, OutcomeStatus
from reconciler.render.document import report_json
from reconciler.render.style import PLAIN, Style
from reconciler.render.text import outcome_line, report_text
from tests.render.conftest import Golden

APPLIED = Outcome(
    address="payments/etl-prod",
    actions=("rotate",),
    status=OutcomeStatus.APPLIED,
    path="payments/prod/etl",
    sink_version=4,
)
FAILED = Outcome(
    address="payments/billing-sync-prod",
    actions=("update", "rotate"),
    status=OutcomeStatus.FAILED,
    message="the sink did not answer",
    advice="run keyrec apply again",
    path="payments/prod/billing-sync",
)
BLOCKED = Outcome(
    address="payments/ledger",
    actions=("create",),
    status=OutcomeStatus.BLOCKED,
    message="somebody else wrote version 3",
)
WAITING = Outcome(address="payments/web", actions=("create",), status=OutcomeStatus.NOT_ATTEMPTED)
RETIRED = Outcome(
    address="payments/old",
    actions=("retire",),
    status=OutcomeStatus.APPLIED,
    is_maintenance=True,
)


def report(*outcomes: Outcome, **changed: object) -> ApplyReport:
    """Give a report."""
    found = {"audit_sequence": 1234, "audit_head": "ab" * 32, **changed}
    return ApplyReport(
        run_id="run-1",
        plan_digest="sha256:" + "cd" * 32,
        outcomes=outcomes,
        **found,  # type: ignore[arg-type]  # any field by its name
    )


REPORTS = {
    "done": report(APPLIED),
    "partial": report(WAITING, BLOCKED, APPLIED, FAILED, RETIRED, warnings=("no destroy right",)),
    "interrupted": report(APPLIED, WAITING, interrupted=True),
    "interrupted-early": report(interrupted=True, audit_head="", audit_sequence=0),
    "maintenance": report(RETIRED),
}


@pytest.mark.parametrize("name", REPORTS)
def test_each_end_of_a_run_looks_as_it_was_approved(name: str, golden: Golden):
    """Failures first, then counts, then the head of the audit chain."""
    golden(f"report-{name}.txt", report_text(REPORTS[name], PLAIN))
    golden(f"report-{name}.json", report_json(REPORTS[name]))


def test_the_exit_code_stands_in_the_json_as_number_and_word():
    """Programs need not know the numbers."""
    document = json.loads(report_json(REPORTS["partial"]))
    assert (document["exit_code"], document["exit"]) == (4, "partial")
    document = json.loads(report_json(REPORTS["interrupted"]))
    assert (document["exit_code"], document["exit"]) == (130, "interrupted")


def test_an_outcome_is_one_line_without_its_break():
    """It is printed as it becomes known."""
    assert outcome_line(APPLIED, PLAIN) == (
        "applied       payments/etl-prod (rotate) at payments/prod/etl version 4"
    )
    painted = outcome_line(APPLIED, Style(color=True))
    assert painted.startswith("\x1b[32mapplied")
