"""One version: the package, its change log and its built name agree."""

from __future__ import annotations

import re

import reconciler
from tests.house.repository import ROOT


def test_the_change_log_starts_with_this_version() -> None:
    """The newest section below `Unreleased` is the version of the package."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[?([^\]\s]+)", text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1] == reconciler.__version__


def test_the_change_log_uses_the_headings_of_keep_a_changelog() -> None:
    """Readers find every kind of change under its usual word."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
