"""Opening folders below the sink's directory, never through a symbolic link, and locking them.

A folder is opened segment by segment with `O_NOFOLLOW`, so a link that somebody put into the tree
leads nowhere. The lock is `flock` on the folder itself: it excludes threads and processes alike,
leaves no file behind and ends with its holder. A holder that is stopped keeps it, so nobody waits
for it without end.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.adapters.age_disk import Disk

LOCK_WAITS = (*(0.001,) * 500, *(0.05,) * 300)
"""Seconds between tries to lock a folder: often while other threads write, then for a quarter of a
minute more.
"""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextlib.contextmanager
def existing_folder(root: Path, segments: Sequence[str]) -> Iterator[int | None]:
    """Give an opened folder below `root`; None where there is none.

    Raises:
        OSError: `root` cannot be opened, or a segment is no folder (a link, a file).
    """
    with contextlib.ExitStack() as opened:
        descriptor: int | None = _entered(opened, root)
        for segment in segments:
            try:
                descriptor = _entered(opened, segment, descriptor)
            except FileNotFoundError:
                descriptor = None
                break
        yield descriptor


@contextlib.contextmanager
def locked_folder(root: Path, segments: Sequence[str], disk: Disk) -> Iterator[int]:
    """Give an opened folder below `root`, made where it is missing, with its lock held.

    Raises:
        OSError: as above, or a folder cannot be made; ETIMEDOUT where its lock is not to be had.
    """
    with contextlib.ExitStack() as opened:
        descriptor = _entered(opened, root)
        for segment in segments:
            disk.make_folder(descriptor, segment)
            descriptor = _entered(opened, segment, descriptor)
        lock_folder(descriptor, fcntl.LOCK_EX)
        yield descriptor


def lock_folder(folder: int, kind: int) -> None:
    """Lock an opened folder, shared or exclusively, until it is closed.

    Raises:
        OSError: ETIMEDOUT where somebody else held it for too long.
    """
    for pause in LOCK_WAITS:
        try:
            fcntl.flock(folder, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return
    raise TimeoutError(errno.ETIMEDOUT, "another process holds its lock")


def _entered(opened: contextlib.ExitStack, name: Path | str, parent: int | None = None) -> int:
    """Open the sink's directory, which its owner may have linked, or a segment, never a link."""
    flags = _FOLDER if parent is None else _FOLDER | os.O_NOFOLLOW
    descriptor = os.open(name, flags, dir_fd=parent)
    opened.callback(os.close, descriptor)
    return descriptor
