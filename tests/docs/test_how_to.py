"""How-to pages that are drills: each is typed into a shell word for word, in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.typed_page import ROOT, opened_shell, steps_of
from tests.services.programs import needs

PAGES = ROOT / "docs" / "how-to"
DRILLS = ("break-glass", "take-over-existing-keys", "upgrade-and-roll-back")


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_works_word_for_word(name: str, tmp_path: Path) -> None:
    """Whoever types what stands there sees what stands there."""
    needs("sqlite3")
    work = tmp_path / "work"
    work.mkdir()
    steps = list(steps_of(PAGES / f"{name}.md"))
    assert len(steps) > 5
    with opened_shell(work, tmp_path / "home", {}) as shell:
        for step in steps:
            printed, code = shell.say(step.command)
            assert code == 0, f"$ {step.command}\n{printed}"
            assert step.fits(printed), f"$ {step.command}\n{printed}"
