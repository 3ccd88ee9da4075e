"""In which order people read changes: what is risky first."""

from __future__ import annotations

from reconciler.model.severity import Severity
from reconciler.model.verdict import Verdict
from reconciler.planning.plan import Change, Plan

_NONE = 9
"""Behind every severity."""


def risky_first(plan: Plan) -> list[Change]:
    """Sort changes: those with a grave finding, then by verdict, then those that may break callers.

    Within each the gravest finding counts, then the address.
    """
    assessments = {a.address: a for a in plan.review.assessments}
    gravest: dict[str, int] = {}
    for finding in plan.review.findings:
        rank = finding.severity.rank
        gravest[finding.address] = min(rank, gravest.get(finding.address, _NONE))

    def order(change: Change) -> tuple[bool, int, bool, int, str]:
        assessment = assessments.get(change.address)
        grave = gravest.get(change.address, _NONE)
        verdict = Verdict.NEUTRAL if assessment is None else assessment.verdict
        is_calm = assessment is None or not assessment.disrupts
        return grave > Severity.HIGH.rank, verdict.rank, is_calm, grave, change.address

    return sorted(plan.changes, key=order)
