"""The witness at its work: a whole test run of its own with a leak in each channel fails, and names
each place without repeating a secret.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DRAWN = "Ab3" * 20
PREAMBLE = f"""
import logging, sqlite3, subprocess, sys
from reconciler.apply import steps

class Drawn:
    def base62(self, length):
        return "{DRAWN}"[:length]

def minted():
    return steps.mint(Drawn(), prefix="krk", environment="prod").api_key.reveal()
"""
LEAKS = """
def test_printed(tmp_path):
    print(minted())

def test_printed_as_an_error(tmp_path):
    print(minted(), file=sys.stderr)

def test_logged(tmp_path):
    logging.getLogger("x").warning("%s", minted())

def test_hex(tmp_path):
    print(minted().encode().hex())

def test_printed_by_a_child(tmp_path):
    told = subprocess.run([sys.executable, "-c", "import sys; print(sys.stdin.read())"],
                          input=minted(), text=True, check=True, capture_output=True)
    print(told.stdout)

def test_file(tmp_path):
    (tmp_path / "note.txt").write_text(minted())

def test_name(tmp_path):
    (tmp_path / minted()).write_text("harmless")

def test_store(tmp_path):
    database = sqlite3.connect(tmp_path / "keys.db")
    with database:
        database.execute("create table leaky (secret text)")
        database.execute("insert into leaky values (?)", [minted()])
    database.close()
"""
PLACES = (
    "Captured stdout call: test_planted.py::test_printed (plain)",
    "Captured stderr call: test_planted.py::test_printed_as_an_error (plain)",
    "Captured log call: test_planted.py::test_logged (plain)",
    "Captured stdout call: test_planted.py::test_hex (hex)",
    "Captured stdout call: test_planted.py::test_printed_by_a_child (plain)",
    "files: test_file0/note.txt (plain)",
    "files: test_name0/<a name with a secret> (plain)",
    "files: test_store0/keys.db (plain)",
)
HARMLESS = """
def test_harmless(tmp_path):
    version = minted().rsplit("_", 1)[0]
    print(version)
    (tmp_path / version).write_text(version)
"""


def said_of(tests: str) -> tuple[int, str]:
    """Run these tests under the witness, in a process of its own; its code and output."""
    # Outside of this run's own files, in which its own witness looks for what was planted.
    with tempfile.TemporaryDirectory() as folder:
        planted = Path(folder) / "test_planted.py"
        planted.write_text(PREAMBLE + tests)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.leaks.witness"]
        done = subprocess.run(
            [*command, "--rootdir", folder, "--basetemp", f"{folder}/left", planted],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    return done.returncode, done.stdout + done.stderr


def test_a_leak_in_any_channel_fails_the_run_and_is_not_repeated() -> None:
    """The code, the channel and the place are told; of the secret not even its random part."""
    code, said = said_of(LEAKS)
    is_repeated = DRAWN[:43] in said
    assert not is_repeated, "the witness itself repeats what it found"
    assert code == pytest.ExitCode.TESTS_FAILED, said
    told = [line.removeprefix("A SECRET WAS LEFT IN ") for line in said.splitlines()]
    assert [place for place in PLACES if place not in told] == []
    assert f": {len(PLACES)} found" in said


def test_a_run_that_shows_no_secret_passes() -> None:
    """A version id alone may be shown."""
    code, said = said_of(HARMLESS)
    assert code == pytest.ExitCode.OK, said
    assert "for 1 secrets: 0 found" in said
