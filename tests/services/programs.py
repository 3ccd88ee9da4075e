"""Programs of the machine that some tests read with, as consumers do."""

from __future__ import annotations

import shutil

import pytest


def needs(program: str) -> str:
    """Give the program's path; the test is skipped, saying so, where there is none."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"the program {program} is not on PATH")
    return found
