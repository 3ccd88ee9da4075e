"""One change on the HTML page, and how foreign text stands there."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import datetime

from reconciler.model.review import Finding
from reconciler.planning.plan import Change
from reconciler.render.change_lines import change_lines
from reconciler.render.review_words import (
    BEFORE_WORDS,
    Effect,
    EffectLine,
    effect_lines,
    waiver_words,
)
from reconciler.render.reviewed import ReviewedChange
from reconciler.render.style import PLAIN, escape
from reconciler.render.words import counted

_CODE = re.compile("`([^`]+)`")


def text_html(text: str) -> str:
    """Show a foreign text: no markup, no control character, no mark that reorders a line."""
    return html.escape(escape(text), quote=True)


def code_html(text: str) -> str:
    """Show a foreign text as code."""
    return f"<code>{text_html(text)}</code>"


def advice_html(text: str) -> str:
    """Show a text with what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", text_html(text))


def change_html(reviewed: ReviewedChange, now: datetime) -> Iterator[str]:
    """Give what a change means and its findings, its fields folded."""
    change = reviewed.change
    yield f'<article class="{reviewed.verdict.value.lower()}">'
    yield _heading(reviewed)
    if change.source is not None:
        place = f"{change.source.file}:{change.source.line}"
        yield f'<p class="place">{code_html(place)}</p>'
    said = [*map(_effect, effect_lines(reviewed.assessment)), *_findings(reviewed)]
    yield from ("<ul>", *said, "</ul>") if said else ()
    lines = "\n".join(text_html(line) for line in change_lines(change, now, PLAIN))
    yield f"<details><summary>Fields</summary><pre>{lines}</pre></details>"
    yield "</article>"


def _heading(reviewed: ReviewedChange) -> str:
    badges = f'<span class="badge">{reviewed.verdict.value}</span>'
    if reviewed.disrupts:
        badges += ' <span class="badge disrupt">DISRUPT</span>'
    change = reviewed.change
    actions = ", ".join(action.value for action in change.actions)
    kind = "" if change.is_key else "resource "
    old = change.previous_address
    until = "" if old is None else f", until now {code_html(old)}"
    name = f"{kind}{code_html(change.address)}{_last(change)}"
    return f"<h3>{badges} {name} <em>{actions}{until}</em></h3>"


def _last(change: Change) -> str:
    last = change.last_characters
    return "" if last is None else f" <small>…{text_html(last)}</small>"


def _effect(line: EffectLine) -> str:
    words = text_html(", ".join(line.words))
    match line.effect:
        case Effect.GAINS:
            return f'<li class="gain"><b>gains</b> {line.of}: {words}</li>'
        case Effect.LOSES:
            return f"<li>loses {line.of}: {words}</li>"
        case Effect.AFTERWARDS:
            return f"<li>afterwards: {words}</li>"
        case Effect.REMAINS:
            return f"<li>still works: {words}</li>"
        case Effect.BREAKS:
            return f'<li class="break"><b>may break</b> {words}</li>'
        case Effect.TOUCHES:
            return _touched(line.words)


def _touched(addresses: tuple[str, ...]) -> str:
    count = counted(len(addresses), "key")
    listed = ", ".join(f"{code_html(address)}" for address in addresses)
    return f"<li><details><summary>touches {count}</summary>{listed}</details></li>"


def _findings(reviewed: ReviewedChange) -> Iterator[str]:
    yield from (finding_html(finding) for finding in reviewed.brought)
    if reviewed.before:
        yield f"<li>{BEFORE_WORDS}<ul>"
        yield from (finding_html(finding) for finding in reviewed.before)
        yield "</ul></li>"


def finding_html(finding: Finding, *, names: bool = False) -> str:
    """Give a finding as an item; `names` also says of what it is."""
    waiver = finding.waiver
    accepted = "" if waiver is None else f" <small>{waiver_words(waiver, text_html)}</small>"
    address = f" {code_html(finding.address)}" if names else ""
    return (
        f'<li><span class="severity {finding.severity.value}">{finding.severity.value}</span> '
        f"<b>{text_html(finding.rule)}</b>{address} {text_html(finding.message)}{accepted}"
        f"<br><small>{advice_html(finding.mend)}</small></li>"
    )
