"""The `git` program, run so that nothing in a name or a revision is taken for an option.

Its errors become `SourceUnavailable`; what is asked of it stands in the adapters that use it.
"""

from __future__ import annotations

import shutil
import subprocess  # the one way to read git's objects as git reads them
from collections.abc import Sequence
from pathlib import Path

from reconciler.errors import SourceUnavailable

_HARDENED = (
    "--no-optional-locks",
    "--literal-pathspecs",
    "--no-replace-objects",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.quotePath=false",
)


def has_git() -> bool:
    """Whether the program is there."""
    return shutil.which("git") is not None


def run_git(
    root: Path, arguments: Sequence[str], *, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder and give what it answered, whatever its exit code.

    Raises:
        SourceUnavailable: there is no git, or it refuses to work in this folder.
    """
    program = shutil.which("git")
    if program is None:
        raise SourceUnavailable(
            "git is not installed",
            advice="install git, or apply from the working tree without --revision",
        )
    answer = subprocess.run(  # noqa: S603 - a fixed program; arguments are checked or after --
        [program, "-C", str(root), *_HARDENED, *arguments],
        input=stdin,
        capture_output=True,
        check=False,
    )
    if answer.returncode != 0 and b"dubious ownership" in answer.stderr:
        raise SourceUnavailable(
            f"git does not trust {root}: it belongs to another user",
            advice=f"run git config --global --add safe.directory {root}",
        )
    return answer
