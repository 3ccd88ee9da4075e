"""Golden files: what renderers gave when somebody looked at it and found it right."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler import __version__

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "render"

Golden = Callable[[str, str], None]


@pytest.fixture
def golden() -> Golden:
    """Compare a text with its golden file; `KEYREC_GOLDEN=write` renews the file instead."""

    def compare(name: str, text: str) -> None:
        path = FOLDER / name
        shown = text.replace(f'"version": "{__version__}"', '"version": "(this)"')
        if os.environ.get("KEYREC_GOLDEN") == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(shown, encoding="utf-8", newline="\n")
        assert path.is_file(), f"{path.name} is missing: KEYREC_GOLDEN=write pytest tests/render"
        assert shown == path.read_text(encoding="utf-8")

    return compare
