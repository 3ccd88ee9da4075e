"""Files that may be lost at any time, in a folder that nobody but the user can read or write.

A cache that cannot be used is no trouble: the work is done again. What is found in a folder or file
that belongs to somebody else, or that others may read, is not taken. It never holds a secret.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheFolder:
    """Small files by name."""

    folder: Path
    largest: int
    """Bytes of a file; of a larger one nothing is taken."""
    most: int | None = None
    """How many files are kept; None: all."""

    def load(self, name: str) -> bytes | None:
        """Give what is kept under a name; None where there is nothing to be taken."""
        if not self._is_ours():
            return None
        with contextlib.suppress(OSError):
            content = _content(self.folder / name, self.largest)
            return content if 0 < len(content) <= self.largest else None
        return None

    def save(self, name: str, content: bytes) -> None:
        """Keep something; nothing happens where that cannot be done."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._is_ours():
                _replace(self.folder / name, content)
                self._forget_oldest()

    def _forget_oldest(self) -> None:
        if self.most is None:
            return
        with os.scandir(self.folder) as found:
            files = sorted((e.stat().st_mtime_ns, e.path) for e in found if e.is_file())
        for _, path in files[: -self.most]:
            Path(path).unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        return is_ours(self.folder, is_folder=True)


def is_ours(path: Path, *, is_folder: bool) -> bool:
    """Whether a folder or file is one, is the user's, and is closed to everybody else."""
    try:
        found = path.lstat()
    except OSError:
        return False
    is_it = stat.S_ISDIR(found.st_mode) if is_folder else stat.S_ISREG(found.st_mode)
    return is_it and _is_closed(found)


def _is_closed(found: os.stat_result) -> bool:
    """Whether it is the user's, and nobody else may so much as read it."""
    return found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077


def _content(path: Path, largest: int) -> bytes:
    """Read a file that is one, not a link to one, and the user's alone; empty where it is not."""
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(number, "rb") as opened:
        found = os.fstat(number)
        is_ours = stat.S_ISREG(found.st_mode) and _is_closed(found)
        return opened.read(largest + 1) if is_ours else b""


def _replace(path: Path, content: bytes) -> None:
    """Write a file at once: a reader sees the old one or the new one."""
    number, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(number, "wb") as opened:
            opened.write(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
