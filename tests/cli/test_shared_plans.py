"""A plan whose manifests two processes read says what it says where one reads them all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.cli.test_costs import MANY
from tests.fakes.command_line import KEPT_VARIABLES, ROOT, CommandLine

PROCESSORS = sorted(os.sched_getaffinity(0))
PROGRAM = """\
import os, sys
from reconciler.adapters import second_process
from reconciler.cli.main import run
os.sched_setaffinity(0, {processors})
fork, forked = os.fork, []
os.fork = lambda: forked.append(1) or fork()
code = run(sys.argv[1:])
print(len(forked), code, file=sys.stderr)
"""


def told(line: CommandLine, processors: list[int], *argv: str) -> tuple[str, list[str]]:
    """Run a command on these processors; what it said, and at the end how often it forked."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(processors=set(processors)), *argv],
        capture_output=True,
        text=True,
        check=True,
        cwd=line.folder,
        env={**kept, "PYTHONPATH": str(ROOT), **line.environment},
    )
    return ended.stdout, ended.stderr.splitlines()


@pytest.mark.skipif(len(PROCESSORS) < 2, reason="there is one processor only")
@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize(
    "argv", [("plan", "--no-cache", "-json"), ("plan", "--no-cache"), ("plan",), ("validate",)]
)
def test_two_processes_say_what_one_says(
    keyrec: CommandLine, argv: tuple[str, ...], wrong: bool
) -> None:
    """To the byte, also of manifests in which something is wrong."""
    assert keyrec("init").code == 0
    for number in range(1_000):
        keyrec.write(f"keys/demo/many-{number:04}.yaml", MANY.format(number=number))
    if wrong:
        keyrec.write("keys/demo/many-0010.yaml", MANY.format(number=10).replace("30d", "31 d"))
        keyrec.write("keys/demo/many-0990.yaml", MANY.format(number=991))
    alone, (*said_alone, ended_alone) = told(keyrec, PROCESSORS[:1], *argv)
    shutil.rmtree(keyrec.home / ".cache", ignore_errors=True)
    shared, (*said_shared, ended_shared) = told(keyrec, PROCESSORS[:2], *argv)
    code = 3 if wrong else 0
    assert (ended_alone, ended_shared) == (f"0 {code}", f"1 {code}")
    assert said_shared == said_alone
    assert _timeless(shared) == _timeless(alone)
    assert alone or wrong


def _timeless(text: str) -> list[str]:
    """Leave out when it was said."""
    return [line for line in text.splitlines() if "created_at" not in line]
