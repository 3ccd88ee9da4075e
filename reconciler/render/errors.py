"""An error for people and for programs: one sentence, one advice, problems at their places."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.errors import KeyrecError, ManifestsInvalid
from reconciler.model.source import Problem
from reconciler.render.json_form import FORMAT_VERSION, exit_words, json_text
from reconciler.render.problems import problem_document, problem_lines, problems_count
from reconciler.render.style import Style, Tint, escape, joined


def error_text(error: KeyrecError, style: Style) -> str:
    """Show an error: problems first, then what is wrong, then what to do."""
    return joined(_error_lines(error, style))


def _error_lines(error: KeyrecError, style: Style) -> Iterator[str]:
    problems = _problems(error)
    for problem in problems:
        yield from problem_lines(problem, style)
    if problems:
        yield problems_count(problems)
    first, *rest = error.message.split("\n")
    yield f"{style.paint('Error:', Tint.RED, Tint.BOLD)} {escape(first)}"
    yield from (f"  {escape(line.strip())}" for line in rest)
    yield from (f"  {escape(line)}" for line in error.advice.split("\n") if line)


def _problems(error: KeyrecError) -> list[Problem]:
    if not isinstance(error, ManifestsInvalid):
        return []
    return sorted(p for p in error.problems if isinstance(p, Problem))


def error_json(error: KeyrecError) -> str:
    """Give an error as JSON, with its name, its exit code and the exit code's word."""
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "error": error.word,
            "message": error.message,
            "advice": error.advice,
            "transient": error.transient,
            "problems": [problem_document(p) for p in _problems(error)],
            **exit_words(error.exit_code),
        }
    )
