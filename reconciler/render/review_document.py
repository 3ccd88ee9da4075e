"""A review as plain values, and back from a saved plan.

What is read back is only shown: apply plans and reviews again.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.review import Acceptance, Finding, Review
from reconciler.model.severity import Severity
from reconciler.model.source import SourceRef
from reconciler.model.verdict import Assessment, Shift, Thing
from reconciler.render.json_form import source_document
from reconciler.render.review_schema import AccessForm, FindingForm, SourceForm, WaiverForm


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
        "afterwards": assessment.afterwards,
        "remains": assessment.remains,
    }


def finding_document(finding: Finding) -> dict[str, object]:
    """Give one finding."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "kind": kind_word(is_key=finding.is_key),
        "address": finding.address,
        "workspace": finding.workspace,
        "message": finding.message,
        "mend": finding.mend,
        "source": source_document(finding.source),
        "is_of_change": finding.is_of_change,
        "waiver": None if finding.waiver is None else _waiver_document(finding.waiver),
    }


def kind_word(*, is_key: bool) -> str:
    """Say what an address is of."""
    return "key" if is_key else "resource"


def _waiver_document(waiver: Acceptance) -> dict[str, object]:
    return {
        "name": waiver.name,
        "owner": waiver.owner,
        "expires": waiver.expires.isoformat(),
        "reason": waiver.reason,
        "counts": waiver.counts,
    }


def review_of(
    accesses: Iterable[tuple[Thing, AccessForm | None]],
    findings: Iterable[FindingForm],
    fail_on: Severity,
) -> Review:
    """Read a review back; `accesses` holds what each change is of, with its form."""
    return Review(
        assessments=tuple(_assessment(thing, form) for thing, form in accesses if form),
        findings=tuple(_finding(form) for form in findings),
        fail_on=fail_on,
    )


def _assessment(thing: Thing, form: AccessForm) -> Assessment:
    is_key, address = thing
    return Assessment(
        address=address,
        is_key=is_key,
        verdict=form.verdict,
        shifts=tuple(
            Shift(dimension=s.dimension, gained=tuple(s.gained), lost=tuple(s.lost))
            for s in form.shifts
        ),
        disruptions=tuple(form.disruptions),
        touched=tuple(form.touched),
        afterwards=form.afterwards,
        remains=form.remains,
    )


def source_of(form: SourceForm | None) -> SourceRef | None:
    """Read a place in a manifest back."""
    if form is None:
        return None
    return SourceRef(file=form.file, line=form.line, column=form.column, end_line=form.end_line)


def _finding(form: FindingForm) -> Finding:
    return Finding(
        rule=form.rule,
        severity=form.severity,
        address=form.address,
        is_key=form.kind == "key",
        workspace=form.workspace,
        message=form.message,
        mend=form.mend,
        source=source_of(form.source),
        is_of_change=form.is_of_change,
        waiver=None if form.waiver is None else _waiver(form.waiver),
    )


def _waiver(form: WaiverForm) -> Acceptance:
    return Acceptance(
        name=form.name,
        owner=form.owner,
        expires=form.expires,
        reason=form.reason,
        counts=form.counts,
    )
