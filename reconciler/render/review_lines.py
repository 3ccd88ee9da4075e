"""What a review says, on a terminal: verdict, how callers may break, findings, and their count.

Compatibility: scripts look for `Findings: ` at the start of a line; this word stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from reconciler.model.review import Finding, Review
from reconciler.model.severity import Severity
from reconciler.model.verdict import Assessment, Verdict
from reconciler.render.style import Style, Tint, escape
from reconciler.render.words import counted

_TINTS = {
    Verdict.WIDEN: (Tint.RED, Tint.BOLD),
    Verdict.MIXED: (Tint.RED, Tint.BOLD),
    Verdict.NARROW: (Tint.YELLOW,),
    Verdict.NEUTRAL: (Tint.DIM,),
}
_GRAVE = {Severity.CRITICAL: (Tint.RED, Tint.BOLD), Severity.HIGH: (Tint.RED,)}


def verdict_text(assessment: Assessment | None, style: Style) -> str:
    """Give the verdict behind an address; empty where nobody assessed the change."""
    if assessment is None:
        return ""
    words = style.paint(assessment.verdict.value, *_TINTS[assessment.verdict])
    disrupt = f" {style.paint('DISRUPT', Tint.YELLOW, Tint.BOLD)}" if assessment.disrupts else ""
    return f"  {words}{disrupt}"


def review_lines(
    assessment: Assessment | None, findings: Iterable[Finding], style: Style
) -> Iterator[str]:
    """Give what is said of one change, below its fields."""
    for disruption in () if assessment is None else assessment.disruptions:
        yield f"      may break   {escape(disruption)}"
    if assessment is not None and assessment.touched:
        count = counted(len(assessment.touched), "key")
        yield f"      touches     {count}: {_listed(assessment.touched)}"
    for finding in findings:
        yield f"      {_finding_text(finding, style)}"


def _listed(addresses: tuple[str, ...]) -> str:
    shown = ", ".join(escape(a) for a in addresses[:5])
    return shown if len(addresses) <= 5 else f"{shown} and {len(addresses) - 5} more"


def _finding_text(finding: Finding, style: Style) -> str:
    word = style.paint(finding.severity.value, *_GRAVE.get(finding.severity, ()))
    gap = " " * (len(Severity.CRITICAL.value) - len(finding.severity.value))
    return f"! {word}{gap} {escape(finding.rule)}  {escape(finding.message)}{_waiver_text(finding)}"


def _waiver_text(finding: Finding) -> str:
    if finding.waived_by is not None:
        return f" (accepted by waiver/{escape(finding.waived_by)})"
    if finding.announced_by is not None:
        return f" (waiver/{escape(finding.announced_by)} accepts it from the next apply on)"
    return ""


def standing_lines(review: Review, style: Style, *, verbose: bool) -> Iterator[str]:
    """Count the findings, and list those of what the plan does not change where that is wanted."""
    if not review.findings:
        return
    standing = [f for f in review.findings if not f.is_of_change]
    counts = Counter(f.severity for f in review.findings if f.is_of_change)
    shown = [s for s in Severity if counts[s] or s in {Severity.CRITICAL, Severity.HIGH}]
    words = ", ".join(f"{counts[severity]} {severity.value}" for severity in shown)
    rest = f"; {len(standing)} of what this plan does not change" if standing else ""
    hint = "" if verbose or not standing else " (-v lists them)"
    yield f"Findings: {words}{rest}{hint}."
    for finding in standing if verbose else ():
        yield f"  {escape(finding.address)}: {_finding_text(finding, style)}"
