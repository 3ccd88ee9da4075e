"""Why a key does not work, for people and programs: the verdict, the answer, every row.

The rule that lives here: the answer stands on top with its advice, and below it every row of the
page's table with its checks; what is advised is not said twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.credentials.checks import Check, CheckName
from reconciler.credentials.explain import Explanation
from reconciler.credentials.rows import Row, RowVerdict
from reconciler.credentials.verdict import Allowed
from reconciler.model.line_change import LineChange
from reconciler.render.checks import mark
from reconciler.render.json_form import FORMAT_VERSION, json_text
from reconciler.render.style import Style, Tint, escape, joined, padded

_WIDTH = max(len(name.value) for name in CheckName)
_TINTS = {RowVerdict.THIS: Tint.RED, RowVerdict.NOT_THIS: Tint.GREEN, RowVerdict.UNTOLD: Tint.DIM}
_NOTHING = "Nothing that was checked keeps this key from being used."


def explanation_text(explanation: Explanation, style: Style) -> str:
    """Show the verdict about a key and what to do first, then every row with its checks."""
    return joined(_explanation_lines(explanation, style))


def _explanation_lines(explanation: Explanation, style: Style) -> Iterator[str]:
    yield f"{_verdict(explanation, style)}{_key(explanation)}"
    answer = explanation.answer
    if answer is None or answer[1].passed is not False:
        yield _NOTHING
    if answer is not None:
        row, check = answer
        yield f"{style.paint(row.symptom.value, Tint.BOLD)}: {row.what_to_check}"
        yield from _check_lines(check, style)
        yield from _advice_lines(check)
    for row in explanation.rows:
        yield ""
        yield _heading(row, style)
        for check in row.checks:
            yield from _check_lines(check, style)
            if answer is None or check != answer[1]:
                yield from _advice_lines(check)


def _heading(row: Row, style: Style) -> str:
    verdict = style.paint(row.verdict.value, _TINTS[row.verdict])
    return f"{style.paint(row.symptom.value, Tint.BOLD)}: {verdict}"


def _check_lines(check: Check, style: Style) -> Iterator[str]:
    name = padded(check.name.value, _WIDTH)
    yield f"  {mark(style, passed=check.passed)}  {name}  {escape(check.message)}"


def _advice_lines(check: Check) -> Iterator[str]:
    if check.advice:
        yield f"        {escape(check.advice)}"
    if check.change is not None:
        yield from _change_lines(check.change)


def _change_lines(change: LineChange) -> Iterator[str]:
    """Show a change as a file, a line, and what goes and comes there."""
    where = change.where
    yield f"        {escape(where.file)}:{where.line}"
    if change.before is not None:
        yield f"        -{escape(change.before)}"
    for line in change.after:
        yield f"        +{escape(line)}"


def _verdict(explanation: Explanation, style: Style) -> str:
    verdict = explanation.verdict
    if isinstance(verdict, Allowed):
        return style.paint("Allowed", Tint.GREEN, Tint.BOLD)
    return f"{style.paint('Denied', Tint.RED, Tint.BOLD)} ({verdict.reason.value})"


def _key(explanation: Explanation) -> str:
    """Name the key as far as it is known; never by more than its last characters."""
    last, address = explanation.last_characters, explanation.address
    parts = (
        "" if address is None else escape(str(address)),
        "" if last is None else f"(…{escape(last)})",
        "" if explanation.version_id is None else f"version {escape(explanation.version_id)}",
    )
    named = " ".join(part for part in parts if part)
    return f": {named}" if named else ""


def explanation_json(explanation: Explanation) -> str:
    """Give an explanation as JSON."""
    verdict = explanation.verdict
    address = explanation.address
    answer = explanation.answer
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "allowed": isinstance(verdict, Allowed),
            "reason": None if isinstance(verdict, Allowed) else verdict.reason.value,
            "address": None if address is None else str(address),
            "version_id": explanation.version_id,
            "last_characters": explanation.last_characters,
            "checks": [_check_document(check) for check in explanation.checks],
            "rows": [_row_document(row) for row in explanation.rows],
            "answer": None
            if answer is None
            else {"symptom": answer[0].symptom.value, **_row_check_document(answer[1])},
        }
    )


def _row_document(row: Row) -> dict[str, object]:
    return {
        "symptom": row.symptom.value,
        "what_to_check": row.what_to_check,
        "verdict": row.verdict.value,
        "checks": [_row_check_document(check) for check in row.checks],
    }


def _row_check_document(check: Check) -> dict[str, object]:
    return {**_check_document(check), "change": _change_document(check.change)}


def _check_document(check: Check) -> dict[str, object]:
    return {
        "name": check.name.value,
        "passed": check.passed,
        "message": check.message,
        "advice": check.advice,
    }


def _change_document(change: LineChange | None) -> dict[str, object] | None:
    if change is None:
        return None
    return {
        "file": change.where.file,
        "line": change.where.line,
        "before": change.before,
        "after": list(change.after),
    }
