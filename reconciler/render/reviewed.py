"""A plan's changes beside what the review says of each: what every form for people draws.

Which finding stands where, in which order people read and what a head counts is decided here; a
form only draws. Each finding stands in one place: with the change of its thing, or with what the
plan does not change.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Container, Iterable
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.review import Finding
from reconciler.model.severity import Severity
from reconciler.model.verdict import Assessment, Thing, Verdict
from reconciler.planning.plan import Change, Plan
from reconciler.render.words import counted

_GRAVE = frozenset({Severity.CRITICAL, Severity.HIGH})
_NONE = 9
"""Behind every severity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedChange:
    """One change with what is said of it."""

    change: Change
    assessment: Assessment | None = None
    """None where nobody assessed it."""
    brought: tuple[Finding, ...] = ()
    """What the plan brings; only that can refuse it."""
    before: tuple[Finding, ...] = ()
    """What was so before, of the same thing."""

    @property
    def verdict(self) -> Verdict:
        """Give what it does to access; what nobody assessed is said to do nothing."""
        return Verdict.NEUTRAL if self.assessment is None else self.assessment.verdict

    @property
    def disrupts(self) -> bool:
        """Whether a live caller may break."""
        return self.assessment is not None and self.assessment.disrupts

    @property
    def words(self) -> str:
        """Give the verdict for a heading."""
        return "changed" if self.assessment is None else self.assessment.words

    @property
    def is_loud(self) -> bool:
        """Whether somebody should read it: access changes, callers may break, or it has a finding
        that is not slight.
        """
        is_grave = any(f.severity.reaches(Severity.MEDIUM) for f in (*self.brought, *self.before))
        return self.verdict is not Verdict.NEUTRAL or self.disrupts or is_grave

    @property
    def risk(self) -> tuple[bool, int, bool, int, str]:
        """Give what people read first by: a grave finding that the plan brings, then the verdict,
        then what may break callers; within each the gravest finding, then the address.
        """
        grave = min((f.severity.rank for f in self.brought), default=_NONE)
        is_light = grave > Severity.HIGH.rank
        return is_light, self.verdict.rank, not self.disrupts, grave, self.change.address


class Status(StrEnum):
    """Whether a plan can be applied, in words."""

    INVALID = "Invalid against the store"
    REFUSED = "Refused"
    READY = "Can be applied"
    EMPTY = "Nothing to apply"

    @property
    def is_good(self) -> bool:
        """Whether nothing stands against it."""
        return self in {Status.READY, Status.EMPTY}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedPlan:
    """A whole plan, with its counts."""

    changes: tuple[ReviewedChange, ...]
    """In the plan's order."""
    elsewhere: tuple[Finding, ...]
    """Findings of what the plan does not change."""
    status: Status

    @property
    def risky_first(self) -> list[ReviewedChange]:
        """Give the changes in the order of reading."""
        return sorted(self.changes, key=lambda c: c.risk)

    @property
    def widening(self) -> int:
        """Count the changes that give access."""
        return sum(1 for c in self.changes if c.verdict.gives_access)

    @property
    def breaking(self) -> int:
        """Count the changes that may break callers."""
        return sum(1 for c in self.changes if c.disrupts)

    @property
    def headline(self) -> str:
        """Say in a few words who gains, who may break, and where neither is so, what is to be read
        all the same.
        """
        if not self.changes:
            return "no changes"
        gain = (
            "1 change gives access"
            if self.widening == 1
            else f"{self.widening} changes give access"
        )
        words = [gain if self.widening else ""]
        words += [f"{self.breaking} may break callers" if self.breaking else ""]
        told = ", ".join(word for word in words if word)
        if told:
            return told
        grave = sum(n for severity, n in self.counts.items() if severity.reaches(Severity.MEDIUM))
        if grave:
            return f"access stays as it is, {counted(grave, 'finding')} to decide about"
        return "nobody gains access, nobody breaks"

    @property
    def counts(self) -> Counter[Severity]:
        """Count the findings that the plan brings."""
        return Counter(f.severity for c in self.changes for f in c.brought)

    def findings_words(self, *, always: Container[Severity] = ()) -> str:
        """Count all findings in a line; `always` are severities that are named without any."""
        counts, before = self.counts, sum(len(c.before) for c in self.changes)
        told = ", ".join(f"{counts[s]} {s.value}" for s in Severity if counts[s] or s in always)
        parts = [told or "none"]
        if before:
            parts.append(f"{before} {'was' if before == 1 else 'were'} so before")
        if self.elsewhere:
            grave = Counter(f.severity for f in self.elsewhere if f.severity in _GRAVE)
            of_them = ", ".join(f"{grave[s]} {s.value}" for s in Severity if grave[s])
            which = f" ({of_them})" if of_them else ""
            parts.append(f"{len(self.elsewhere)} of what this plan does not change{which}")
        return f"Findings: {'; '.join(parts)}"


def reviewed(plan: Plan) -> ReviewedPlan:
    """Put each change beside what the review says of it.

    Two changes may be of one address, such as a removal and a new key of the same name: findings
    do not say of which of them they are, and stand with the first.
    """
    left = _by_thing(plan.review.findings)
    changes = tuple(
        _reviewed(change, assessment, left.pop(change.thing, []))
        for change, assessment in zip(plan.changes, assessments_of(plan), strict=True)
    )
    elsewhere = tuple(f for f in plan.review.findings if f.thing in left)
    return ReviewedPlan(changes=changes, elsewhere=elsewhere, status=_status(plan))


def assessments_of(plan: Plan) -> tuple[Assessment | None, ...]:
    """Give the assessment of each change, in the plan's order; None where there is none."""
    waiting: defaultdict[Thing, deque[Assessment]] = defaultdict(deque)
    for assessment in plan.review.assessments:
        waiting[assessment.thing].append(assessment)
    return tuple(
        waiting[change.thing].popleft() if waiting[change.thing] else None
        for change in plan.changes
    )


def _by_thing(findings: Iterable[Finding]) -> dict[Thing, list[Finding]]:
    found: defaultdict[Thing, list[Finding]] = defaultdict(list)
    for finding in findings:
        found[finding.thing].append(finding)
    return dict(found)


def _reviewed(
    change: Change, assessment: Assessment | None, findings: list[Finding]
) -> ReviewedChange:
    return ReviewedChange(
        change=change,
        assessment=assessment,
        brought=tuple(f for f in findings if f.is_of_change),
        before=tuple(f for f in findings if not f.is_of_change),
    )


def _status(plan: Plan) -> Status:
    if plan.problems:
        return Status.INVALID
    if plan.refusals:
        return Status.REFUSED
    return Status.READY if plan.changes else Status.EMPTY
