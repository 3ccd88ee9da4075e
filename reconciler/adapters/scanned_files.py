"""Files, folders and streams to be searched for keys.

The rule that lives here: nothing is followed, and nothing is left out in silence but what is no
file. A link that is met is not opened; a pipe would wait for ever. `.git` folders are left out, for
a range is read as git reads it. What is named is looked at whatever it is called, through a link
too. What cannot be read is told and stops nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from io import BufferedIOBase
from pathlib import Path

from reconciler.credentials.leaks import Leak, Part, Unread, leaks_at
from reconciler.credentials.scanning import masked, sightings

PIECE = 2**20
"""Bytes that are read at once."""
STREAM_NAME = "(standard input)"
_LEFT_OUT = ".git"


@dataclass(slots=True, kw_only=True)
class FileScan:
    """One look at files; what it could not read stands beside what it gives."""

    prefix: str | None = None
    files: int = 0
    unread: list[Unread] = field(default_factory=list)

    def places(self, named: Iterable[str]) -> Iterator[Leak]:
        """Search these files, and all files below these folders."""
        for place in named:
            try:
                mode = Path(place).stat().st_mode
            except (OSError, ValueError) as error:
                self._miss(place, error)
                continue
            yield from self._name(place, place)
            if stat.S_ISDIR(mode):
                yield from self._below(place)
            elif stat.S_ISREG(mode):
                yield from self._file(place, 0)
            else:
                self._miss_special(place)

    def stream(self, opened: BufferedIOBase) -> Iterator[Leak]:
        """Search what comes on an open stream, until it ends."""
        self.files += 1
        pieces = iter(partial(opened.read1, PIECE), b"")
        try:
            yield from leaks_at(STREAM_NAME, sightings(pieces, self.prefix))
        except OSError as error:
            self._miss(STREAM_NAME, error)

    def _below(self, folder: str) -> Iterator[Leak]:
        """Search a folder in the order of names, files first, however deep it is."""
        waiting = [folder]
        while waiting:
            below: list[str] = []
            for name, path, mode in self._entries(waiting.pop()):
                yield from self._name(path, name)
                if stat.S_ISREG(mode):
                    yield from self._file(path, os.O_NOFOLLOW)
                elif stat.S_ISDIR(mode) and name != _LEFT_OUT:
                    below.append(path)
            waiting += reversed(below)

    def _entries(self, folder: str) -> Iterator[tuple[str, str, int]]:
        """Give name, path and kind of what stands in a folder."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._miss(folder, error)
            return
        for entry in entries:
            path = entry.path.removeprefix("./")
            try:
                mode = entry.stat(follow_symlinks=False).st_mode
            except OSError as error:
                self._miss(path, error)
                continue
            yield entry.name, path, mode

    def _name(self, path: str, name: str) -> Iterator[Leak]:
        """Search the name of a file or folder."""
        return leaks_at(path, sightings([os.fsencode(name)], self.prefix), part=Part.NAME)

    def _file(self, path: str, flags: int) -> Iterator[Leak]:
        """Search one file; a pipe that stands there by now is not waited for."""
        try:
            opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
        except OSError as error:
            self._miss(path, error)
            return
        try:
            if stat.S_ISREG(os.fstat(opened).st_mode):
                self.files += 1
                pieces = iter(partial(os.read, opened, PIECE), b"")
                yield from leaks_at(path, sightings(pieces, self.prefix))
            else:
                self._miss_special(path)
        except OSError as error:
            self._miss(path, error)
        finally:
            os.close(opened)

    def _miss(self, path: str, error: OSError | ValueError) -> None:
        reason = getattr(error, "strerror", None) or "it cannot be read"
        self.unread.append(Unread(file=masked(path), reason=reason.lower()))

    def _miss_special(self, path: str) -> None:
        self.unread.append(Unread(file=masked(path), reason="it is not a file; pipe it in, with -"))
