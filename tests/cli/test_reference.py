"""The reference of the commands is what the program says."""

from __future__ import annotations

from tools.commands import PAGE, page


def test_the_reference_is_what_the_help_says() -> None:
    """`python tools/commands.py` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()
