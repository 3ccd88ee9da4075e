"""Problems of manifests: for people, for programs, for code scanning, for a job's log.

A problem is shown at its place with the offending line, a caret under the column and the mend.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.source import Problem, SourceRef
from reconciler.render.json_form import FORMAT_VERSION, json_text, source_document
from reconciler.render.sarif import problems_sarif
from reconciler.render.style import Style, Tint, columns, escape, joined
from reconciler.render.words import counted

__all__ = [
    "problem_lines",
    "problems_count",
    "problems_github",
    "problems_json",
    "problems_sarif",
    "problems_text",
]

_REDACTED = "[redacted]"
_CUT = "…"


def problems_text(problems: Sequence[Problem], style: Style) -> str:
    """Show problems in order of place, and how many there are."""
    lines = [line for p in sorted(problems) for line in problem_lines(p, style)]
    return joined([*lines, problems_count(problems)])


def problem_lines(problem: Problem, style: Style) -> Iterator[str]:
    """Show one problem: `file:line:column: error: …`, the line with a caret, the mend."""
    word = style.paint("error", Tint.RED, Tint.BOLD)
    yield f"{escape(str(problem.where))}: {word}: {escape(problem.message)}"
    yield from _snippet_lines(problem, style)
    if problem.advice:
        yield f"  mend: {escape(problem.advice)}"


def _snippet_lines(problem: Problem, style: Style) -> Iterator[str]:
    if not problem.snippet:
        return
    number = str(problem.where.line)
    yield f"  {style.paint(number, Tint.DIM)} | {escape(problem.snippet)}"
    before = problem.snippet[: problem.where.column - 1]
    if _shows_column(problem.snippet, before, problem.where.column):
        gap = " " * columns(escape(before))
        yield f"  {' ' * len(number)} | {gap}{style.paint('^', Tint.RED)}"


def _shows_column(snippet: str, before: str, column: int) -> bool:
    """Whether the column can be found in the line as shown: not behind a cut or a redaction."""
    is_inside = column <= len(snippet.removesuffix(_CUT)) + (0 if snippet.endswith(_CUT) else 1)
    return is_inside and _REDACTED not in before


def problems_count(problems: Sequence[Problem]) -> str:
    """Give `3 problems in 2 files.`"""
    if not problems:
        return "No problems."
    files = {problem.where.file for problem in problems}
    return f"{counted(len(problems), 'problem')} in {counted(len(files), 'file')}."


def problems_json(problems: Sequence[Problem]) -> str:
    """Give problems as JSON."""
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "problems": [problem_document(p) for p in sorted(problems)],
            "valid": not problems,
        }
    )


def problem_document(problem: Problem) -> dict[str, object]:
    """Give one problem for JSON."""
    return {
        "source": source_document(problem.where),
        "code": problem.code,
        "message": problem.message,
        "advice": problem.advice,
        "snippet": problem.snippet,
    }


def problems_github(problems: Sequence[Problem]) -> str:
    """Give one workflow command for each problem, as a job's log on GitHub wants it.

    Source: GitHub's documentation of workflow commands; a value may hold no raw `%`, CR or LF,
    a property no `:` or `,` either.
    """
    return "".join(f"{_annotation(problem)}\n" for problem in sorted(problems))


def _annotation(problem: Problem) -> str:
    return annotation(
        "error",
        problem.where,
        title=f"keyrec {problem.code}",
        message=problem.message,
        mend=problem.advice,
    )


def annotation(
    command: str, where: SourceRef | None, *, title: str, message: str, mend: str
) -> str:
    """Give one workflow command: an annotation at a place, or of the job where there is none."""
    place = (
        {}
        if where is None
        else {"file": where.file, "line": str(where.line), "col": str(where.column)}
    )
    properties = {**place, "title": title}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    advice = f"%0Amend: {_command_value(escape(mend))}" if mend else ""
    return f"::{command} {listed}::{_command_value(escape(message))}{advice}"


def _command_value(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _command_value(escape(text)).replace(":", "%3A").replace(",", "%2C")
