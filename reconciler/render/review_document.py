"""A review as plain values; `review_file` reads it back."""

from __future__ import annotations

from reconciler.model.review import Acceptance, Finding
from reconciler.model.verdict import Assessment
from reconciler.render.json_form import source_document


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
