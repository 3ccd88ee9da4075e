"""One change in Markdown: who gains and loses what, what may break, which rule says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from reconciler.model.review import Finding
from reconciler.model.severity import Severity
from reconciler.model.verdict import Assessment
from reconciler.planning.plan import Change, Plan
from reconciler.render.change_lines import change_lines
from reconciler.render.markdown_text import code, prose
from reconciler.render.style import PLAIN
from reconciler.render.words import counted

_MARKS = {
    Severity.CRITICAL: "🔴",
    Severity.HIGH: "🟠",
    Severity.MEDIUM: "🟡",
    Severity.LOW: "⚪",
    Severity.INFO: "🔵",
}
_MOST_TOUCHED = 10


def change_block(
    change: Change,
    assessment: Assessment | None,
    findings: Sequence[Finding],
    icon: str,
    plan: Plan,
) -> Iterator[str]:
    """Give a heading, what it means, its findings, and its fields folded."""
    name = f"{code(change.address)}{_last(change)}"
    yield f"### {icon} {_words(assessment)} · {name} · {_actions(change)}"
    yield ""
    if change.source is not None:
        yield f"{code(f'{change.source.file}:{change.source.line}')}"
        yield ""
    yield from _access(assessment)
    yield from (finding_line(finding) for finding in findings)
    yield from _fields(change, plan)
    yield ""


def change_row(
    change: Change, assessment: Assessment | None, findings: Sequence[Finding], icon: str
) -> str:
    """Give a change as a row of a table."""
    rules = ", ".join(f"{prose(f.rule)} {f.severity.value}" for f in findings[:4])
    more = f" +{len(findings) - 4}" if len(findings) > 4 else ""
    words = f"{icon} {_words(assessment)}"
    return (
        f"| {words} | {code(change.address, in_table=True)} | {_actions(change)} | {rules}{more} |"
    )


def finding_line(finding: Finding) -> str:
    """Give one finding as an item: severity in words beside its mark."""
    waiver = ""
    if finding.waived_by is not None:
        waiver = f" — accepted by {code(f'waiver/{finding.waived_by}')}"
    elif finding.announced_by is not None:
        waiver = (
            f" — {code(f'waiver/{finding.announced_by}')} in this change accepts it from the "
            "**next** apply on; it does not help here"
        )
    mark = _MARKS[finding.severity]
    said = f"{prose(finding.rule)}: {prose(finding.message)}"
    return f"- {mark} **{finding.severity.value}** {said}{waiver}"


def _words(assessment: Assessment | None) -> str:
    return "changed" if assessment is None else assessment.words


def _last(change: Change) -> str:
    last = change.last_characters
    return "" if last is None else f" (…{prose(last)})"


def _actions(change: Change) -> str:
    return ", ".join(action.value for action in change.actions)


def _access(assessment: Assessment | None) -> Iterator[str]:
    if assessment is None:
        return
    for shift in assessment.shifts:
        name = shift.dimension.value
        if shift.gained:
            yield f"- **gains** {name}: {', '.join(prose(g) for g in shift.gained)}"
        if shift.lost:
            yield f"- loses {name}: {', '.join(prose(lost) for lost in shift.lost)}"
    yield from (f"- ⚠️ may break: {prose(words)}" for words in assessment.disruptions)
    if assessment.touched:
        shown = ", ".join(code(a) for a in assessment.touched[:_MOST_TOUCHED])
        rest = len(assessment.touched) - _MOST_TOUCHED
        more = f" and {rest} more" if rest > 0 else ""
        yield f"- touches {counted(len(assessment.touched), 'key')}: {shown}{more}"


def _fields(change: Change, plan: Plan) -> Iterator[str]:
    """Fold the fields as a terminal shows them, in a block of code."""
    lines = list(change_lines(change, plan.now, PLAIN))
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield ""
    yield "<details><summary>Fields</summary>"
    yield ""
    yield f"{fence}text"
    yield from lines
    yield fence
    yield ""
    yield "</details>"
