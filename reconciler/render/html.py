"""A plan as one HTML page that needs nothing else: no script, no font, no address outside.

It reads on a phone and on paper, by keyboard and screen reader, in light and dark. Every foreign
text goes through `text_html`. What a change means comes first, its fields are folded in `details`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.moments import moment
from reconciler.model.severity import Severity
from reconciler.planning.plan import Plan
from reconciler.render.html_change import (
    advice_html,
    change_html,
    code_html,
    finding_html,
    text_html,
)
from reconciler.render.html_style import STYLE
from reconciler.render.maintenance_lines import maintenance_line
from reconciler.render.plan_lines import short_counts_line
from reconciler.render.review_words import ELSEWHERE_WORDS, TO_GO_ON, made_from, rule_words
from reconciler.render.reviewed import ReviewedPlan, reviewed


def plan_html(plan: Plan, *, environments: Sequence[str] = ()) -> str:
    """Give the page."""
    return "\n".join(_page(plan, "+".join(environments) or "all")) + "\n"


def _page(plan: Plan, name: str) -> Iterator[str]:
    seen = reviewed(plan)
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    yield "style-src 'unsafe-inline'\">"
    yield f"<title>keyrec plan: {text_html(name)}</title>"
    yield f"<style>{STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield '<a class="skip" href="#changes">To the changes</a>'
    yield from _head(plan, seen, name)
    yield '<main id="changes">'
    yield from _changes(plan, seen)
    yield from _elsewhere(seen)
    yield "</main>"
    yield from _foot(plan)
    yield "</body>"
    yield "</html>"


def _head(plan: Plan, seen: ReviewedPlan, name: str) -> Iterator[str]:
    tone = "good" if seen.status.is_good else "bad"
    yield "<header>"
    yield f"<h1>Plan <span>{text_html(name)}</span></h1>"
    yield f'<p class="status {tone}">{seen.status.value}</p>'
    yield from _numbers(seen)
    yield f"<p>{text_html(short_counts_line(plan))}</p>"
    if plan.review.findings:
        yield f"<p>{text_html(seen.findings_words())}.</p>"
    if not plan.is_applyable:
        yield from _refused(plan)
    yield "</header>"


def _numbers(seen: ReviewedPlan) -> Iterator[str]:
    yield '<ul class="numbers">'
    yield _number(seen.widening, "give access", "bad")
    yield _number(seen.breaking, "may break callers", "warn")
    for severity in (Severity.CRITICAL, Severity.HIGH):
        yield _number(seen.counts[severity], f"{severity.value} findings", "bad")
    yield "</ul>"


def _number(number: int, words: str, tone: str) -> str:
    return f'<li class="{tone if number else ""}"><b>{number}</b> {words}</li>'


def _refused(plan: Plan) -> Iterator[str]:
    yield '<section class="refused" aria-label="Why it is refused"><h2>Why it is refused</h2>'
    yield "<ul>"
    for problem in plan.problems:
        place = f"{code_html(str(problem.where))} "
        yield _reason(
            f"{place}{text_html(problem.message)}{rule_words(problem.code)}", problem.advice
        )
    for refusal in plan.refusals:
        yield _reason(f"{text_html(refusal.message)}{rule_words(refusal.code)}", refusal.advice)
    yield "</ul>"
    if plan.review.failing:
        yield f"<p>{TO_GO_ON}</p>"
    yield "</section>"


def _reason(shown: str, advice: str) -> str:
    return f"<li>{shown}<br><small>{advice_html(advice)}</small></li>"


def _changes(plan: Plan, seen: ReviewedPlan) -> Iterator[str]:
    yield "<h2>Changes</h2>"
    if not plan.changes:
        yield "<p>None.</p>"
    for change in seen.risky_first:
        yield from change_html(change, plan.now)


def _elsewhere(seen: ReviewedPlan) -> Iterator[str]:
    if seen.elsewhere:
        title = f"{ELSEWHERE_WORDS}: {len(seen.elsewhere)}"
        yield f"<details><summary>{title}</summary><ul>"
        yield from (finding_html(finding, names=True) for finding in seen.elsewhere)
        yield "</ul></details>"


def _foot(plan: Plan) -> Iterator[str]:
    yield "<footer>"
    if plan.maintenance:
        yield f"<p>{text_html(maintenance_line(plan.maintenance))}</p>"
    source = made_from(plan.revision, code_html)
    yield f"<p>Made {moment(plan.now)} from {source}.<br>"
    yield f"Digest {code_html(plan.digest)}</p>"
    yield "</footer>"
