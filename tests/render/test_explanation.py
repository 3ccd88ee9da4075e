"""Explanations: the verdict, the answer on top, every row of the page's table."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from reconciler.credentials.damage import Damage, DamageKind
from reconciler.credentials.evidence import Asker, Evidence
from reconciler.credentials.explain import Explanation, explain, explain_stored
from reconciler.credentials.verdict import Circumstances, Issuer, Presented
from reconciler.model.line_change import LineChange
from reconciler.model.scopes import ScopeGrant
from reconciler.model.source import SourceRef
from reconciler.model.token import ParsedToken, TokenFault
from reconciler.model.uses import UseKind, UseMark
from reconciler.ports import StoredVersion
from reconciler.render.explanation import explanation_json, explanation_text
from reconciler.render.style import PLAIN, Style
from tests.render.conftest import Golden
from tests.render.samples import FIELDS, NOW, key_record, key_version

VERSION = key_version()
RECORD = key_record(replace(FIELDS, allowlist=None, ranges=None), versions=(VERSION,))
STORED = StoredVersion(record=RECORD, version=VERSION, secret_hash="")
ASKER = Asker(principal="local:bob", may_change=False, admins=("local:alice",))
HERE = Circumstances(now=NOW, issuer=Issuer(environment=FIELDS.environment))
TOKEN = ParsedToken(
    prefix="krk",
    environment=FIELDS.environment,
    version_id=VERSION.version_id,
    last_characters=VERSION.last_characters,
)
LINE = LineChange(
    where=SourceRef(file="keys/payments/billing-sync-prod.yaml", line=9, column=1),
    before="    Repositories: read",
    after=("    Repositories: change",),
)
DENIED = UseMark(
    version_id=VERSION.version_id,
    kind=UseKind.DENIED,
    subject="address-not-allowed 198.51.100.7",
    last_at=NOW - timedelta(hours=2),
    times=3,
)


def explained(record: StoredVersion = STORED, at: Circumstances = HERE) -> Explanation:
    """Explain a key that is presented."""
    evidence = Evidence(records=(record.record,), asker=ASKER, uses_until=NOW)
    return explain(Presented(token=TOKEN, stored=record, is_match=True), at, evidence)


def test_a_denied_key_looks_as_it_was_approved(golden: Golden) -> None:
    """The answer on top with the line to write, and its advice said once."""
    wanted = replace(HERE, wanted=ScopeGrant(resource="Repositories", level="change"))
    explanation = explained(at=wanted).with_changes(lambda _: LINE)
    golden("explain-denied.txt", explanation_text(explanation, PLAIN))
    golden("explain-denied.json", explanation_json(explanation))
    assert explanation_text(explanation, PLAIN).count("under spec.scopes") == 1


def test_an_allowed_key_looks_as_it_was_approved(golden: Golden) -> None:
    """Nothing is answered where nothing is wrong."""
    explanation = explained()
    golden("explain-allowed.txt", explanation_text(explanation, PLAIN))
    golden("explain-allowed.json", explanation_json(explanation))
    assert json.loads(explanation_json(explanation))["answer"] is None


def test_a_value_that_is_no_key_looks_as_it_was_approved(golden: Golden) -> None:
    """Its kind of damage, and nothing that it holds."""
    explanation = explain(
        Presented(token=TokenFault.MALFORMED), HERE, damage=Damage(kind=DamageKind.CUT_OFF)
    )
    golden("explain-unknown.txt", explanation_text(explanation, PLAIN))
    assert json.loads(explanation_json(explanation))["address"] is None


def test_a_key_without_its_secret_looks_as_it_was_approved(golden: Golden) -> None:
    """Where it lies, and from where it was denied."""
    ranges = ("203.0.113.0/24",)
    fields = replace(FIELDS, allowlist=ranges, ranges=ranges)
    record = key_record(fields, versions=(VERSION,))
    evidence = Evidence(records=(record,), marks=(DENIED,), asker=ASKER, uses_until=NOW)
    stored = replace(STORED, record=record)
    golden("explain-named.txt", explanation_text(explain_stored(stored, HERE, evidence), PLAIN))
    lost = explain_stored(STORED, HERE, replace(evidence, marks=(), records=(RECORD,)))
    golden("explain-lost.txt", explanation_text(lost, PLAIN))


def test_colour_stands_around_words_that_say_it_too() -> None:
    """Without it, nothing is missing."""
    painted = explanation_text(explained(), Style(color=True))
    assert "\x1b[32m\x1b" not in painted
    assert "not this" in painted
    assert explanation_text(explained(), PLAIN).count("\x1b") == 0
