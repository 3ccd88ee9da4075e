"""The reference says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.cli.catalogue import SECTIONS
from reconciler.errors import ExitCode

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


def test_every_exit_code_is_explained_once() -> None:
    """The table of exit codes has exactly the codes that the program has, under their names."""
    text = (REFERENCE / "exit-codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\w+) \| \S", text, re.MULTILINE)
    assert rows == [(str(code.value), code.name.lower()) for code in ExitCode]


def test_every_command_stands_in_the_reference_with_its_line_of_help() -> None:
    """The page of commands repeats the program's own list, in its order."""
    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [title for title, _ in SECTIONS]
    assert re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE) == [
        (entry.name, entry.line) for _, entries in SECTIONS for entry in entries
    ]
