"""The command `keyrec` in a folder of its own: in this process for speed, in another for truth."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.bootstrap import doors
from reconciler.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


class Terminal(io.StringIO):
    """A stdin at which a person sits."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Give stdout, decoded."""
        return json.loads(self.out)

    @property
    def both(self) -> str:
        """Give all that was written."""
        return self.out + self.err


@dataclass(slots=True, kw_only=True)
class CommandLine:
    """Calls `keyrec` with a HOME of its own and no variable of the caller."""

    folder: Path
    home: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    variables: dict[str, str] = field(default_factory=dict)
    hardened: int = 0
    """How often a command protected its memory."""

    def prepare(self) -> None:
        """Enter the folder, with a clean environment."""
        self.monkeypatch.chdir(self.folder)
        for name in list(os.environ):
            if name not in KEPT_VARIABLES:
                self.monkeypatch.delenv(name)
        for name, value in self.environment.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.setattr(doors, "harden", self._count)

    def _count(self) -> None:
        """Stand in for the protection: a test's process stays as it is."""
        self.hardened += 1

    @property
    def environment(self) -> dict[str, str]:
        """Give the variables that a command sees beside those that any program needs."""
        return {"HOME": str(self.home), **self.variables}

    def set(self, **variables: str) -> None:
        """Add variables."""
        self.variables.update(variables)
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    def __call__(self, *argv: str, stdin: str = "", typed: str | None = None) -> Answer:
        """Run it in this process; `typed` is what a person at a terminal answers."""
        stream = io.StringIO(stdin) if typed is None else Terminal(typed)
        self.monkeypatch.setattr(sys, "stdin", stream)
        self.capsys.readouterr()
        code = run(argv)
        captured = self.capsys.readouterr()
        return Answer(code=int(code), out=captured.out, err=captured.err)

    def start(self, *argv: str, **settings: Any) -> subprocess.Popen[str]:
        """Start it as a process of its own."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        return subprocess.Popen(
            [sys.executable, "-m", "reconciler", *argv],
            cwd=self.folder,
            env={**kept, "PYTHONPATH": str(ROOT), **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **settings,
        )

    def write(self, path: str, text: str) -> Path:
        """Write a file below the folder."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def change(self, path: str, old: str, new: str) -> None:
        """Replace text in a file; it has to be there."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{path} does not hold {old!r}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def identity(self) -> Path:
        """Give the place of the age identity that `init` makes."""
        return self.home / ".config" / "keyrec" / "age" / "identity.txt"

    def secret_at(self, path: str) -> str:
        """Decrypt what a consumer would find at a sink path."""
        from pyrage import decrypt, x25519

        text = self.identity.read_text(encoding="utf-8")
        line = next(line for line in text.splitlines() if line.startswith("AGE-SECRET"))
        content = (self.folder / ".keyrec" / "secrets" / f"{path}.age").read_bytes()
        plain: bytes = decrypt(content, [x25519.Identity.from_str(line)])
        return plain.decode().strip()
