"""What a review says, on a terminal: verdict, access afterwards, how callers may break, findings,
and their count. What is gained and lost stands in the fields above.

Compatibility: scripts look for `Findings: ` at the start of a line; this word stays.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.review import Finding
from reconciler.model.severity import Severity
from reconciler.model.verdict import Verdict
from reconciler.render.review_words import (
    BEFORE_WORDS,
    Effect,
    EffectLine,
    effect_lines,
    touched_words,
    waiver_words,
)
from reconciler.render.reviewed import ReviewedChange, ReviewedPlan
from reconciler.render.style import Style, Tint, escape, padded

_TINTS = {
    Verdict.WIDEN: (Tint.RED, Tint.BOLD),
    Verdict.MIXED: (Tint.RED, Tint.BOLD),
    Verdict.NARROW: (Tint.YELLOW,),
    Verdict.NEUTRAL: (Tint.DIM,),
}
_GRAVE = {Severity.CRITICAL: (Tint.RED, Tint.BOLD), Severity.HIGH: (Tint.RED,)}
_ALWAYS = frozenset({Severity.CRITICAL, Severity.HIGH})
_SAID_ABOVE = frozenset({Effect.GAINS, Effect.LOSES, Effect.REMAINS})
"""What the lines of the change itself say."""
_MOST_TOUCHED = 5
_NAME_WIDTH = 12


def verdict_text(reviewed: ReviewedChange, style: Style) -> str:
    """Give the verdict behind an address; empty where nobody assessed the change."""
    if reviewed.assessment is None:
        return ""
    words = style.paint(reviewed.verdict.value, *_TINTS[reviewed.verdict])
    disrupt = f" {style.paint('DISRUPT', Tint.YELLOW, Tint.BOLD)}" if reviewed.disrupts else ""
    return f"  {words}{disrupt}"


def review_lines(reviewed: ReviewedChange, style: Style) -> Iterator[str]:
    """Give what is said of one change, below its fields."""
    for line in effect_lines(reviewed.assessment):
        if line.effect not in _SAID_ABOVE:
            yield f"      {padded(line.effect.value, _NAME_WIDTH)}{_effect_text(line)}"
    yield from (f"      {_finding_text(finding, style)}" for finding in reviewed.brought)
    if reviewed.before:
        yield f"      {BEFORE_WORDS}"
    yield from (f"        {_finding_text(finding, style)}" for finding in reviewed.before)


def _effect_text(line: EffectLine) -> str:
    if line.effect is Effect.TOUCHES:
        return touched_words(line.words, _MOST_TOUCHED, escape)
    return ", ".join(map(escape, line.words))


def _finding_text(finding: Finding, style: Style) -> str:
    word = style.paint(finding.severity.value, *_GRAVE.get(finding.severity, ()))
    gap = " " * (len(Severity.CRITICAL.value) - len(finding.severity.value))
    waiver = "" if finding.waiver is None else f" ({waiver_words(finding.waiver, escape)})"
    return f"! {word}{gap} {escape(finding.rule)}  {escape(finding.message)}{waiver}"


def findings_lines(reviewed: ReviewedPlan, style: Style, *, verbose: bool) -> Iterator[str]:
    """Count the findings, and list those of what the plan does not change where that is wanted."""
    hint = "" if verbose or not reviewed.elsewhere else " (-v lists them)"
    yield f"{reviewed.findings_words(always=_ALWAYS)}{hint}."
    for finding in reviewed.elsewhere if verbose else ():
        yield f"  {escape(finding.address)}: {_finding_text(finding, style)}"
