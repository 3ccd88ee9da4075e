"""Checks with their advice: a preflight's, and those that explain why a key does not work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.credentials.explain import Explanation
from reconciler.credentials.verdict import Allowed
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
    yield f"{_mark(style, passed=result.passed)}  {name}  {escape(result.message)}"
    if result.advice:
        yield f"      {escape(result.advice)}"


def _mark(style: Style, *, passed: bool | None) -> str:
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


def explanation_text(explanation: Explanation, style: Style) -> str:
    """Show the verdict about a key, then every check with what to do."""
    return joined(_explanation_lines(explanation, style))


def _explanation_lines(explanation: Explanation, style: Style) -> Iterator[str]:
    yield f"{_verdict(explanation, style)}{_key(explanation)}"
    width = max((len(check.name.value) for check in explanation.checks), default=0)
    for check in explanation.checks:
        name = padded(check.name.value, width)
        yield f"  {_mark(style, passed=check.passed)}  {name}  {escape(check.message)}"
        if check.advice:
            yield f"        {escape(check.advice)}"


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
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "allowed": isinstance(verdict, Allowed),
            "reason": None if isinstance(verdict, Allowed) else verdict.reason.value,
            "address": None if address is None else str(address),
            "version_id": explanation.version_id,
            "last_characters": explanation.last_characters,
            "checks": [
                {
                    "name": check.name.value,
                    "passed": check.passed,
                    "message": check.message,
                    "advice": check.advice,
                }
                for check in explanation.checks
            ],
        }
    )
