"""Any change of the program's files is another program."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.bootstrap.program_stamp import program_stamp


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a small program."""
    (tmp_path / "room").mkdir()
    for name in ("a.py", "room/b.py"):
        (tmp_path / name).write_text("x = 1\n")
        os.utime(tmp_path / name, (1, 1))
    return tmp_path


def stamp(root: Path) -> str | None:
    """Take it anew."""
    return program_stamp.__wrapped__(root)


def _edit(root: Path) -> None:
    (root / "room/b.py").write_text("x = 2\n")


def _grow(root: Path) -> None:
    (root / "a.py").write_text("x = 10\n")
    os.utime(root / "a.py", (1, 1))


def _add(root: Path) -> None:
    (root / "room/c.py").touch()


def _remove(root: Path) -> None:
    (root / "a.py").unlink()


@pytest.mark.parametrize("change", [_edit, _grow, _add, _remove])
def test_a_changed_program_has_another_stamp(root: Path, change: object) -> None:
    """Also one of the same length, or of the same time."""
    before = stamp(root)
    change(root)  # type: ignore[operator]
    assert stamp(root) != before


def test_compiled_files_change_nothing(root: Path) -> None:
    """They are made when a program first runs."""
    before = stamp(root)
    (root / "room/__pycache__").mkdir()
    (root / "room/__pycache__/b.pyc").write_bytes(b"x")
    assert stamp(root) == before


def test_the_running_program_has_one() -> None:
    """The same for as long as it runs."""
    assert program_stamp() == program_stamp()
    assert len(program_stamp() or "") == 64


def test_a_program_that_cannot_be_looked_at_has_none(tmp_path: Path) -> None:
    """Then nothing is remembered."""
    assert stamp(tmp_path / "zipped") is None
