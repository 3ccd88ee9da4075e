"""A review read back from a saved plan: it is only shown, apply plans and reviews again."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.review import Acceptance, Finding, Review
from reconciler.model.severity import Severity
from reconciler.model.source import SourceRef
from reconciler.model.verdict import Assessment, Shift, Thing
from reconciler.render.review_schema import AccessForm, FindingForm, SourceForm, WaiverForm


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
