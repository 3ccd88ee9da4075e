"""Whether the effects that somebody approved still mean what was shown: access and findings.

A digest covers effects alone. The same effects mean more where the catalogue gives a scope another
meaning since, or where a key that stood still has come to life.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.review import Finding, Review
from reconciler.model.verdict import Dimension, Thing
from reconciler.review.catalogue import BY_ID


def unseen(approved: Review, now: Review) -> tuple[str, ...]:
    """Say what the same effects give, or bring of findings, that was not shown.

    A plan that was saved without a review shows nothing, and is compared by its effects alone.
    """
    if not approved.assessments:
        return ()
    return (*_gains(approved, now), *_touched(approved, now), *_findings(approved, now))


def _gains(approved: Review, now: Review) -> Iterator[str]:
    shown = set(_gained(approved))
    for thing, dimension, words in _gained(now):
        if (thing, dimension, words) not in shown:
            yield f"{thing[1]} gains {dimension.words}: {words}"


def _gained(review: Review) -> Iterator[tuple[Thing, Dimension, str]]:
    for assessment in review.assessments:
        for shift in assessment.shifts:
            yield from ((assessment.thing, shift.dimension, words) for words in shift.gained)


def _touched(approved: Review, now: Review) -> Iterator[str]:
    """Say which keys a resource touches besides those that were shown, where it gives access."""
    shown = approved.by_thing
    for assessment in now.widening:
        before = shown.get(assessment.thing)
        known = frozenset(() if before is None else before.touched)
        for address in assessment.touched:
            if address not in known:
                yield f"{assessment.address} touches {address}"


def _findings(approved: Review, now: Review) -> Iterator[str]:
    shown = {identity(finding) for finding in approved.findings}
    for finding in now.findings:
        if finding.is_of_change and identity(finding) not in shown:
            yield f"{finding.address} {finding.message} ({finding.rule}, {finding.severity.value})"


def identity(finding: Finding) -> tuple[str, Thing, str]:
    """Give what makes a finding the same one in another plan: rule, thing and what is said.

    What verifiers saw is said in other words whenever somebody has called since: there the rule
    and the thing are enough.
    """
    rule = BY_ID.get(finding.rule)
    moves = rule is not None and rule.by_use
    return finding.rule, finding.thing, "" if moves else finding.message
