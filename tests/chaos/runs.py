"""Runs of keyrec as real processes: most forked from this warmed one, some started from nothing.

A forked run has everything imported already and nothing open: it opens its own connections, works
in its own folder with its own environment, and is killed as any other process. The driver has no
threads and holds no connection while it forks.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import reconciler
from reconciler.cli.main import run as run_command

POLL = 0.004
LONGEST_RUN = 120.0
KILLED = -signal.SIGKILL
WARMED = (
    "alembic.runtime.migration",
    "argon2",
    "hvac",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
)


def warm() -> None:
    """Import all that a run may need."""
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:
            importlib.import_module(module.name)
    for name in WARMED:
        importlib.import_module(name)


@dataclass(frozen=True)
class Ended:
    """How a run ended and what it said."""

    number: int
    arguments: tuple[str, ...]
    code: int
    said: str
    seconds: float

    @property
    def is_killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.code == KILLED


class Run:
    """A run under way."""

    def __init__(self, arguments: Sequence[str], pid: int, output: Path) -> None:
        """Watch a child of this process."""
        self.arguments = tuple(arguments)
        self.pid = pid
        self._output = output
        self._started = time.monotonic()
        self._ended: Ended | None = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended: then its number may be another's."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> Ended:
        """End it at once."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def poll(self) -> Ended | None:
        """Give how it ended, where it has."""
        if self._ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._ended = self._end(os.waitstatus_to_exitcode(status))
        return self._ended

    def wait(self, seconds: float = LONGEST_RUN) -> Ended:
        """Wait for its end; one that does not end in time is killed."""
        until = time.monotonic() + seconds
        while (ended := self.poll()) is None:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(POLL)
        return ended

    def _end(self, code: int) -> Ended:
        said = self._output.read_text(errors="replace")
        self._output.unlink()
        seconds = time.monotonic() - self._started
        return Ended(
            number=int(self._output.stem),
            arguments=self.arguments,
            code=code,
            said=said,
            seconds=seconds,
        )


@dataclass
class Starter:
    """Starts runs in one folder with one environment."""

    folder: Path
    output: Path
    environment: Mapping[str, str]
    count: int = 0

    def fork(self, *arguments: str) -> Run:
        """Run the command in a fork of this process."""
        output = self._next_output()
        pid = os.fork()
        if pid == 0:
            self._be_a_run(arguments, output)
        return Run(arguments, pid, output)

    def start(self, *arguments: str) -> Run:
        """Run the command in a process of its own, from nothing."""
        output = self._next_output()
        with output.open("wb") as channel:
            process = subprocess.Popen(
                [sys.executable, "-m", "reconciler", *arguments],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=channel,
                stderr=channel,
            )
        # It is waited for by its number, as the forked ones are.
        process.returncode = 0
        return Run(arguments, process.pid, output)

    def _next_output(self) -> Path:
        self.count += 1
        output = self.output / f"{self.count:06d}.txt"
        output.touch()
        return output

    def _be_a_run(self, arguments: Sequence[str], output: Path) -> None:
        code = 99
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            channel = os.open(output, os.O_WRONLY | os.O_APPEND)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(channel, 1)
            os.dup2(channel, 2)
            os.closerange(3, 256)
            os.chdir(self.folder)
            os.environ.clear()
            os.environ.update(self.environment)
            code = run_command(arguments)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
