"""Whatever names, descriptions, reasons and paths hold, it is shown and never obeyed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

import pytest

from reconciler.credentials.evidence import Evidence
from reconciler.credentials.explain import explain_stored
from reconciler.credentials.verdict import Circumstances
from reconciler.errors import Declined, ManifestsInvalid
from reconciler.model.line_change import LineChange
from reconciler.model.uses import UseKind, UseMark
from reconciler.planning.plan import FieldChange
from reconciler.ports import CheckResult, StoredVersion
from reconciler.render import keys
from reconciler.render.document import plan_json, report_json
from reconciler.render.errors import error_json, error_text
from reconciler.render.explanation import explanation_json, explanation_text
from reconciler.render.key_uses import Seen
from reconciler.render.problems import (
    problems_github,
    problems_json,
    problems_sarif,
    problems_text,
)
from reconciler.render.style import PLAIN
from reconciler.render.text import outcome_line, plan_difference_text, plan_text, report_text
from tests.render.reviews import everything
from tests.render.samples import NOW, event, key_record, key_version, lease, plans, problems
from tests.render.test_report import FAILED, REPORTS

PAYLOAD = (
    "::error file=a::x\n::error::y\r\n##[error]z\x1b[31m\x1b]8;;http://e\x07\x9b2J\u202eRTL\u2066"
    "\u2028\x00\x7f<script>|`[a](http://b)`|\n# Head\n"
)
FIELD_SIDES = ("before", "after", "added", "removed")
FORBIDDEN = re.compile(r"[^\n\x20-\x7e\u00a1-\u167f\u2010-\u2027\u2030-\u205e\u2190-\ud7ff]")
PLANS = {**plans(), "everything": everything()}


def hostile(value: Any) -> Any:
    """Put the payload before every text inside a value; enumerations and field names stay."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return value and PAYLOAD + value
    if isinstance(value, FieldChange):
        return replace(value, **{n: hostile(getattr(value, n)) for n in FIELD_SIDES})
    if isinstance(value, dict):
        return {hostile(k): hostile(v) for k, v in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return type(value)(hostile(v) for v in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: hostile(getattr(value, f.name)) for f in fields(value) if f.init}
        return replace(value, **changed)
    return value


STORED = StoredVersion(record=key_record(), version=key_version(), secret_hash="")
LINE = LineChange(where=problems()[0].where, before="a: b", after=("a: c",))
EXPLANATION = explain_stored(
    STORED, Circumstances(now=NOW, address="198.51.100.7"), Evidence(records=(STORED.record,))
).with_changes(lambda _: LINE)
USED = (
    key_record(),
    Seen(
        until=NOW,
        marks={
            key_version().version_id: tuple(
                UseMark(version_id=key_version().version_id, kind=kind, subject="a b", last_at=NOW)
                for kind in UseKind
            )
        },
    ),
)
CHECK = CheckResult(name="a", passed=False, message="b", advice="c")

TEXTS: dict[str, tuple[Callable[[Any], str], Any]] = {
    **{f"plan-{n}": (lambda p: plan_text(p, PLAIN, verbose=True), p) for n, p in PLANS.items()},
    "difference": (lambda p: plan_difference_text(p, PLANS["rotate"], PLAIN), PLANS["update"]),
    **{f"report-{n}": (lambda r: report_text(r, PLAIN), r) for n, r in REPORTS.items()},
    "outcome": (lambda o: outcome_line(o, PLAIN), FAILED),
    "problems": (lambda p: problems_text(p, PLAIN), problems()),
    "github": (lambda p: problems_github(p).replace("::error file=", "error file="), problems()),
    "status": (lambda r: keys.status_text([r], NOW, PLAIN), key_record()),
    "key": (lambda r: keys.key_text(r, NOW, PLAIN), key_record()),
    "key-used": (lambda u: keys.key_text(u[0], NOW, PLAIN, seen=u[1]), USED),
    "history": (lambda e: keys.history_text([e], PLAIN), event()),
    "lock": (lambda held: keys.lock_text(held, NOW, PLAIN), lease()),
    "checks": (lambda c: keys.checks_text([c], PLAIN), CHECK),
    "explanation": (lambda e: explanation_text(e, PLAIN), EXPLANATION),
}
JSONS: dict[str, tuple[Callable[[Any], str], Any]] = {
    **{f"plan-{n}": (plan_json, p) for n, p in PLANS.items()},
    **{f"report-{n}": (report_json, r) for n, r in REPORTS.items()},
    "problems": (problems_json, problems()),
    "sarif": (problems_sarif, problems()),
    "status": (lambda r: keys.status_json([r], NOW), key_record()),
    "key": (lambda r: keys.key_json(r, NOW), key_record()),
    "key-used": (lambda u: keys.key_json(u[0], NOW, seen=u[1]), USED),
    "history": (lambda e: keys.history_json([e]), event()),
    "lock": (lambda held: keys.lock_json(held, NOW), lease()),
    "checks": (lambda c: keys.checks_json([c]), CHECK),
    "explanation": (explanation_json, EXPLANATION),
}


def obeyed(text: str) -> list[str]:
    """Give the lines that a job's log would obey as commands."""
    return [line for line in text.split("\n") if line.strip().startswith("::") or "##[" in line]


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_content_changes_no_line_and_steers_nothing(name: str):
    """As many lines as for harmless content; every control and bidi mark is shown."""
    render, sample = TEXTS[name]
    shown = render(hostile(sample))
    assert FORBIDDEN.findall(shown) == []
    assert obeyed(shown) == []
    if name != "difference":
        assert shown.count("\n") == render(sample).count("\n")


@pytest.mark.parametrize("name", JSONS)
def test_hostile_content_stays_inside_its_json_string(name: str):
    """The document is pure ASCII, and reads back."""
    render, sample = JSONS[name]
    shown = render(hostile(sample))
    assert re.findall(r"[^\n\x20-\x7e]", shown) == []
    assert obeyed(shown) == []
    assert json.loads(shown).keys() == json.loads(render(sample)).keys()


def test_a_hostile_error_keeps_its_lines_below_its_head():
    """A message may have lines, but none of them starts at the margin."""
    error = Declined(f"a{PAYLOAD}", advice=PAYLOAD)
    shown = error_text(error, PLAIN)
    assert FORBIDDEN.findall(shown) == []
    assert obeyed(shown) == []
    head, *rest = shown.splitlines()
    assert head.startswith("Error: a")
    assert [line for line in rest if not line.startswith("  ")] == []
    assert obeyed(error_json(error)) == []


def test_hostile_problems_in_an_error_are_shown():
    """They come from files that anybody may have written."""
    error = ManifestsInvalid("No.", problems=hostile(problems()))
    assert FORBIDDEN.findall(error_text(error, PLAIN)) == []
    assert obeyed(error_text(error, PLAIN)) == []
    assert re.findall(r"[^\n\x20-\x7e]", error_json(error)) == []


def test_sarif_holds_no_link_that_a_manifest_wrote():
    """Brackets of a message are always escaped."""
    log = json.loads(problems_sarif(hostile(problems())))
    texts = [result["message"]["text"] for result in log["runs"][0]["results"]]
    assert texts
    assert [t for t in texts if re.search(r"(?<!\\)\[", t.replace("\\\\", ""))] == []


def test_a_hostile_field_name_is_shown():
    """A saved plan may name fields that no manifest has."""
    change = PLANS["update"].changes[0]
    named = [replace(f, name=PAYLOAD + f.name) for f in change.fields]
    plan = replace(PLANS["update"], changes=(replace(change, fields=tuple(named)),))
    assert FORBIDDEN.findall(plan_text(plan, PLAIN)) == []
    assert obeyed(plan_text(plan, PLAIN)) == []
    assert re.findall(r"[^\n\x20-\x7e]", plan_json(plan)) == []
