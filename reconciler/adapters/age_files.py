"""Numbered files behind one pointer: how a new version appears whole, or not at all.

`x.1.age`, `x.2.age`, … hold the versions; the symbolic link `x.age` names the latest. A version is
written beside, made durable, given its number, and only then the link is switched by one rename:
whoever opens `x.age` sees the old version or the new one. The link's text is the version count; it
stays, dangling, when the latest file is removed, so that the count never starts again.

Compatibility: these names are read by consumers and by later versions of keyrec.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.adapters.age_disk import Disk


class NotOurs(Exception):
    """Something stands in the pointer's place that keyrec did not make."""


class Unsettled(Exception):
    """The pointer was switched, but it is not known whether that will survive a power failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedFiles:
    """All versions of one thing in an opened folder, `stem` and `suffix` being its name."""

    disk: Disk
    folder: int
    stem: str
    suffix: str

    @property
    def pointer(self) -> str:
        """Give the stable name."""
        return f"{self.stem}{self.suffix}"

    def numbered(self, version: int) -> str:
        """Give the name of one version."""
        return f"{self.stem}.{version}{self.suffix}"

    def version(self) -> int:
        """Give the latest version's number, 0 where there never was one.

        Raises:
            NotOurs: the stable name is no link, or one that leads elsewhere.
            OSError: it cannot be read.
        """
        try:
            target = os.readlink(self.pointer, dir_fd=self.folder)
        except FileNotFoundError:
            return 0
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            raise NotOurs(self.pointer) from None
        form = rf"{re.escape(self.stem)}\.([1-9][0-9]*){re.escape(self.suffix)}"
        match = re.fullmatch(form, target, re.ASCII)
        if match is None:
            raise NotOurs(self.pointer)
        return int(match[1])

    def is_there(self, version: int) -> bool:
        """Whether the file of a version is there.

        Raises:
            OSError: it cannot be said.
        """
        try:
            os.stat(self.numbered(version), dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def put(self, content: bytes, *, expected: int) -> int | None:
        """Add a version where the latest is `expected`; its number, None where it is not.

        The caller holds the folder's lock.

        Raises:
            OSError: nothing was changed.
            Unsettled: it was changed, but may not last.
        """
        if self.version() != expected:
            return None
        try:
            self._stage(content, expected + 1)
            self.disk.rename(self.folder, self._new_pointer, self.pointer)
        except OSError:
            if self.version() != expected:
                raise Unsettled(self.pointer) from None
            self._discard(expected + 1)
            raise
        try:
            self.disk.settle(self.folder)
        except OSError:
            raise Unsettled(self.pointer) from None
        return expected + 1

    def drop(self, versions: Iterable[int]) -> None:
        """Remove these versions' files; the count stays. Nothing happens where they are gone."""
        for version in versions:
            self.disk.remove(self.folder, self.numbered(version))
        self.disk.settle(self.folder)

    @property
    def _new_file(self) -> str:
        return f".{self.stem}{self.suffix}.new"

    @property
    def _new_pointer(self) -> str:
        return f".{self.stem}{self.suffix}.pointer"

    def _stage(self, content: bytes, version: int) -> None:
        for left_by_a_crash in (self._new_file, self._new_pointer):
            self.disk.remove(self.folder, left_by_a_crash)
        self.disk.fill(self.folder, self._new_file, content)
        self.disk.rename(self.folder, self._new_file, self.numbered(version))
        self.disk.settle(self.folder)
        self.disk.point(self.folder, self._new_pointer, self.numbered(version))

    def _discard(self, version: int) -> None:
        for name in (self._new_file, self._new_pointer, self.numbered(version)):
            with contextlib.suppress(OSError):
                self.disk.remove(self.folder, name)
