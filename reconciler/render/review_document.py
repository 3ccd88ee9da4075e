"""A review as plain values, and back from a saved plan.

What is read back is only shown: apply plans and reviews again.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.review import Finding, Review
from reconciler.model.severity import Severity
from reconciler.model.source import SourceRef
from reconciler.model.verdict import Assessment, Shift
from reconciler.render.json_form import source_document
from reconciler.render.review_schema import AccessForm, FindingForm


def access_document(assessment: Assessment | None) -> dict[str, object] | None:
    """Give what a change does to access; None where nobody assessed it."""
    if assessment is None:
        return None
    return {
        "verdict": assessment.verdict.value,
        "shifts": [
            {
                "dimension": shift.dimension.value,
                "gained": list(shift.gained),
                "lost": list(shift.lost),
            }
            for shift in assessment.shifts
        ],
        "disruptions": list(assessment.disruptions),
        "touched": list(assessment.touched),
    }


def finding_document(finding: Finding) -> dict[str, object]:
    """Give one finding."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "address": finding.address,
        "workspace": finding.workspace,
        "message": finding.message,
        "mend": finding.mend,
        "source": source_document(finding.source),
        "is_of_change": finding.is_of_change,
        "waived_by": finding.waived_by,
        "announced_by": finding.announced_by,
    }


def review_of(
    accesses: Iterable[tuple[str, AccessForm | None]],
    findings: Iterable[FindingForm],
    fail_on: Severity,
) -> Review:
    """Read a review back; `accesses` holds the address of each change with its form."""
    return Review(
        assessments=tuple(_assessment(address, form) for address, form in accesses if form),
        findings=tuple(_finding(form) for form in findings),
        fail_on=fail_on,
    )


def _assessment(address: str, form: AccessForm) -> Assessment:
    return Assessment(
        address=address,
        verdict=form.verdict,
        shifts=tuple(
            Shift(dimension=s.dimension, gained=tuple(s.gained), lost=tuple(s.lost))
            for s in form.shifts
        ),
        disruptions=tuple(form.disruptions),
        touched=tuple(form.touched),
    )


def _finding(form: FindingForm) -> Finding:
    place = form.source
    return Finding(
        rule=form.rule,
        severity=form.severity,
        address=form.address,
        workspace=form.workspace,
        message=form.message,
        mend=form.mend,
        source=None
        if place is None
        else SourceRef(
            file=place.file, line=place.line, column=place.column, end_line=place.end_line
        ),
        is_of_change=form.is_of_change,
        waived_by=form.waived_by,
        announced_by=form.announced_by,
    )
