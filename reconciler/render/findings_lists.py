"""Findings as lists that hosts read: GitHub's annotations, GitLab's Code Quality report.

Sources: GitHub's documentation of workflow commands; GitLab's of the Code Quality report.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.canonical import fingerprint, told_apart
from reconciler.model.review import Finding
from reconciler.model.severity import Severity
from reconciler.planning.plan import Plan
from reconciler.render.json_form import ascii_json
from reconciler.render.problems import annotation, problems_github
from reconciler.render.review_words import waiver_words
from reconciler.render.style import escape
from reconciler.review.approval import identity

_COMMANDS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}
_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}
_NOWHERE = "keyrec.yaml"
"""Where a finding stands that no manifest declares: the report wants a file."""


def plan_github(plan: Plan) -> str:
    """Give one workflow command for each problem, and each finding that the plan brings and nobody
    accepts; hosts show few of them. One that refuses the plan is an error whatever its severity.
    """
    brought = (f for f in plan.review.findings if f.is_of_change and not f.is_accepted)
    lines = [_annotation(finding, plan) for finding in brought]
    return problems_github(plan.problems) + "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding, plan: Plan) -> str:
    command = "error" if plan.review.fails(finding) else _COMMANDS[finding.severity]
    return annotation(
        command,
        finding.source,
        title=f"keyrec {finding.rule} {finding.severity.value}",
        message=finding_words(finding),
        mend=finding.mend,
    )


def finding_words(finding: Finding) -> str:
    """Give thing and message, foreign; a waiver that does not help yet says so behind them."""
    said = f"{finding.address} {finding.message}"
    if finding.waiver is None or finding.waiver.counts:
        return said
    return f"{said} ({waiver_words(finding.waiver, str)})"


def finding_print(finding: Finding) -> str:
    """Give what makes a finding the same one in another plan: rule, thing and what is said."""
    rule, thing, words = identity(finding)
    return fingerprint([rule, *thing, words])


def plan_gitlab(plan: Plan) -> str:
    """Give a Code Quality report of problems and findings."""
    entries = [*_problem_entries(plan), *_finding_entries(plan)]
    return ascii_json(entries)


def _finding_entries(plan: Plan) -> Iterator[dict[str, object]]:
    shown = [finding for finding in plan.review.findings if not finding.is_accepted]
    for finding, print_ in zip(shown, told_apart(map(finding_print, shown)), strict=True):
        where = finding.source
        yield _entry(
            f"{finding.rule}: {finding_words(finding)}",
            finding.rule,
            print_,
            _SEVERITIES[finding.severity],
            (_NOWHERE, 1) if where is None else (where.file, where.line),
        )


def _problem_entries(plan: Plan) -> Iterator[dict[str, object]]:
    for problem in sorted(plan.problems):
        said = fingerprint([problem.code, problem.where.file, problem.message])
        yield _entry(
            problem.message,
            problem.code,
            said,
            "blocker",
            (problem.where.file, problem.where.line),
        )


def _entry(
    description: str, check: str, print_: str, severity: str, place: tuple[str, int]
) -> dict[str, object]:
    path, line = place
    return {
        "description": escape(description),
        "check_name": escape(check),
        "fingerprint": print_,
        "severity": severity,
        "location": {"path": path.lstrip("/"), "lines": {"begin": line}},
    }
