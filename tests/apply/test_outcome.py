"""What a whole run's end is called: the exit codes of a report."""

from __future__ import annotations

import pytest

from reconciler.apply.outcome import ApplyReport, Outcome, OutcomeStatus
from reconciler.errors import ExitCode
from tests.apply.watching import APPLIED, BLOCKED, FAILED, NOT_ATTEMPTED


def report(*ends: OutcomeStatus, interrupted: bool = False) -> ApplyReport:
    """Give a report of outcomes with these ends."""
    outcomes = tuple(
        Outcome(address=f"payments/k{n}", actions=("create",), status=end)
        for n, end in enumerate(ends)
    )
    return ApplyReport(
        run_id="run", plan_digest="sha256:x", outcomes=outcomes, interrupted=interrupted
    )


ROWS: list[tuple[tuple[OutcomeStatus, ...], bool, ExitCode]] = [
    ((), False, ExitCode.DONE),
    ((APPLIED, APPLIED), False, ExitCode.DONE),
    ((APPLIED, FAILED), False, ExitCode.PARTIAL),
    ((APPLIED, BLOCKED), False, ExitCode.PARTIAL),
    ((APPLIED, NOT_ATTEMPTED), False, ExitCode.PARTIAL),
    ((FAILED,), False, ExitCode.PARTIAL),
    ((BLOCKED,), False, ExitCode.PARTIAL),
    ((APPLIED, NOT_ATTEMPTED), True, ExitCode.INTERRUPTED),
    ((FAILED,), True, ExitCode.INTERRUPTED),
]


@pytest.mark.parametrize(("ends", "interrupted", "code"), ROWS)
def test_a_report_ends_with_the_code_of_its_row(
    ends: tuple[OutcomeStatus, ...], interrupted: bool, code: ExitCode
) -> None:
    """0 where everything was applied, 130 where it was stopped, else 4."""
    assert report(*ends, interrupted=interrupted).exit_code is code


def test_outcomes_are_counted_by_their_end() -> None:
    """Each status for itself."""
    made = report(APPLIED, APPLIED, BLOCKED)
    assert [made.count(s) for s in (APPLIED, FAILED, BLOCKED, NOT_ATTEMPTED)] == [2, 0, 1, 0]
