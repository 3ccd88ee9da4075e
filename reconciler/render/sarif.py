"""Problems as SARIF 2.1.0, the form that code scanning reads.

Fingerprints hold the rule, the file, what is said and the offending line, never its number: a
problem that only moves stays the same one. Equal ones in a file are told apart by their order.
Source: OASIS SARIF 2.1.0; the form of messages is its section 3.11.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from reconciler import __version__
from reconciler.model.canonical import fingerprint
from reconciler.model.source import Problem
from reconciler.render.json_form import json_text
from reconciler.render.style import escape

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def problems_sarif(problems: Sequence[Problem]) -> str:
    """Give problems as one SARIF log with one run."""
    ordered = sorted(problems)
    codes = sorted({problem.code for problem in ordered})
    driver = {"name": "keyrec", "version": __version__, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": list(_results(ordered, codes)),
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, object]:
    return {
        "id": code,
        "shortDescription": {"text": code.replace("-", " ")},
        "defaultConfiguration": {"level": "error"},
    }


def _results(problems: Sequence[Problem], codes: Sequence[str]) -> Iterator[dict[str, object]]:
    seen: Counter[str] = Counter()
    for problem in problems:
        said = _said(problem)
        yield {
            "ruleId": problem.code,
            "ruleIndex": codes.index(problem.code),
            "level": "error",
            "message": {"text": _message(problem)},
            "locations": [{"physicalLocation": _location(problem)}],
            "partialFingerprints": {"keyrec/v1": fingerprint([said, seen[said]])},
        }
        seen[said] += 1


def _said(problem: Problem) -> str:
    parts = [problem.code, problem.where.file, problem.message, problem.snippet.strip()]
    return fingerprint([escape(part) for part in parts])


def _message(problem: Problem) -> str:
    text = f"{problem.message}; {problem.advice}" if problem.advice else problem.message
    return _without_links(escape(text))


def _without_links(text: str) -> str:
    """Escape what SARIF would read as a link: `[text](target)`."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _location(problem: Problem) -> dict[str, object]:
    where = problem.where
    region: dict[str, object] = {"startLine": where.line, "startColumn": where.column}
    if problem.snippet:
        region["snippet"] = {"text": escape(problem.snippet)}
    return {"artifactLocation": {"uri": _uri(where.file)}, "region": region}


def _uri(path: str) -> str:
    """Give a path as a relative URI reference, never one with a scheme or a host."""
    return quote(path.lstrip("/"), safe="/", errors="replace")
