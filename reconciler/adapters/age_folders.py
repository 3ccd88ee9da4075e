"""Opening folders below the sink's directory, never through a symbolic link, and locking them.

A folder is opened segment by segment with `O_NOFOLLOW`, so a link that somebody put into the tree
leads nowhere. The lock is `flock` on the folder itself: it excludes threads and processes alike,
leaves no file behind and ends with its holder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.adapters.age_disk import Disk

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
        OSError: as above, or a folder cannot be made.
    """
    with contextlib.ExitStack() as opened:
        descriptor = _entered(opened, root)
        for segment in segments:
            disk.make_folder(descriptor, segment)
            descriptor = _entered(opened, segment, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor


def _entered(opened: contextlib.ExitStack, name: Path | str, parent: int | None = None) -> int:
    """Open the sink's directory, which its owner may have linked, or a segment, never a link."""
    flags = _FOLDER if parent is None else _FOLDER | os.O_NOFOLLOW
    descriptor = os.open(name, flags, dir_fd=parent)
    opened.callback(os.close, descriptor)
    return descriptor
