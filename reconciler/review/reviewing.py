"""A plan is reviewed: each change assessed, each rule asked, policy and waivers heard.

What judges is what the store held before the plan: its policy and its waivers. Findings of what the
plan changes can refuse it; what was so before is told, and stops nobody's work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.model.keys import KeySpec
from reconciler.model.review import Finding, Review, in_order
from reconciler.model.severity import Severity
from reconciler.model.verdict import Assessment, Dimension, Thing, assessed
from reconciler.planning.actions import Action
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import Change, Plan, Refusal
from reconciler.planning.planner import make_plan
from reconciler.review.callers import callers_of
from reconciler.review.catalogue import DEFAULTS, RULES
from reconciler.review.disruption import disruptions, remains
from reconciler.review.effects import assess_resource
from reconciler.review.privilege import (
    Access,
    access_of_record,
    access_of_spec,
    shifts_between,
    what_of,
    whole_access,
)
from reconciler.review.rule import Rule, Subject
from reconciler.review.said import Said
from reconciler.review.scene import Scene
from reconciler.review.waivers import WAIVER_RULE, said_of_waivers, with_waivers


def reviewed_plan(request: PlanRequest, *, brief: bool = False) -> Plan:
    """Plan and review: what apply would do, what that means, and what stands against it.

    `brief`: what is to be said of keys as they stand is left out where nothing changes. It refuses
    nothing, and who reads one sentence does not see it.
    """
    plan = make_plan(request)
    if brief and not plan.changes:
        return replace(plan, review=Review(fail_on=request.observed.policy.review.fail_on))
    found = review(plan, request)
    return replace(plan, review=found, refusals=(*plan.refusals, *_refusals(found, request)))


def review(plan: Plan, request: PlanRequest) -> Review:
    """Review the declared part of a plan; maintenance was approved by manifests before."""
    scene = Scene(plan=plan, request=request, defaults=DEFAULTS)
    if request.maintenance_only:
        return Review(fail_on=scene.policy.review.fail_on)
    assessments = tuple(_assess(change, scene) for change in plan.changes)
    gains = {(a.thing, s.dimension) for a in assessments for s in a.shifts if s.gained}
    judged = _Judged(scene=scene, gains=frozenset(gains))
    findings = [f for rule in RULES for f in judged.found(rule, _asked(rule, scene))]
    findings += judged.found(WAIVER_RULE, said_of_waivers(findings, scene))
    return Review(
        assessments=assessments,
        findings=in_order(with_waivers(findings, scene)),
        fail_on=scene.policy.review.fail_on,
    )


def _asked(rule: Rule, scene: Scene) -> Iterable[Said]:
    return () if rule.check is None else rule.check(scene)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What a rule about manifests would have said of the changed keys as they were, under the names
    that they have now.
    """

    exactly: frozenset[tuple[str, str, Severity]]
    gravest: Mapping[str, Severity]

    @classmethod
    def of(cls, rule: Rule, scene: Scene) -> _Before:
        if rule.subject is not Subject.MANIFEST or rule.standing or rule.check is None:
            return cls(exactly=frozenset(), gravest={})
        told = [
            (scene.names_now.get(s.address, s.address), s.whole or s.message, _severity(s, rule))
            for s in rule.check(scene.before)
        ]
        gravest: dict[str, Severity] = {}
        for address, _, severity in told:
            gravest[address] = min(severity, gravest.get(address, severity), key=lambda s: s.rank)
        return cls(exactly=frozenset(told), gravest=gravest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What rules say becomes findings: as grave as the policy says, and new or so before."""

    scene: Scene
    gains: frozenset[tuple[Thing, Dimension]]

    def found(self, rule: Rule, said: Iterable[Said]) -> Iterator[Finding]:
        """Give what a rule said with the severity that the policy gives it.

        A case that is graver or lighter than its rule stays so, unless the policy has its own word.
        """
        before = _Before.of(rule, self.scene)
        for one in said:
            usual = _severity(one, rule)
            severity = self.scene.policy.review.severity_of(rule.id, one.workspace, usual)
            if severity is not None:
                yield Finding(
                    rule=rule.id,
                    severity=severity,
                    address=one.address,
                    is_key=one.is_key,
                    workspace=one.workspace,
                    message=one.message,
                    mend=rule.mend,
                    source=one.source,
                    is_of_change=self._is_of_change(rule, one, before),
                )

    def _is_of_change(self, rule: Rule, said: Said, before: _Before) -> bool:
        """Whether the plan brings the finding: it changes the thing, and it was not so before.

        Who gains nothing of what a finding follows from had it before, in other words perhaps.
        """
        if rule.standing or said.thing not in self.scene.changed:
            return False
        severity = _severity(said, rule)
        if (said.address, said.whole or said.message, severity) in before.exactly:
            return False
        had = before.gravest.get(said.address)
        gains = any((said.thing, dimension) in self.gains for dimension in rule.follows)
        is_known = had is not None and had.rank <= severity.rank
        return not (rule.follows and is_known and not gains)


def _severity(said: Said, rule: Rule) -> Severity:
    return said.severity or rule.severity


def _assess(change: Change, scene: Scene) -> Assessment:
    if not change.is_key:
        return assess_resource(change, scene)
    record, spec = change.record, change.spec
    old = None if record is None else access_of_record(record, scene.observed.catalog, scene.now)
    new = None
    if spec is not None and Action.REMOVE not in change.actions:
        new = access_of_spec(spec, record, scene.catalog, scene.now)
    shifts = shifts_between(old, new)
    callers = None
    if old is not None and record is not None and record.hold is None:
        callers = callers_of(record, spec, scene.usage, scene.catalog)
    return assessed(
        change.thing,
        shifts,
        disruptions=disruptions(change, shifts, callers),
        afterwards="" if old is None or new is None or spec is None else _whole(new, spec),
        remains="" if old is None else remains(change, what_of(old)),
    )


def _whole(access: Access, spec: KeySpec) -> str:
    owner = spec.fields.owner
    return f"{whole_access(access)}, owned by {owner or 'nobody'}"


def _refusals(found: Review, request: PlanRequest) -> Iterator[Refusal]:
    """Give why the review refuses the plan: findings that fail it, or access that is new."""
    for finding in found.failing:
        yield Refusal(
            code=finding.rule,
            message=f"{finding.address} {finding.message} "
            f"({finding.rule}, {finding.severity.value})",
            advice=finding.mend,
            address=finding.address,
            source=finding.source,
        )
    for assessment in found.widening if request.no_new_access else ():
        yield Refusal(
            code="new-access",
            message=f"{assessment.address} gives access that was not there before "
            f"({assessment.verdict.value})",
            advice="leave --no-new-access away where that is meant",
            address=assessment.address,
        )
