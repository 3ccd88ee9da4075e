"""Every review case: the findings and verdicts that are expected by hand, and the approved comment."""

from __future__ import annotations

import os

import pytest

from reconciler.render.markdown import plan_markdown
from reconciler.review.catalogue import RULES
from tests.review.cases import Case, cases

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_review_says_what_is_expected_of_it(case: Case) -> None:
    """Findings of what changes, verdicts, and whether the plan is refused."""
    plan, expected = case.reviewed(), case.expected
    found = [f"{f.rule} {f.severity.value} {f.address}" for f in plan.review.findings if _counts(f)]
    assert sorted(found) == sorted(expected["findings"])
    assert {a.address: a.words for a in plan.review.assessments} == expected["verdicts"]
    assert bool(plan.refusals) is expected["refused"]


def _counts(finding: object) -> bool:
    return getattr(finding, "is_of_change", False) or getattr(finding, "rule", "") == "AK231"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_comment_is_the_approved_one(case: Case) -> None:
    """To the letter: whoever changes it looks at it again."""
    shown = plan_markdown(case.reviewed(), environments=("prod",))
    if os.environ.get("KEYREC_GOLDEN") == "write":
        case.comment.write_text(shown, encoding="utf-8")
    assert shown == case.comment.read_text(encoding="utf-8")


def test_the_cases_cover_every_verdict_and_every_rule_about_changes_and_manifests() -> None:
    """A new rule brings its case."""
    said = [line for case in CASES for line in case.expected["findings"]]
    asked = {r.id for r in RULES if not r.refused_as and not r.standing}
    assert asked - {line.split()[0] for line in said} == set()
    verdicts = {v for case in CASES for v in case.expected["verdicts"].values()}
    words = {"WIDEN", "NARROW", "MIXED", "NEUTRAL"}
    assert {v.split()[0] for v in verdicts} == words
    assert {"NARROW DISRUPT", "MIXED DISRUPT", "NEUTRAL DISRUPT"} <= verdicts
    assert len(CASES) >= 25
