"""Running keyrec in a job: what it said, and nothing of ours handed down to it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

OURS = ("PYTHONPATH", "GITHUB_TOKEN", "KEYREC_GITLAB_TOKEN")
"""What keyrec has no use for."""


class Ended(IntEnum):
    """The exit codes of keyrec that mean something here; docs/reference/exit-codes.md has all."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    INVALID = 3
    REFUSED = 5
    DIFFERS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one call of keyrec said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyrec:
    """keyrec in the folder of a repository, with the job's rights."""

    environ: Mapping[str, str]
    folder: Path
    config: str

    def __call__(self, *arguments: str, **more: str) -> Said:
        """Run it to its end; `more` are further variables.

        Raises:
            OSError: there is no such program, or no such folder.
        """
        kept = {name: text for name, text in self.environ.items() if name not in OURS}
        done = subprocess.run(  # noqa: S603 - a list, no shell; the program is the job's own
            ["keyrec", "--color", "never", "--config", self.config, *arguments],  # noqa: S607
            cwd=self.folder,
            env={**kept, "CI": "true", **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)
