"""The page on warnings is a drill: typed into a shell word for word, in an empty folder."""

from __future__ import annotations

from pathlib import Path

from tests.docs.test_how_to import typed


def test_the_page_on_warnings_works_word_for_word(tmp_path: Path) -> None:
    """A key that ends soon is found, reissued, and found no more."""
    typed("be-warned-in-time", tmp_path, {})
