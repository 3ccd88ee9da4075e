"""A plan as one comment of a pull request: summary first, then what is risky, the rest folded.

The first line is a hidden mark by which the comment is found again and updated in place. Hosts take
a limited number of characters: what does not fit is counted, and stands in the saved plan. Every
foreign text goes through `markdown_text`.

Compatibility: the mark `<!-- keyrec:ENVIRONMENTS -->`, and `Digest: ` in a code span at the end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.review import Finding
from reconciler.model.severity import Severity
from reconciler.model.verdict import Assessment, Verdict
from reconciler.planning.plan import Change, Plan
from reconciler.render.maintenance_lines import maintenance_line
from reconciler.render.markdown_change import change_block, change_row, finding_line
from reconciler.render.markdown_text import code, prose
from reconciler.render.plan_lines import short_counts_line
from reconciler.render.review_order import risky_first
from reconciler.render.words import counted

LONGEST = 60_000
"""Characters; GitHub refuses comments above 65,536, GitLab above a million."""
_RESERVED = 2_500
"""Characters for what always stands: head, cuts, foot."""
_ICONS = {
    Verdict.WIDEN: "🔺",
    Verdict.MIXED: "🔺",
    Verdict.NARROW: "🔻",
    Verdict.NEUTRAL: "▪️",
}


def plan_markdown(plan: Plan, *, environments: Sequence[str] = (), longest: int = LONGEST) -> str:
    """Give the comment, at most `longest` characters."""
    name = "+".join(environments) or "all"
    head = [f"<!-- keyrec:{name} -->", *_head(plan, name)]
    foot = list(_foot(plan))
    page = _Page(longest - _RESERVED - sum(len(line) + 1 for line in (*head, *foot)))
    findings: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in plan.review.findings:
        findings[finding.address].append(finding)
    ordered = risky_first(plan)
    assessments = {a.address: a for a in plan.review.assessments}
    is_loud = {
        c.address: _is_loud(assessments.get(c.address), findings[c.address]) for c in ordered
    }
    loud = [change for change in ordered if is_loud[change.address]]
    quiet = [change for change in ordered if not is_loud[change.address]]
    _refusals(page, plan)
    _blocks(page, loud, plan, findings)
    _folded(page, "Changes without effect on access", quiet)
    _standing(page, plan)
    return "\n".join((*head, *page.lines, *foot)) + "\n"


class _Page:
    """Lines as long as there is room."""

    def __init__(self, room: int) -> None:
        self.lines: list[str] = []
        self._room = room

    def fits(self, lines: Iterable[str], spare: int = 0) -> bool:
        """Take the lines where all of them fit, with as many characters to spare."""
        new = list(lines)
        size = sum(len(line) + 1 for line in new)
        if size + spare > self._room:
            return False
        self.lines += new
        self._room -= size
        return True


def _is_loud(assessment: Assessment | None, findings: list[Finding]) -> bool:
    """Whether somebody should read it: access changes, something may break, a finding is grave."""
    is_neutral = assessment is None or (
        assessment.verdict is Verdict.NEUTRAL and not assessment.disrupts
    )
    return not is_neutral or any(f.severity.reaches(Severity.MEDIUM) for f in findings)


def _head(plan: Plan, name: str) -> Iterator[str]:
    verdicts = Counter(a.verdict for a in plan.review.assessments)
    breaking = sum(1 for a in plan.review.assessments if a.disrupts)
    widening = verdicts[Verdict.WIDEN] + verdicts[Verdict.MIXED]
    words = [
        f"{counted(widening, 'change')} {'gives' if widening == 1 else 'give'} access"
        if widening
        else "",
        f"{breaking} may break callers" if breaking else "",
    ]
    told = ", ".join(word for word in words if word) or (
        "nobody gains access, nobody breaks" if plan.changes else "no changes"
    )
    yield f"## keyrec · {prose(name)} · {told}"
    yield ""
    yield f"**{_status(plan)}** {prose(short_counts_line(plan))}"
    yield ""
    if plan.review.findings:
        yield _counts(plan)
        yield ""


def _status(plan: Plan) -> str:
    if plan.problems:
        return "⛔ Invalid against the store."
    if plan.refusals:
        return "⛔ Refused."
    return "✅ Can be applied." if plan.changes else "✅ Nothing to apply."


def _counts(plan: Plan) -> str:
    of_change = [f for f in plan.review.findings if f.is_of_change]
    counts = Counter(f.severity for f in of_change)
    shown = [f"{counts[s]} {s.value}" for s in Severity if counts[s]]
    standing = len(plan.review.findings) - len(of_change)
    words = f"Findings: {', '.join(shown) or 'none'}"
    return f"{words}; {standing} of what this plan does not change." if standing else f"{words}."


def _refusals(page: _Page, plan: Plan) -> None:
    lines = [
        f"- ⛔ {prose(r.message)}" + (f" — {prose(r.advice)}" if r.advice else "")
        for r in plan.refusals
    ]
    lines += [
        f"- ⛔ {code(str(p.where))} {prose(p.message)} — {prose(p.advice)}" for p in plan.problems
    ]
    if not lines:
        return
    page.fits(["### Why it is refused", ""])
    taken = sum(page.fits([line], 12_000) for line in lines)
    if taken < len(lines):
        page.fits([f"- … and {len(lines) - taken} more in the saved plan."])
    page.fits([""])


def _blocks(
    page: _Page, changes: list[Change], plan: Plan, findings: dict[str, list[Finding]]
) -> None:
    """Write changes in full while there is room, then as rows of a table, then as a number."""
    assessments = {a.address: a for a in plan.review.assessments}
    left: list[Change] = []
    for position, change in enumerate(changes):
        assessment = assessments.get(change.address)
        block = change_block(change, assessment, findings[change.address], _icon(assessment), plan)
        if not page.fits(block, 14_000):
            left = changes[position:]
            break
    if not left:
        return
    page.fits(["### More changes", "", "| | Key | Change | Findings |", "|---|---|---|---|"])
    taken = 0
    for change in left:
        assessment = assessments.get(change.address)
        row = change_row(change, assessment, findings[change.address], _icon(assessment))
        if not page.fits([row], 5_000):
            break
        taken += 1
    page.fits([""])
    if taken < len(left):
        page.fits([_cut([assessments.get(c.address) for c in left[taken:]]), ""])


def _cut(assessments: list[Assessment | None]) -> str:
    verdicts = Counter("changed" if a is None else a.words for a in assessments)
    words = ", ".join(f"{number} {word}" for word, number in sorted(verdicts.items()))
    return f"… and **{len(assessments)} more changes** ({words}): all stand in the saved plan."


def _icon(assessment: Assessment | None) -> str:
    return "▪️" if assessment is None else _ICONS[assessment.verdict]


def _folded(page: _Page, title: str, changes: list[Change]) -> None:
    if not changes:
        return
    page.fits([f"<details><summary>{title}: {len(changes)}</summary>", ""])
    taken = 0
    for change in changes:
        words = ", ".join(action.value for action in change.actions)
        if not page.fits([f"- {code(change.address)} {words}"], 2_000):
            break
        taken += 1
    if taken < len(changes):
        page.fits([f"- … and {len(changes) - taken} more in the saved plan."])
    page.fits(["", "</details>", ""])


def _standing(page: _Page, plan: Plan) -> None:
    """Fold what was so before: it fails nothing, and somebody may want to mend it."""
    standing = [f for f in plan.review.findings if not f.is_of_change]
    if not standing:
        return
    title = f"Findings of what this plan does not change: {len(standing)}"
    page.fits([f"<details><summary>{title}</summary>", ""])
    taken = 0
    for finding in standing:
        if not page.fits([f"{finding_line(finding)} {code(finding.address)}"], 500):
            break
        taken += 1
    if taken < len(standing):
        page.fits([f"- … and {len(standing) - taken} more in the saved plan."])
    page.fits(["", "</details>", ""])


def _foot(plan: Plan) -> Iterator[str]:
    if plan.maintenance:
        yield prose(maintenance_line(plan.maintenance))
        yield ""
    commit = plan.revision.commit
    source = "a working tree" if commit is None else f"commit {code(commit[:7])}"
    dirty = ", with changes that are not committed" if plan.revision.dirty else ""
    yield f"<sub>Made from {source}{dirty}. Digest: {code(plan.digest)}</sub>"
