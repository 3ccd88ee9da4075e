"""The list of rules: complete, documented, and the console page's eight best practices in it."""

from __future__ import annotations

import re

from reconciler.manifest.codes import Code
from reconciler.model.rule_ids import RULE_IDS
from reconciler.review.catalogue import RULES
from reconciler.review.rule import Subject
from tests.house.repository import ROOT
from tools.rules import FOLDER, pages

PRACTICES = {
    "Create one key per system and environment.",
    "Use clear names, such as billing-sync-prod.",
    "Apply the smallest possible scope.",
    "Configure expiration when practical.",
    "Use IP allowlist for critical integrations.",
    "Store it in a secure vault, never in source code.",
    "Rotate periodically.",
    "Deactivate unused keys.",
}


def test_manifests_know_every_rule_and_no_other() -> None:
    """A policy or a waiver that names a rule names one that is asked."""
    assert tuple(rule.id for rule in RULES) == RULE_IDS


def test_the_best_practices_of_the_console_page_are_among_the_rules() -> None:
    """All eight, in the page's words."""
    assert {rule.practice for rule in RULES if rule.practice} == PRACTICES


def test_every_rule_has_its_texts() -> None:
    """Title, why and mend, as sentences; the first digit says what it looks at."""
    for rule in RULES:
        assert re.fullmatch(r"AK[123]\d\d", rule.id)
        assert rule.title
        assert not rule.title.endswith(".")
        assert rule.why.endswith(".")
        assert rule.mend.endswith(".")
        assert rule.subject in Subject


def test_what_is_refused_before_a_review_is_refused_under_a_code_that_exists() -> None:
    """By a manifest's code, or by one that planning gives."""
    planning = "".join(p.read_text() for p in (ROOT / "reconciler/planning").glob("*.py"))
    known = {code.value for code in Code} | set(re.findall(r'code="([a-z-]+)"', planning))
    assert {code for rule in RULES for code in rule.refused_as} - known == set()


def test_the_pages_are_what_the_rules_say() -> None:
    """`python tools/rules.py` writes them anew."""
    assert {p.name: p.read_text(encoding="utf-8") for p in FOLDER.glob("*.md")} == pages()
