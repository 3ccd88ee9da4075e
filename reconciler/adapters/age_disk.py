"""The system calls that change a folder of age files, each one step that can fail or be the last.

Names are always relative to an opened folder, so nothing outside of it can be meant. Which steps
are taken in which order is the matter of `age_files`.
"""

from __future__ import annotations

import contextlib
import os

FILE_MODE = 0o600
FOLDER_MODE = 0o700


class Disk:
    """Steps on a real file system; tests put one in its place that stops at any of them."""

    def fill(self, folder: int, name: str, content: bytes) -> None:
        """Make a new file, readable by its owner alone, and wait until its bytes are on disk."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(name, flags, FILE_MODE, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)

    def point(self, folder: int, name: str, target: str) -> None:
        """Make a new relative symbolic link."""
        os.symlink(target, name, dir_fd=folder)

    def rename(self, folder: int, old: str, new: str) -> None:
        """Give a file another name, replacing what had it; all or nothing."""
        os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)

    def remove(self, folder: int, name: str) -> None:
        """Remove a file or link; nothing happens where there is none."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)

    def settle(self, folder: int) -> None:
        """Wait until the folder's names are on disk."""
        os.fsync(folder)

    def make_folder(self, folder: int, name: str) -> None:
        """Make a folder for its owner alone; nothing happens where there is one."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, FOLDER_MODE, dir_fd=folder)
            os.fsync(folder)
