"""Changes and objects of a git repository, as git tells them while it works.

The rule that lives here: the form of git's answers (`--raw -z`, `cat-file --batch`). An object is
read a piece at a time, as it is stored: no filter and no textconv has a part in it.
"""

from __future__ import annotations

import os
import subprocess  # its type alone: git is started by git_command
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TypeAlias

from reconciler.errors import SourceUnavailable

PIECE = 2**20
"""Bytes that are read at once."""
RAW_FORM = ("--raw", "-z", "-r", "--no-renames", "--no-abbrev", "--no-relative")
INCOMPLETE = "fetch it in full, without --filter, or run git fsck"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The beginning of a commit's changes."""

    object_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file as a commit left it, and as its parents had it."""

    path: bytes
    mode: str
    object_id: str
    before: tuple[str, ...]
    """Of those parents that had it."""


Told: TypeAlias = Commit | Change


class ObjectMissing(SourceUnavailable):
    """The repository does not hold an object."""


@dataclass(frozen=True, slots=True)
class Objects:
    """A running `git cat-file --batch`."""

    process: subprocess.Popen[bytes]

    def pieces(self, object_id: str) -> Iterator[bytes]:
        """Give one object's content; it is to be read to its end.

        Raises:
            ObjectMissing: it is not here.
            SourceUnavailable: git cannot read it.
        """
        answered = output_of(self.process)
        self._ask(object_id)
        head = answered.readline().split()
        if head[1:] == [b"missing"]:
            raise ObjectMissing(f"git does not hold {object_id} here", advice=INCOMPLETE)
        left = int(head[2]) if len(head) == 3 else -1
        while left > 0 and (piece := answered.read(min(left, PIECE))):
            left -= len(piece)
            yield piece
        if left != 0 or answered.read(1) != b"\n":
            raise broken()

    def _ask(self, object_id: str) -> None:
        """Write past the buffer, which would be written once more when git is gone."""
        if self.process.stdin is None:
            raise AssertionError
        try:
            os.write(self.process.stdin.fileno(), f"{object_id}\n".encode("ascii"))
        except BrokenPipeError:
            raise broken() from None


def changes(output: IO[bytes]) -> Iterator[Told]:
    """Read `--raw -z`: a commit's id, then for each file what it was and is, and its path."""
    fields = _fields(output)
    for one in fields:
        if not one.startswith(b":"):
            yield Commit(object_id=one.decode("ascii"))
            continue
        head = one.decode("ascii")
        words, parents = head.lstrip(":").split(" "), len(head) - len(head.lstrip(":"))
        ids = words[parents + 1 : 2 * parents + 2]
        yield Change(
            path=next(fields),
            mode=words[parents],
            object_id=ids[-1],
            before=tuple(i for i in ids[:-1] if i.strip("0")),
        )


def _fields(output: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while piece := output.read(2**16):
        *whole, rest = (rest + piece).split(b"\0")
        yield from whole


def output_of(process: subprocess.Popen[bytes]) -> IO[bytes]:
    """Give the stream on which git answers."""
    if process.stdout is None:
        raise AssertionError
    return process.stdout


def require_end(*processes: subprocess.Popen[bytes]) -> None:
    """Refuse to call searched what git could not list to its end."""
    if any(process.wait() != 0 for process in processes):
        raise broken()


def broken() -> SourceUnavailable:
    """Give the error of a repository that git cannot read."""
    return SourceUnavailable("git cannot read all of this repository", advice=INCOMPLETE)
