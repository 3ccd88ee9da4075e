"""The tutorial, word for word: every command is run, every line that it shows is compared."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "first-key.md"
BLOCK = re.compile(r"^```(console|yaml file=(\S+))\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command and what it says, or a file to write."""

    command: str
    shown: tuple[str, ...] = ()


def steps() -> Iterator[Step]:
    """Give the steps of the tutorial in order."""
    for kind, file, body in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")):
        if kind != "console":
            yield Step(command=f"cat > {file} <<'END'\n{body}END")
            continue
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            yield Step(command=command, shown=tuple(shown))


def pattern(shown: tuple[str, ...]) -> str:
    """Give a pattern for the lines: `…` stands for anything, alone on a line for any lines."""
    return "".join(
        r"(?:.*\n)*" if line == ANYTHING else re.escape(line).replace(ANYTHING, ".*") + r"\s*\n"
        for line in shown
    )


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Give one shell with a home of its own, as a person has it open the whole time."""
    home, tools = tmp_path / "home", tmp_path / "tools"
    home.mkdir()
    tools.mkdir()
    age = tools / "age"
    age.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tools/age_decrypt.py" "$@"\n')
    age.chmod(0o755)
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:{tools}"
    environment = {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "USER": "reader"}
    with subprocess.Popen(
        ["bash"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
        process.kill()


def say(shell: subprocess.Popen[str], command: str) -> tuple[str, int]:
    """Run one command in the shell; what it printed, and its exit code."""
    assert shell.stdin is not None
    assert shell.stdout is not None
    shell.stdin.write(f"{{ {command}\n}} < /dev/null\nprintf '\\n<<end %d>>\\n' $?\n")
    shell.stdin.flush()
    printed = ""
    for line in shell.stdout:
        if end := re.fullmatch(r"<<end (\d+)>>\n", line):
            return printed.removesuffix("\n"), int(end[1])
        printed += line
    pytest.fail(f"the shell ended:\n{printed}")


def test_the_tutorial_works_word_for_word(shell: subprocess.Popen[str]) -> None:
    """A newcomer who types what stands there sees what stands there."""
    ran = 0
    for step in steps():
        printed, code = say(shell, step.command)
        assert code == 0, f"$ {step.command}\n{printed}"
        assert re.fullmatch(pattern(step.shown), printed), f"$ {step.command}\n{printed}"
        ran += 1
    assert ran > 20
