"""What a review says: findings, and what each change does to access. Nothing is decided here.

Compatibility: they stand in plans as JSON; ids and words are never given another meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from reconciler.model.severity import Severity
from reconciler.model.source import SourceRef
from reconciler.model.verdict import Assessment, Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The waiver of a finding, as whoever reads the finding wants to know it."""

    name: str
    owner: str
    expires: date
    """The last day on which it counts, in UTC."""
    reason: str
    counts: bool
    """False for one that this plan brings: it helps from the next apply on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that somebody who reviews should know."""

    rule: str
    severity: Severity
    address: str
    is_key: bool
    """False for a resource."""
    workspace: str | None
    message: str
    mend: str
    source: SourceRef | None = None
    is_of_change: bool = True
    """Whether the plan changes the thing; what was so before fails no plan."""
    waiver: Acceptance | None = None
    """The stored waiver that accepts it, or one for it that this plan brings."""

    @property
    def thing(self) -> Thing:
        """Give what it is about."""
        return self.is_key, self.address

    @property
    def is_accepted(self) -> bool:
        """Whether a waiver that counts is for it."""
        return self.waiver is not None and self.waiver.counts

    @property
    def rank(self) -> int:
        """Give what findings are sorted by first: the gravest, and what changes before what was
        so.
        """
        return 2 * self.severity.rank + (not self.is_of_change)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by rank, address, rule and message: from the last to the first, so that no
    tuple is made for each of very many.
    """
    ordered = list(findings)
    for name in ("message", "rule", "address", "rank"):
        ordered.sort(key=attrgetter(name))
    return tuple(ordered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a security team decides from."""

    assessments: tuple[Assessment, ...] = ()
    """One of each change, in the plan's order."""
    findings: tuple[Finding, ...] = ()
    """The gravest first."""
    fail_on: Severity = Severity.CRITICAL

    @property
    def failing(self) -> tuple[Finding, ...]:
        """Give the findings that refuse the plan."""
        return tuple(f for f in self.findings if self.fails(f))

    def fails(self, finding: Finding) -> bool:
        """Whether it refuses the plan: of what that changes, grave enough, accepted by nobody."""
        return (
            finding.is_of_change
            and not finding.is_accepted
            and finding.severity is not Severity.INFO
            and finding.severity.reaches(self.fail_on)
        )

    @property
    def widening(self) -> tuple[Assessment, ...]:
        """Give the assessments of what gives access that was not there before."""
        return tuple(a for a in self.assessments if a.verdict.gives_access)

    @property
    def by_thing(self) -> dict[Thing, Assessment]:
        """Give the assessments by what they are of."""
        return {a.thing: a for a in self.assessments}
