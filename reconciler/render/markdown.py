"""A plan as one comment of a pull request: summary first, then what is risky, the rest folded.

The first line is a hidden mark by which the comment is found again and updated in place. Hosts take
a limited number of characters: what does not fit is counted, and stands in the saved plan. Every
foreign text goes through `markdown_text`.

Compatibility: the mark `<!-- keyrec:ENVIRONMENTS -->`, and `Digest: ` in a code span at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from reconciler.model.moments import day
from reconciler.model.review import Finding
from reconciler.planning.plan import Plan
from reconciler.render.maintenance_lines import maintenance_line
from reconciler.render.markdown_change import (
    TABLE_HEAD,
    change_block,
    change_row,
    finding_line,
    quiet_lines,
)
from reconciler.render.markdown_page import Page
from reconciler.render.markdown_text import code, prose
from reconciler.render.plan_lines import short_counts_line
from reconciler.render.review_words import ELSEWHERE_WORDS, TO_GO_ON, made_from, rule_words
from reconciler.render.reviewed import ReviewedChange, ReviewedPlan, reviewed

LONGEST = 60_000
"""Characters; GitHub refuses comments above 65,536, GitLab above a million."""
_RESERVED = 2_500
"""Characters for what always stands: head, cuts, foot."""
_ROWS, _FOLDS, _ELSEWHERE, _END = 14_000, 5_000, 2_000, 500
"""Characters that are kept for what follows: of blocks, of rows, of either fold."""


def plan_markdown(plan: Plan, *, environments: Sequence[str] = (), longest: int = LONGEST) -> str:
    """Give the comment, at most `longest` characters."""
    name = "+".join(environments) or "all"
    seen = reviewed(plan)
    head = [f"<!-- keyrec:{name} -->", *_head(plan, seen, name)]
    foot = list(_foot(plan))
    page = Page(longest - _RESERVED - sum(len(line) + 1 for line in (*head, *foot)))
    ordered = seen.risky_first
    _refusals(page, plan)
    _loud(page, [change for change in ordered if change.is_loud], plan)
    quiet = [change for change in ordered if not change.is_loud]
    page.fold("Changes without effect on access", quiet, quiet_lines, _ELSEWHERE)
    page.fold(ELSEWHERE_WORDS, seen.elsewhere, _elsewhere_lines, _END)
    return "\n".join((*head, *page.lines, *foot)) + "\n"


def _head(plan: Plan, seen: ReviewedPlan, name: str) -> Iterator[str]:
    yield f"## keyrec · {prose(name)} · {seen.headline}"
    yield ""
    mark = "✅" if seen.status.is_good else "⛔"
    yield f"**{mark} {seen.status.value}.** {prose(short_counts_line(plan))}"
    yield ""
    if plan.review.findings:
        yield f"{seen.findings_words()}."
        yield ""


def _refusals(page: Page, plan: Plan) -> None:
    """Say why it is refused, in at most half of the page: the changes are to be read as well."""
    lines = [
        f"- ⛔ {prose(r.message)}{rule_words(r.code)}"
        + (f" — {prose(r.advice)}" if r.advice else "")
        for r in plan.refusals
    ]
    lines += [
        f"- ⛔ {code(str(p.where))} {prose(p.message)}{rule_words(p.code)} — {prose(p.advice)}"
        for p in plan.problems
    ]
    if not lines:
        return
    spare = page.room // 2
    page.fits(["### Why it is refused", ""])
    page.rest(len(page.take(lines, lambda line: [line], spare)))
    page.fits(["", TO_GO_ON, ""] if plan.review.failing else [""])


def _loud(page: Page, changes: list[ReviewedChange], plan: Plan) -> None:
    """Write changes in full where they fit, the others as rows of a table, then as a number."""
    left = page.take(changes, lambda change: change_block(change, plan.now), _ROWS)
    if not left:
        return
    page.fits(["### More changes", "", *TABLE_HEAD])
    cut = page.take(left, lambda change: [change_row(change)], _FOLDS)
    page.fits([""])
    if cut:
        page.fits([_cut(cut), ""])


def _cut(changes: list[ReviewedChange]) -> str:
    verdicts = Counter(change.words for change in changes)
    words = ", ".join(f"{number} {word}" for word, number in sorted(verdicts.items()))
    more = "more change" if len(changes) == 1 else "more changes"
    stand = "stands" if len(changes) == 1 else "all stand"
    return f"… and **{len(changes)} {more}** ({words}): {stand} in the saved plan."


def _elsewhere_lines(finding: Finding) -> Iterator[str]:
    yield finding_line(finding, names=True)


def _foot(plan: Plan) -> Iterator[str]:
    if plan.maintenance:
        yield prose(maintenance_line(plan.maintenance))
        yield ""
    made = f"Made on {day(plan.now)} from {made_from(plan.revision, code)}"
    yield f"<sub>{made}. Digest: {code(plan.digest)}</sub>"
