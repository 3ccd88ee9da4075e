"""A command line in an empty folder, and one with a first key applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.command_line import CommandLine


@pytest.fixture
def keyrec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """Give `keyrec` in an empty folder."""
    folder, home = tmp_path / "platform-keys", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    line = CommandLine(folder=folder, home=home, monkeypatch=monkeypatch, capsys=capsys)
    line.prepare()
    return line


@pytest.fixture
def started(keyrec: CommandLine) -> CommandLine:
    """Give `keyrec` after init."""
    assert keyrec("init").code == 0
    return keyrec


@pytest.fixture
def applied(started: CommandLine) -> CommandLine:
    """Give `keyrec` with the first key applied."""
    answer = started("apply", "--auto-approve")
    assert answer.code == 0, answer.both
    return started
