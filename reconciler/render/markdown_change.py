"""One change in Markdown: who gains and loses what, what may break, which rule says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from reconciler.model.review import Finding
from reconciler.model.severity import Severity
from reconciler.model.verdict import Verdict
from reconciler.planning.plan import Change
from reconciler.render.change_lines import change_lines
from reconciler.render.markdown_text import code, prose
from reconciler.render.review_words import (
    BEFORE_WORDS,
    Effect,
    EffectLine,
    effect_lines,
    gains_words,
    touched_words,
    waiver_words,
)
from reconciler.render.reviewed import ReviewedChange
from reconciler.render.style import PLAIN
from reconciler.render.words import shortened

TABLE_HEAD = ("| | Key | Change | Gains | Findings |", "|---|---|---|---|---|")
_MARKS = {
    Severity.CRITICAL: "🔴",
    Severity.HIGH: "🟠",
    Severity.MEDIUM: "🟡",
    Severity.LOW: "⚪",
    Severity.INFO: "🔵",
}
_ICONS = {
    Verdict.WIDEN: "🔺",
    Verdict.MIXED: "🔺",
    Verdict.NARROW: "🔻",
    Verdict.NEUTRAL: "▪️",
}
_MOST_TOUCHED = 10
_MOST_RULES = 4
_LONGEST_GAINS = 100


def change_block(reviewed: ReviewedChange, now: datetime) -> Iterator[str]:
    """Give a heading, what it means, its findings, and its fields folded."""
    change = reviewed.change
    name = f"{_kind(change)}{code(change.address)}{_last(change)}"
    yield f"### {_verdict(reviewed)} · {name} · {_actions(change)}"
    yield ""
    if change.previous_address is not None:
        yield f"Until now {code(change.previous_address)}."
        yield ""
    if change.source is not None:
        yield f"{code(f'{change.source.file}:{change.source.line}')}"
        yield ""
    yield from (_effect_line(line) for line in effect_lines(reviewed.assessment))
    yield from _findings(reviewed)
    yield from _fields(change, now)
    yield ""


def change_row(reviewed: ReviewedChange) -> str:
    """Give a change as a row of a table: what is gained cut short, and what the plan brings."""
    change = reviewed.change
    gains = shortened(gains_words(reviewed.assessment), _LONGEST_GAINS)
    cells = (
        _verdict(reviewed),
        code(change.address, in_table=True),
        _actions(change),
        prose(gains, in_table=True),
        _rules(reviewed),
    )
    return f"| {' | '.join(cells)} |"


def quiet_lines(reviewed: ReviewedChange) -> Iterator[str]:
    """Give a change that does nothing to access as an item, its findings below it."""
    change = reviewed.change
    names = ", ".join(field.name for field in change.fields)
    fields = f": {prose(shortened(names, _LONGEST_GAINS))}" if names else ""
    yield f"- {_kind(change)}{code(change.address)} {_actions(change)}{fields}"
    yield from (f"  {line}" for line in _findings(reviewed))


def finding_line(finding: Finding, *, names: bool = False) -> str:
    """Give one finding as an item: severity in words beside its mark; `names` says of what."""
    mark = _MARKS[finding.severity]
    address = f" {code(finding.address)}" if names else ""
    said = f"{prose(finding.rule)}{address}: {prose(finding.message)}"
    waiver = finding.waiver
    accepted = "" if waiver is None else f" — {waiver_words(waiver, prose, named=code)}"
    return f"- {mark} **{finding.severity.value}** {said}{accepted}"


def _findings(reviewed: ReviewedChange) -> Iterator[str]:
    yield from (finding_line(finding) for finding in reviewed.brought)
    if reviewed.before:
        yield f"- {BEFORE_WORDS}"
    yield from (f"  {finding_line(finding)}" for finding in reviewed.before)


def _rules(reviewed: ReviewedChange) -> str:
    """Name the rules of what the plan brings; what was so before is counted."""
    shown = reviewed.brought[:_MOST_RULES]
    rules = ", ".join(f"{prose(f.rule, in_table=True)} {f.severity.value}" for f in shown)
    rest = len(reviewed.brought) - len(shown)
    before = f"{len(reviewed.before)} before" if reviewed.before else ""
    return "; ".join(part for part in (f"{rules} +{rest}" if rest else rules, before) if part)


def _verdict(reviewed: ReviewedChange) -> str:
    return f"{_ICONS[reviewed.verdict]} {reviewed.words}"


def _kind(change: Change) -> str:
    """Say of what is no key that it is none; a key may have the same name."""
    return "" if change.is_key else "resource "


def _last(change: Change) -> str:
    last = change.last_characters
    return "" if last is None else f" (…{prose(last)})"


def _actions(change: Change) -> str:
    return ", ".join(action.value for action in change.actions)


def _effect_line(line: EffectLine) -> str:
    match line.effect:
        case Effect.GAINS:
            return f"- **gains** {line.of}: {_listed(line)}"
        case Effect.LOSES:
            return f"- loses {line.of}: {_listed(line)}"
        case Effect.AFTERWARDS:
            return f"- afterwards: {_listed(line)}"
        case Effect.REMAINS:
            return f"- ⏳ still works: {_listed(line)}"
        case Effect.BREAKS:
            return f"- ⚠️ may break: {_listed(line)}"
        case Effect.TOUCHES:
            return f"- touches {touched_words(line.words, _MOST_TOUCHED, code)}"


def _listed(line: EffectLine) -> str:
    return ", ".join(prose(words) for words in line.words)


def _fields(change: Change, now: datetime) -> Iterator[str]:
    """Fold the fields as a terminal shows them, in a block of code."""
    lines = list(change_lines(change, now, PLAIN))
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
