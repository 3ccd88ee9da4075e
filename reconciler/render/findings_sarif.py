"""Findings of a review as SARIF 2.1.0, beside the problems of manifests.

Fingerprints hold the rule, the thing and what is said, never a line: a finding that only moves
stays the same one, and one of another plan is the same alert.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.canonical import told_apart
from reconciler.model.review import Finding
from reconciler.model.severity import Severity
from reconciler.planning.plan import Plan
from reconciler.render.findings_lists import finding_print, finding_words
from reconciler.render.review_words import waiver_words
from reconciler.render.sarif import (
    ids_of,
    location_of,
    problem_results,
    problem_rules,
    said_text,
    sarif_log,
)
from reconciler.review.catalogue import BY_ID
from reconciler.review.rule import Rule

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.0",
}
"""GitHub's `security-severity`: above 9 critical, above 7 high, above 4 medium."""


def plan_sarif(plan: Plan) -> str:
    """Give the findings and problems of a plan as one SARIF log with one run."""
    findings = plan.review.findings
    rules = [_rule(BY_ID[i]) for i in sorted({f.rule for f in findings}) if i in BY_ID]
    known = ids_of(rules)
    rules += problem_rules(plan.problems)
    problems = problem_results(plan.problems, ids_of(rules))
    return sarif_log(rules, (*_results(findings, known), *problems))


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "name": rule.title.title().replace(" ", "").replace(",", ""),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.mend},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["security", rule.subject.value],
            "security-severity": _SCORES[rule.severity],
        },
    }


def _results(findings: tuple[Finding, ...], rules: list[str]) -> Iterator[dict[str, object]]:
    for finding, print_ in zip(findings, told_apart(map(finding_print, findings)), strict=True):
        result: dict[str, object] = {
            "ruleId": finding.rule,
            "level": _LEVELS[finding.severity],
            "message": {"text": _message(finding)},
            "partialFingerprints": {"keyrec/v1": print_},
            "locations": _locations(finding),
        }
        if finding.rule in rules:
            result["ruleIndex"] = rules.index(finding.rule)
        if finding.waiver is not None and finding.waiver.counts:
            reason = said_text(waiver_words(finding.waiver, str))
            result["suppressions"] = [{"kind": "external", "justification": reason}]
        yield result


def _message(finding: Finding) -> str:
    return said_text(f"{finding_words(finding)}; {finding.mend}")


def _locations(finding: Finding) -> list[dict[str, object]]:
    """Give where it stands; a thing without a manifest is named by its address."""
    logical: dict[str, object] = {
        "logicalLocations": [{"fullyQualifiedName": said_text(finding.address)}]
    }
    if finding.source is None:
        return [logical]
    return [{"physicalLocation": location_of(finding.source), **logical}]
