"""The page's table: which row it is, and what is answered first."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from reconciler.credentials.checks import CheckName, EvidenceName
from reconciler.credentials.evidence import Asker, Evidence
from reconciler.credentials.explain import Explanation, explain, explain_stored
from reconciler.credentials.rows import TABLE, RowVerdict, Symptom
from reconciler.credentials.verdict import Circumstances, Issuer, Presented
from reconciler.model.line_change import LineChange, WantedField
from reconciler.model.scopes import ScopeGrant
from reconciler.model.source import SourceRef
from reconciler.model.token import TokenFault
from reconciler.model.uses import UseKind, UseMark
from tests.credentials.examples import HOUR, NOON, VERSION_ID, parsed, stored

RANGES = ("203.0.113.0/24",)
LIMITED = {"allowlist": RANGES, "ranges": RANGES}
EVERYTHING = Circumstances(
    now=NOON,
    issuer=Issuer(prefix="krk", environment="prod"),
    address="203.0.113.7",
    wanted=ScopeGrant(resource="Reviews", level="read"),
)
NOTHING = Circumstances(now=NOON)
DENIED = UseMark(
    version_id=VERSION_ID,
    kind=UseKind.DENIED,
    subject="address-not-allowed 198.51.100.7",
    last_at=NOON - HOUR,
)


def table(explanation: Explanation) -> list[str]:
    """Give the verdicts in the page's order, one letter each: it, not, untold."""
    letters = {RowVerdict.THIS: "I", RowVerdict.NOT_THIS: "n", RowVerdict.UNTOLD: "?"}
    return [letters[row.verdict] for row in explanation.rows]


def proven(at: Circumstances = EVERYTHING, *marks: UseMark, **changes: Any) -> Explanation:
    """Explain a presented key, of which everything is known."""
    changes = {"fields": LIMITED, **changes}
    row = stored(**changes)
    evidence = Evidence(records=(row.record,), marks=marks, uses_until=NOON)
    return explain(Presented(token=parsed(), stored=row, is_match=True), at, evidence)


def test_the_symptoms_and_their_words_are_the_pages():
    """Word for word, in its order."""
    assert [(s.value, TABLE[s].what_to_check) for s in Symptom] == [
        (
            "Key does not authenticate",
            "Confirm copied value, expiration, active status, and correct environment.",
        ),
        ("Access denied", "Check scopes and workspace role."),
        (
            "Works locally, fails in production",
            "Check IP allowlist and the real request origin.",
        ),
        ("I lost the complete key", "Rotate the key and update the integration."),
        (
            "Integration stopped after rotation",
            "Update the secret in the external system and redeploy when needed.",
        ),
    ]


def test_every_check_stands_in_exactly_one_row():
    """Nothing is looked at without a row to show it in."""
    listed = [name for rule in TABLE.values() for name in rule.checks]

    assert sorted(listed) == sorted([*CheckName, *EvidenceName])
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("explanation", "verdicts", "answer"),
    [
        (proven(), "nnnnn", None),
        (proven(NOTHING, fields={}), "??nnn", None),
        (proven(NOTHING), "???nn", CheckName.ADDRESS),
        (proven(NOTHING, DENIED), "??Inn", EvidenceName.ORIGINS),
        (proven(EVERYTHING, DENIED), "nnnnn", None),
        (proven(fields={**LIMITED, "active": False}), "Innnn", CheckName.ACTIVE),
        (proven(fields={**LIMITED, "scopes": ()}), "nInnn", CheckName.SCOPE),
        (
            proven(dataclasses.replace(EVERYTHING, address=None), fields={**LIMITED, "scopes": ()}),
            "nI?nn",
            CheckName.SCOPE,
        ),
        (
            proven(dataclasses.replace(EVERYTHING, address="198.51.100.7")),
            "nnInn",
            CheckName.ADDRESS,
        ),
        (proven(version={"leaked": True}), "nnnnI", CheckName.LEAK),
        (explain(Presented(token=TokenFault.MALFORMED), EVERYTHING), "I????", "copied value"),
        (explain(Presented(token=parsed(), stored=stored()), EVERYTHING), "I????", "secret"),
        (explain_stored(stored(), EVERYTHING), "?nn??", EvidenceName.COMPLETE_KEY),
        (
            explain_stored(stored(version={"sink_version": None}), EVERYTHING),
            "?nnI?",
            EvidenceName.COMPLETE_KEY,
        ),
        (
            explain_stored(stored(record={"expires_at": NOON}), EVERYTHING),
            "Inn??",
            CheckName.EXPIRATION,
        ),
    ],
    ids=[
        "works",
        "nothing was said",
        "no address was said",
        "verifiers know the address",
        "a named address is stronger",
        "inactive",
        "scope",
        "scope, and no address was said",
        "outside",
        "leaked",
        "malformed",
        "wrong secret",
        "named",
        "named, without a copy",
        "named and expired",
    ],
)
def test_the_table_is_answered(explanation, verdicts, answer):
    """Which row it is, and the check that is answered on top."""
    assert "".join(table(explanation)) == verdicts
    found = explanation.answer
    assert (None if found is None else found[1].name) == answer
    if found is not None:
        assert found[1] in found[0].checks


def test_the_first_failing_check_of_the_decision_is_answered_first():
    """What would be refused next is mended next."""
    at = dataclasses.replace(EVERYTHING, address="198.51.100.7")

    explanation = proven(at, fields={**LIMITED, "active": False, "scopes": ()})

    assert table(explanation) == ["I", "I", "I", "n", "n"]
    assert explanation.answer is not None
    assert explanation.answer[1].name is CheckName.ACTIVE
    assert explanation.rows[0].failed == explanation.answer[1]
    assert explanation.rows[3].failed is None


def test_a_missing_scope_makes_the_role_count():
    """Somebody who may not change the key has a second thing to do."""
    asker = Asker(principal="local:bob", may_change=False, admins=("local:alice",))
    row = stored(fields={"scopes": ()})

    explanation = explain_stored(row, EVERYTHING, Evidence(records=(row.record,), asker=asker))

    (denied,) = (row for row in explanation.rows if row.symptom is Symptom.ACCESS_DENIED)
    assert [check.passed for check in denied.checks] == [False, False]


def test_lines_of_the_manifest_are_put_to_what_wants_them():
    """Where they are found; other checks stay."""
    change = LineChange(where=SourceRef(file="a.yaml", line=3, column=1), before=None, after=("x",))

    def find(wanted: WantedField) -> LineChange | None:
        return change if wanted.path == ("spec", "active") else None

    explanation = proven(fields={"active": False, "scopes": ()}).with_changes(find)

    assert {c.name: c.change for c in explanation.checks if c.change is not None} == {
        CheckName.ACTIVE: change
    }
