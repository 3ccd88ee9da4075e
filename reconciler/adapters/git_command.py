"""The `git` program, run so that nothing in a name or a revision is taken for an option.

Git runs programs that a repository's configuration names. A real one is the owner's, but manifests
may bring folders that look like a bare repository, with a configuration of their author's: such a
one is never used. Nor does git, or what it runs, see the credentials of keyrec's environment.

Its errors become `SourceUnavailable`; what is asked of it stands in the adapters that use it.
"""

from __future__ import annotations

import os
import shutil
import subprocess  # the one way to read git's objects as git reads them
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from reconciler.config import environment
from reconciler.errors import SourceUnavailable

_HARDENED = (
    "--no-optional-locks",
    "--literal-pathspecs",
    "--no-replace-objects",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.quotePath=false",
    "-c",
    "safe.bareRepository=explicit",  # git before 2.38 does not know it: see has_repository
)
_OFFLINE = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
"""What a partial clone lacks is not fetched by the way."""
_WITH_CREDENTIALS = ("KEYREC_", "VAULT_", "BAO_", "PG", "ACTIONS_")
"""How the variables begin that git has no business with."""


def has_git() -> bool:
    """Whether the program is there."""
    return shutil.which("git") is not None


def has_repository(root: Path) -> bool:
    """Whether the folder is in a repository; to be asked before anything else is.

    Raises:
        SourceUnavailable: the repository is a folder that came with the manifests.
    """
    answer = run_git(root, ["rev-parse", "--absolute-git-dir"])
    if answer.returncode != 0:
        return False
    place = os.path.realpath(os.fsdecode(answer.stdout.removesuffix(b"\n")))
    if Path(os.path.realpath(root)).is_relative_to(place):
        raise _planted(root)
    return True


def run_git(
    root: Path, arguments: Sequence[str], *, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder and give what it answered, whatever its exit code.

    Raises:
        SourceUnavailable: there is no git, or it refuses to work in this folder.
    """
    answer = subprocess.run(  # noqa: S603 - a fixed program; arguments are checked or after --
        _command(root, arguments),
        input=stdin,
        capture_output=True,
        check=False,
        env=_environment(),
    )
    if answer.returncode != 0 and b"dubious ownership" in answer.stderr:
        raise SourceUnavailable(
            f"git does not trust {root}: it belongs to another user",
            advice=f"run git config --global --add safe.directory {root}",
        )
    if answer.returncode != 0 and b"safe.bareRepository" in answer.stderr:
        raise _planted(root)
    return answer


@contextmanager
def started_git(
    root: Path, arguments: Sequence[str], *, stdin: int | IO[bytes] = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """Start git in a folder where `has_repository` was asked, to be read while it works.

    It reaches no network. It is ended with the block, read to its end or not.

    Raises:
        SourceUnavailable: there is no git.
    """
    with subprocess.Popen(  # noqa: S603 - a fixed program; arguments are checked or after --
        _command(root, arguments),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**_environment(), **_OFFLINE},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _command(root: Path, arguments: Sequence[str]) -> list[str]:
    program = shutil.which("git")
    if program is None:
        raise SourceUnavailable(
            "git is not installed",
            advice="install git, or apply from the working tree without --revision",
        )
    return [program, "-C", str(root), *_HARDENED, *arguments]


def _environment() -> dict[str, str]:
    """Give what git may see; its messages are read, so they are asked for untranslated."""
    seen = {k: v for k, v in environment().items() if not k.startswith(_WITH_CREDENTIALS)}
    return {**seen, "LC_ALL": "C"}


def _planted(root: Path) -> SourceUnavailable:
    return SourceUnavailable(
        f"{root} stands in a folder that looks like a bare git repository",
        advice="look at who put HEAD, objects and refs there: git would run what the file config "
        "beside them names",
    )
