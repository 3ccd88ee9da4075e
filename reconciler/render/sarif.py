"""Problems as SARIF 2.1.0, the form that code scanning reads.

Fingerprints hold the rule, the file, what is said and the offending line, never its number: a
problem that only moves stays the same one. Equal ones in a file are told apart by their order.
Source: OASIS SARIF 2.1.0; the form of messages is its section 3.11.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from reconciler import __version__
from reconciler.model.canonical import fingerprint, told_apart
from reconciler.model.source import Problem, SourceRef
from reconciler.render.json_form import json_text
from reconciler.render.style import escape

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def problems_sarif(problems: Sequence[Problem]) -> str:
    """Give problems as one SARIF log with one run."""
    rules = problem_rules(problems)
    return sarif_log(rules, problem_results(problems, ids_of(rules)))


def sarif_log(rules: list[dict[str, object]], results: Iterable[dict[str, object]]) -> str:
    """Give one log with one run."""
    run = {
        "tool": {"driver": {"name": "keyrec", "version": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": list(results),
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def ids_of(rules: Iterable[Mapping[str, object]]) -> list[str]:
    """Give the ids of a run's rules, in their order: results name a rule by its place there."""
    return [str(rule["id"]) for rule in rules]


def problem_rules(problems: Sequence[Problem]) -> list[dict[str, object]]:
    """Give the rules that the problems are of, sorted."""
    return [_rule(code) for code in sorted({problem.code for problem in problems})]


def _rule(code: str) -> dict[str, object]:
    return {
        "id": code,
        "shortDescription": {"text": code.replace("-", " ")},
        "defaultConfiguration": {"level": "error"},
    }


def problem_results(
    problems: Sequence[Problem], rules: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Give one result for each problem; `rules` are the ids of the run's rules."""
    shown = sorted(problems)
    for problem, print_ in zip(shown, told_apart(map(_said, shown)), strict=True):
        yield {
            "ruleId": problem.code,
            "ruleIndex": rules.index(problem.code),
            "level": "error",
            "message": {"text": _message(problem)},
            "locations": [{"physicalLocation": location_of(problem.where, problem.snippet)}],
            "partialFingerprints": {"keyrec/v1": print_},
        }


def _said(problem: Problem) -> str:
    parts = [problem.code, problem.where.file, problem.message, problem.snippet.strip()]
    return fingerprint([escape(part) for part in parts])


def _message(problem: Problem) -> str:
    text = f"{problem.message}; {problem.advice}" if problem.advice else problem.message
    return said_text(text)


def said_text(text: str) -> str:
    """Give a foreign text for a message: escaped, and no link, as SARIF reads `[text](target)`."""
    shown = escape(text)
    return shown.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def location_of(where: SourceRef, snippet: str = "") -> dict[str, object]:
    """Give a place in a manifest, with the line that stands there."""
    region: dict[str, object] = {"startLine": where.line, "startColumn": where.column}
    if snippet:
        region["snippet"] = {"text": escape(snippet)}
    return {"artifactLocation": {"uri": _uri(where.file)}, "region": region}


def _uri(path: str) -> str:
    """Give a path as a relative URI reference, never one with a scheme or a host."""
    return quote(path.lstrip("/"), safe="/", errors="replace")
