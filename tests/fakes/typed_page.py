"""A page of documentation, typed word for word into one shell and compared line by line.

`console` blocks hold commands (`$ …`) and what they print; `…` stands for anything, alone on a line
for any lines. A `yaml file=PATH` block is a file to write. Other blocks are only read by people.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.leaks.witness import CHILD, VARIABLE

ROOT = Path(__file__).resolve().parents[2]
ANYTHING = "…"
_BLOCK = re.compile(r"^ *```(console|yaml file=(\S+))\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_END = re.compile(r"<<end (\d+)>>\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command and what it says, or a file to write."""

    command: str
    shown: tuple[str, ...] = ()

    def fits(self, printed: str) -> bool:
        """Whether the output is what the page shows."""
        lines = (
            r"(?:.*\n)*" if s == ANYTHING else re.escape(s).replace(ANYTHING, ".*") + r"[ ]*\n"
            for s in self.shown
        )
        return re.fullmatch("".join(lines), printed) is not None


def steps_of(page: Path) -> Iterator[Step]:
    """Give the steps of a page in order."""
    for kind, file, block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        body = textwrap.dedent(block)
        if kind != "console":
            yield Step(command=f"cat > {file} <<'END'\n{body}END")
            continue
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            yield Step(command=command, shown=tuple(shown))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """One shell that stays open from the first step to the last."""

    process: subprocess.Popen[str]

    def say(self, command: str) -> tuple[str, int]:
        """Run one command; what it printed, and its exit code."""
        given, printing = self.process.stdin, self.process.stdout
        assert given is not None
        assert printing is not None
        given.write(f"{{ {command}\n}} < /dev/null\nprintf '\\n<<end %d>>\\n' $?\n")
        given.flush()
        printed = ""
        for line in printing:
            if end := _END.fullmatch(line):
                return printed.removesuffix("\n"), int(end[1])
            printed += line
        raise AssertionError(f"the shell ended:\n{printed}")


@contextmanager
def opened_shell(
    folder: Path, home: Path, variables: Mapping[str, str], *programs: Path
) -> Iterator[Shell]:
    """Open a shell in a folder, with a home of its own and no other variable of the caller.

    `programs` are folders of further programs. `age` is the machine's, or a stand-in.
    """
    tools = home / "tools"
    tools.mkdir(parents=True)
    age = tools / "age"
    age.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tools/age_decrypt.py" "$@"\n')
    age.chmod(0o755)
    places = [Path(sys.executable).parent, *programs, "/usr/local/bin", "/usr/bin", "/bin", tools]
    path = ":".join(str(place) for place in places)
    environment = {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "USER": "reader"}
    # Test code alone: what the page's commands mint is known to the sweep for leaks.
    environment |= {"PYTHONPATH": str(CHILD), VARIABLE: os.environ[VARIABLE]}
    with subprocess.Popen(
        ["bash"],
        cwd=folder,
        env={**environment, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Shell(process=process)
        finally:
            process.kill()
