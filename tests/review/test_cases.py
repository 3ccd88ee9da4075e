"""Every review case: the findings and verdicts that are expected by hand, and the approved comment."""

from __future__ import annotations

import os

import pytest

from reconciler.model.review import Finding
from reconciler.model.verdict import Assessment
from reconciler.planning.plan import Plan
from reconciler.render.markdown import plan_markdown
from reconciler.review.catalogue import BY_ID, RULES
from tests.review.cases import Case, cases

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_review_says_what_is_expected_of_it(case: Case) -> None:
    """Findings of what changes, verdicts, and whether the plan is refused."""
    plan, expected = case.reviewed(), case.expected
    told = [f for f in plan.review.findings if f.is_of_change or f.rule == "AK231"]
    found = [f"{f.rule} {f.severity.value} {_name(f, plan)}" for f in told]
    assert sorted(found) == sorted(expected["findings"])
    stood = [f for f in plan.review.findings if BY_ID[f.rule].by_use and not f.is_of_change]
    assert sorted(f"{f.rule} {f.severity.value} {_name(f, plan)}" for f in stood) == sorted(
        expected.get("standing", [])
    )
    assert {_name(a, plan): a.words for a in plan.review.assessments} == expected["verdicts"]
    assert plan.is_applyable is not expected["refused"]
    codes = [r.code for r in plan.refusals if r.code not in BY_ID]
    codes += [p.code for p in plan.problems]
    assert codes == expected.get("codes", [])


def _name(said: Finding | Assessment, plan: Plan) -> str:
    """Give the address, and what it is where two things have it."""
    alike = [a for a in plan.review.assessments if a.address == said.address]
    kind = "key " if said.is_key else "resource "
    return f"{kind if len(alike) > 1 else ''}{said.address}"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_no_case_of_a_rule_is_graver_than_its_page_says(case: Case) -> None:
    """Whoever tones a rule down is judged by its gravest case."""
    for finding in case.reviewed().review.findings:
        assert finding.severity.rank >= BY_ID[finding.rule].gravest.rank


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_comment_is_the_approved_one(case: Case) -> None:
    """To the letter: whoever changes it looks at it again."""
    shown = plan_markdown(case.reviewed(), environments=("prod",))
    if os.environ.get("KEYREC_GOLDEN") == "write":
        case.comment.write_text(shown, encoding="utf-8")
    assert shown == case.comment.read_text(encoding="utf-8")


def test_the_cases_cover_every_verdict_and_every_rule_about_changes_and_manifests() -> None:
    """A new rule brings its case; so does one under whose code a plan is refused. What makes a
    manifest invalid never gets as far as a comment.
    """
    said = [line for case in CASES for line in case.expected["findings"]]
    said += [line for case in CASES for line in case.expected.get("standing", ())]
    asked = {r.id for r in RULES if not r.refused_as and (r.by_use or not r.standing)}
    assert asked - {line.split()[0] for line in said} == set()
    codes = {code for case in CASES for code in case.expected.get("codes", ())}
    refusing = {r.refused_as for r in RULES if r.id in {"AK105", "AK107", "AK114"}}
    assert all(codes & set(said_as) for said_as in refusing)
    verdicts = {v for case in CASES for v in case.expected["verdicts"].values()}
    words = {"WIDEN", "NARROW", "MIXED", "NEUTRAL"}
    assert {v.split()[0] for v in verdicts} == words
    assert {"NARROW DISRUPT", "MIXED DISRUPT", "NEUTRAL DISRUPT"} <= verdicts
    assert len(CASES) >= 25
