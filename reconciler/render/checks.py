"""A preflight's checks with their advice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.ports import CheckResult
from reconciler.render.json_form import FORMAT_VERSION, json_text
from reconciler.render.style import Style, Tint, columns, escape, joined, padded
from reconciler.render.words import counted

_WORDS = {True: ("ok  ", Tint.GREEN), False: ("FAIL", Tint.RED), None: ("-   ", Tint.DIM)}


def checks_text(results: Sequence[CheckResult], style: Style) -> str:
    """Show a preflight: every check, its advice, and how many failed."""
    width = max((columns(escape(r.name)) for r in results), default=0)
    lines = [line for r in results for line in _check_lines(r, width, style)]
    return joined([*lines, _count_line(results)])


def _check_lines(result: CheckResult, width: int, style: Style) -> Iterator[str]:
    name = padded(escape(result.name), width)
    yield f"{mark(style, passed=result.passed)}  {name}  {escape(result.message)}"
    if result.advice:
        yield f"      {escape(result.advice)}"


def mark(style: Style, *, passed: bool | None) -> str:
    """Give the word for how a check went; None where it was not made."""
    word, tint = _WORDS[passed]
    return style.paint(word, tint)


def _count_line(results: Sequence[CheckResult]) -> str:
    failed = sum(1 for result in results if not result.passed)
    if not failed:
        return f"{counted(len(results), 'check')} passed."
    return f"{failed} of {counted(len(results), 'check')} failed."


def checks_json(results: Sequence[CheckResult]) -> str:
    """Give a preflight as JSON."""
    checks = [
        {"name": r.name, "passed": r.passed, "message": r.message, "advice": r.advice}
        for r in results
    ]
    passed = all(result.passed for result in results)
    return json_text({"format_version": FORMAT_VERSION, "passed": passed, "checks": checks})
