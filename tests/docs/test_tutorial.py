"""The tutorial, word for word: every command is run, every line that it shows is compared."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.typed_page import ROOT, opened_shell, steps_of

TUTORIAL = ROOT / "docs" / "tutorial" / "first-key.md"


def test_the_tutorial_works_word_for_word(tmp_path: Path) -> None:
    """A newcomer who types what stands there sees what stands there."""
    ran = 0
    with opened_shell(tmp_path, tmp_path / "home", {}) as shell:
        for step in steps_of(TUTORIAL):
            printed, code = shell.say(step.command)
            assert code == 0, f"$ {step.command}\n{printed}"
            assert step.fits(printed), f"$ {step.command}\n{printed}"
            ran += 1
    assert ran > 20
