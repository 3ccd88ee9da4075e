"""A plan as one HTML page that needs nothing else: no script, no font, no address outside.

It reads on a phone and on paper, by keyboard and screen reader, in light and dark. Every foreign
text goes through `_text`. What a change means comes first, its fields are folded in `details`.
"""

from __future__ import annotations

import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from reconciler.model.review import Finding
from reconciler.model.severity import Severity
from reconciler.model.verdict import Assessment, Verdict
from reconciler.planning.plan import Change, Plan
from reconciler.render.change_lines import change_lines
from reconciler.render.html_style import STYLE
from reconciler.render.maintenance_lines import maintenance_line
from reconciler.render.plan_lines import short_counts_line
from reconciler.render.review_order import risky_first
from reconciler.render.style import PLAIN, escape
from reconciler.render.words import counted, moment

_CODE = re.compile("`([^`]+)`")


def plan_html(plan: Plan, *, environments: Sequence[str] = ()) -> str:
    """Give the page."""
    return "\n".join(_page(plan, "+".join(environments) or "all")) + "\n"


def _text(text: str) -> str:
    """Show a foreign text: no markup, no control character, no mark that reorders a line."""
    return html.escape(escape(text), quote=True)


def _page(plan: Plan, name: str) -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    yield "style-src 'unsafe-inline'\">"
    yield f"<title>keyrec plan: {_text(name)}</title>"
    yield f"<style>{STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield '<a class="skip" href="#changes">To the changes</a>'
    yield from _head(plan, name)
    yield '<main id="changes">'
    yield from _changes(plan)
    yield from _standing(plan)
    yield "</main>"
    yield from _foot(plan)
    yield "</body>"
    yield "</html>"


def _head(plan: Plan, name: str) -> Iterator[str]:
    verdicts = Counter(a.verdict for a in plan.review.assessments)
    breaking = sum(1 for a in plan.review.assessments if a.disrupts)
    widening = verdicts[Verdict.WIDEN] + verdicts[Verdict.MIXED]
    yield "<header>"
    yield f"<h1>Plan <span>{_text(name)}</span></h1>"
    yield f'<p class="status {_state(plan)}">{_status(plan)}</p>'
    yield '<ul class="numbers">'
    yield _number(widening, "give access", "bad" if widening else "")
    yield _number(breaking, "may break callers", "warn" if breaking else "")
    for severity in (Severity.CRITICAL, Severity.HIGH):
        found = sum(1 for f in plan.review.findings if f.is_of_change and f.severity is severity)
        yield _number(found, f"{severity.value} findings", "bad" if found else "")
    yield "</ul>"
    yield f"<p>{_text(short_counts_line(plan))}</p>"
    if plan.refusals or plan.problems:
        yield '<section class="refused" aria-label="Why it is refused"><h2>Why it is refused</h2>'
        yield "<ul>"
        for problem in plan.problems:
            place = f"<code>{_text(str(problem.where))}</code> "
            yield _reason(f"{place}{_text(problem.message)}", problem.advice)
        for refusal in plan.refusals:
            yield _reason(_text(refusal.message), refusal.advice)
        yield "</ul></section>"
    yield "</header>"


def _reason(shown: str, advice: str) -> str:
    return f"<li>{shown}<br><small>{_with_code(advice)}</small></li>"


def _with_code(text: str) -> str:
    """Show a text with what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", _text(text))


def _number(number: int, words: str, tone: str) -> str:
    return f'<li class="{tone}"><b>{number}</b> {words}</li>'


def _state(plan: Plan) -> str:
    return "bad" if plan.problems or plan.refusals else "good"


def _status(plan: Plan) -> str:
    if plan.problems:
        return "Invalid against the store"
    if plan.refusals:
        return "Refused"
    return "Can be applied" if plan.changes else "Nothing to apply"


def _changes(plan: Plan) -> Iterator[str]:
    findings: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in plan.review.findings:
        findings[finding.address].append(finding)
    assessments = {a.address: a for a in plan.review.assessments}
    yield "<h2>Changes</h2>"
    if not plan.changes:
        yield "<p>None.</p>"
    for change in risky_first(plan):
        yield from _change(change, assessments.get(change.address), findings[change.address], plan)


def _change(
    change: Change, assessment: Assessment | None, findings: list[Finding], plan: Plan
) -> Iterator[str]:
    verdict = Verdict.NEUTRAL if assessment is None else assessment.verdict
    yield f'<article class="{verdict.value.lower()}">'
    badges = f'<span class="badge">{verdict.value}</span>'
    if assessment is not None and assessment.disrupts:
        badges += ' <span class="badge disrupt">DISRUPT</span>'
    last = (
        ""
        if change.last_characters is None
        else f" <small>…{_text(change.last_characters)}</small>"
    )
    actions = ", ".join(action.value for action in change.actions)
    yield f"<h3>{badges} <code>{_text(change.address)}</code>{last} <em>{actions}</em></h3>"
    if change.source is not None:
        place = f"{change.source.file}:{change.source.line}"
        yield f'<p class="place"><code>{_text(place)}</code></p>'
    said = [*_access(assessment), *(_finding(finding) for finding in findings)]
    yield from ("<ul>", *said, "</ul>") if said else ()
    lines = "\n".join(_text(line) for line in change_lines(change, plan.now, PLAIN))
    yield f"<details><summary>Fields</summary><pre>{lines}</pre></details>"
    yield "</article>"


def _access(assessment: Assessment | None) -> Iterator[str]:
    if assessment is None:
        return
    for shift in assessment.shifts:
        name = shift.dimension.value
        if shift.gained:
            yield f'<li class="gain"><b>gains</b> {name}: {_text(", ".join(shift.gained))}</li>'
        if shift.lost:
            yield f"<li>loses {name}: {_text(', '.join(shift.lost))}</li>"
    for words in assessment.disruptions:
        yield f'<li class="break"><b>may break</b> {_text(words)}</li>'
    if assessment.touched:
        count = counted(len(assessment.touched), "key")
        listed = ", ".join(f"<code>{_text(a)}</code>" for a in assessment.touched)
        yield f"<li><details><summary>touches {count}</summary>{listed}</details></li>"


def _finding(finding: Finding, *, names: bool = False) -> str:
    waiver = ""
    if finding.waived_by is not None:
        waiver = f" <small>accepted by waiver/{_text(finding.waived_by)}</small>"
    elif finding.announced_by is not None:
        name = _text(finding.announced_by)
        waiver = f" <small>waiver/{name} accepts it from the next apply on</small>"
    address = f" <code>{_text(finding.address)}</code>" if names else ""
    return (
        f'<li><span class="severity {finding.severity.value}">{finding.severity.value}</span> '
        f"<b>{_text(finding.rule)}</b>{address} {_text(finding.message)}{waiver}"
        f"<br><small>{_with_code(finding.mend)}</small></li>"
    )


def _standing(plan: Plan) -> Iterator[str]:
    standing = [f for f in plan.review.findings if not f.is_of_change]
    if standing:
        title = f"Findings of what this plan does not change: {len(standing)}"
        yield f"<details><summary>{title}</summary><ul>"
        yield from (_finding(finding, names=True) for finding in standing)
        yield "</ul></details>"


def _foot(plan: Plan) -> Iterator[str]:
    yield "<footer>"
    if plan.maintenance:
        yield f"<p>{_text(maintenance_line(plan.maintenance))}</p>"
    commit = plan.revision.commit
    source = "a working tree" if commit is None else f"commit <code>{_text(commit[:7])}</code>"
    dirty = ", with changes that are not committed" if plan.revision.dirty else ""
    yield f"<p>Made {moment(plan.now)} from {source}{dirty}.<br>"
    yield f"Digest <code>{_text(plan.digest)}</code></p>"
    yield "</footer>"
