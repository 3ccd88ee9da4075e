"""Problems of manifests in four forms."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.model.source import Problem, SourceRef
from reconciler.render.problems import (
    problems_github,
    problems_json,
    problems_sarif,
    problems_text,
)
from reconciler.render.style import PLAIN
from tests.render.conftest import Golden
from tests.render.samples import problems

ONE = problems()[1]

SARIF_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "pattern": "sarif-schema-2.1.0.json$"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "minItems": 1, "maxItems": 1, "items": {"$ref": "#/$defs/run"}},
    },
    "$defs": {
        "message": {
            "type": "object",
            "required": ["text"],
            "additionalProperties": False,
            "properties": {"text": {"type": "string", "minLength": 1}},
        },
        "rule": {
            "type": "object",
            "required": ["id", "shortDescription", "defaultConfiguration"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string"},
                "shortDescription": {"$ref": "#/$defs/message"},
                "defaultConfiguration": {"const": {"level": "error"}},
            },
        },
        "region": {
            "type": "object",
            "required": ["startLine", "startColumn"],
            "additionalProperties": False,
            "properties": {
                "startLine": {"type": "integer", "minimum": 1},
                "startColumn": {"type": "integer", "minimum": 1},
                "snippet": {"$ref": "#/$defs/message"},
            },
        },
        "location": {
            "type": "object",
            "required": ["physicalLocation"],
            "additionalProperties": False,
            "properties": {
                "physicalLocation": {
                    "type": "object",
                    "required": ["artifactLocation", "region"],
                    "additionalProperties": False,
                    "properties": {
                        "artifactLocation": {
                            "type": "object",
                            "required": ["uri"],
                            "additionalProperties": False,
                            "properties": {
                                "uri": {"type": "string", "pattern": "^[A-Za-z0-9._~%/-]+$"}
                            },
                        },
                        "region": {"$ref": "#/$defs/region"},
                    },
                }
            },
        },
        "result": {
            "type": "object",
            "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": {"const": "error"},
                "message": {"$ref": "#/$defs/message"},
                "locations": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"$ref": "#/$defs/location"},
                },
                "partialFingerprints": {
                    "type": "object",
                    "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                },
            },
        },
        "run": {
            "type": "object",
            "required": ["tool", "results"],
            "additionalProperties": False,
            "properties": {
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
                "tool": {
                    "type": "object",
                    "required": ["driver"],
                    "additionalProperties": False,
                    "properties": {
                        "driver": {
                            "type": "object",
                            "required": ["name", "version", "rules"],
                            "additionalProperties": False,
                            "properties": {
                                "name": {"const": "keyrec"},
                                "version": {"type": "string"},
                                "rules": {
                                    "type": "array",
                                    "uniqueItems": True,
                                    "items": {"$ref": "#/$defs/rule"},
                                },
                            },
                        }
                    },
                },
            },
        },
    },
}
"""The part of OASIS SARIF 2.1.0 that is written here; what it leaves out is not written."""


def sarif_results(*found: Problem) -> list[dict[str, Any]]:
    """Give the results of a log."""
    results: list[dict[str, Any]] = json.loads(problems_sarif(found))["runs"][0]["results"]
    return results


def fingerprints(*found: Problem) -> list[str]:
    """Give the fingerprints in order of place."""
    return [result["partialFingerprints"]["keyrec/v1"] for result in sarif_results(*found)]


def moved(problem: Problem, lines: int) -> Problem:
    """Give the same problem some lines further down."""
    return replace(problem, where=replace(problem.where, line=problem.where.line + lines))


def test_problems_look_as_they_were_approved(golden: Golden):
    """Sorted by place, each with its line, its caret and its mend."""
    golden("problems.txt", problems_text(problems(), PLAIN))
    golden("problems.json", problems_json(problems()))
    golden("problems.sarif.json", problems_sarif(problems()))
    golden("problems.github.txt", problems_github(problems()))


def test_no_problems_are_said_in_every_form():
    """An empty answer is an answer."""
    assert problems_text((), PLAIN) == "No problems.\n"
    assert problems_github(()) == ""
    assert json.loads(problems_json(()))["valid"] is True
    assert sarif_results() == []


def caret_line(snippet: str, column: int) -> list[str]:
    """Give the snippet's and the caret's line, without what stands before them."""
    where = replace(ONE.where, line=7, column=column)
    shown = problems_text([replace(ONE, where=where, snippet=snippet, advice="")], PLAIN)
    return [line.partition(" | ")[2] for line in shown.splitlines()[1:-1]]


@pytest.mark.parametrize(
    ("snippet", "column", "shown"),
    [
        ("a: b", 4, ["a: b", "   ^"]),
        ("a: b", 5, ["a: b", "    ^"]),
        ("a: b", 6, ["a: b"]),
        ("a\tb", 3, [r"a\tb", "   ^"]),
        ("名: b", 4, ["名: b", "    ^"]),
        ("e\u0301: b", 5, ["e\u0301: b", "   ^"]),
        ("a: [redacted]", 4, ["a: [redacted]", "   ^"]),
        ("a: [redacted] b", 15, ["a: [redacted] b"]),
        ("a: long…", 7, ["a: long…", "      ^"]),
        ("a: long…", 8, ["a: long…"]),
    ],
)
def test_the_caret_stands_under_its_column_or_nowhere(snippet: str, column: int, shown: list[str]):
    """Escapes, wide and combining characters count as they are seen; a cut line shows no caret."""
    assert caret_line(snippet, column) == shown


def test_sarif_is_of_the_form_that_is_written_here():
    """Code scanning reads it without a remark."""
    log = json.loads(problems_sarif(problems()))
    Draft202012Validator(SARIF_FORM).validate(log)
    rules = [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]
    assert [rules[r["ruleIndex"]] for r in log["runs"][0]["results"]] == [
        r["ruleId"] for r in log["runs"][0]["results"]
    ]


def test_a_problem_that_only_moves_keeps_its_fingerprint():
    """A line added above does not open the same alert again."""
    assert fingerprints(ONE) == fingerprints(moved(ONE, 5))
    assert fingerprints(ONE) != fingerprints(replace(ONE, message="another"))


def test_equal_problems_in_one_file_have_fingerprints_of_their_own():
    """Both are shown."""
    assert len(set(fingerprints(ONE, moved(ONE, 1), moved(ONE, 2)))) == 3


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("keys/a b.yaml", "keys/a%20b.yaml"),
        ("keys/ü.yaml", "keys/%C3%BC.yaml"),
        ("//evil.example/a.yaml", "evil.example/a.yaml"),
        ("javascript:a.yaml", "javascript%3Aa.yaml"),
        ("keys/\udcff.yaml", "keys/%3F.yaml"),
    ],
)
def test_a_file_name_is_always_a_relative_uri(file: str, uri: str):
    """No name leads out of the repository."""
    (result,) = sarif_results(replace(ONE, where=replace(ONE.where, file=file)))
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_what_sarif_reads_as_a_link_is_escaped():
    """`[text](target)` in a message would become one."""
    (result,) = sarif_results(replace(ONE, message=r"\[a](b)", advice=""))
    assert result["message"]["text"] == r"\\\[a\](b)"


def test_a_workflow_command_is_escaped_as_github_documents_it():
    """`%` in a value; `:` and `,` in a property too."""
    where = SourceRef(file="keys/a,b:100%.yaml", line=1, column=2)
    text = problems_github([replace(ONE, where=where, message="100% of 1:2, sure", advice="no")])
    assert text == (
        "::error file=keys/a%2Cb%3A100%25.yaml,line=1,col=2,title=keyrec expiration-unknown"
        "::100%25 of 1:2, sure%0Amend: no\n"
    )
