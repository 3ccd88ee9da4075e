"""What files of manifests say, by the digest of their bytes: one SQLite file in the user's cache.

A cache that cannot be used is no trouble: the files are read again. The file belongs to one build
of the program; that of another one is removed, and so is one that is damaged. What is kept of a
file has a checksum. It holds what the manifests hold, and no secret.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from reconciler import __version__
from reconciler.adapters.cache_folder import is_ours
from reconciler.manifest.remembered import FORM

_TABLE = "CREATE TABLE IF NOT EXISTS said (digest BLOB PRIMARY KEY, content BLOB) WITHOUT ROWID"
_AT_ONCE = 500
_MOST = 500_000
"""Files; with more than that the cache begins anew."""
_PATIENCE = 0.2
"""Seconds to wait for another program: reading the files again takes hardly longer."""


class ManifestCache:
    """`remembered.Memory` in a folder of the user's own."""

    def __init__(self, folder: Path, build: str = __version__) -> None:
        """Name the folder and the program's build; nothing is made before something is kept."""
        self._folder = folder
        self._path = folder / f"manifests-{build}-{FORM}.db"
        self._is_given_up = False
        """Whether another program held it: waiting again for each batch would take minutes."""

    def known(self, digests: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Give what was kept for those of the contents of which anything was."""
        found: dict[bytes, bytes] = {}
        with suppress(OSError, sqlite3.Error), self._opened(makes=False) as connection:
            for start in range(0, len(digests), _AT_ONCE):
                asked = digests[start : start + _AT_ONCE]
                marks = ",".join("?" * len(asked))
                rows = f"SELECT digest, content FROM said WHERE digest IN ({marks})"
                for digest, sealed in connection.execute(rows, asked):
                    content = _unsealed(digest, sealed)
                    if content is not None:
                        found[digest] = content
        return found

    def keep(self, found: Mapping[bytes, bytes]) -> None:
        """Keep what was found of contents, by their digests."""
        if not found:
            return
        with suppress(OSError, sqlite3.OperationalError):
            try:
                self._keep(found)
            except sqlite3.DatabaseError as error:
                if type(error) is not sqlite3.DatabaseError:
                    raise  # it is in use, or cannot be written
                self._path.unlink(missing_ok=True)

    def _keep(self, found: Mapping[bytes, bytes]) -> None:
        sealed = ((digest, _sealed(digest, content)) for digest, content in found.items())
        with self._opened(makes=True) as connection, connection:
            connection.execute(_TABLE)
            (count,) = connection.execute("SELECT count(*) FROM said").fetchone()
            if count + len(found) > _MOST:
                connection.execute("DELETE FROM said")
            connection.executemany("INSERT OR REPLACE INTO said VALUES (?, ?)", sealed)

    @contextmanager
    def _opened(self, *, makes: bool) -> Iterator[sqlite3.Connection]:
        """Open the file where it is the user's alone.

        Raises:
            OSError, sqlite3.Error: it cannot be opened, or should not.
        """
        path = self._path
        if self._is_given_up:
            raise BlockingIOError(path)
        if makes:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_ours(self._folder, is_folder=True):
            raise PermissionError(self._folder)
        if makes and not path.exists():
            _begin(path)
        if not is_ours(path, is_folder=False):
            raise PermissionError(path)
        with closing(sqlite3.connect(path, timeout=_PATIENCE)) as connection:
            try:
                connection.execute("PRAGMA synchronous=OFF").close()
                yield connection
            except sqlite3.OperationalError as error:
                self._is_given_up = _is_in_use(error)
                raise


def _begin(path: Path) -> None:
    """Make an empty file for the user alone, in place of those of other builds."""
    for other in path.parent.glob("manifests-*.db*"):
        if not other.name.startswith(path.name):  # somebody may have made ours meanwhile
            other.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))


def _is_in_use(error: sqlite3.Error) -> bool:
    """Whether somebody else holds the file; some errors have no code."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _sealed(digest: bytes, content: bytes) -> bytes:
    """Put a checksum of both before the content: SQLite has none."""
    return zlib.crc32(content, zlib.crc32(digest)).to_bytes(4, "big") + content


def _unsealed(digest: bytes, sealed: Any) -> bytes | None:
    """Give the content; None where it is damaged."""
    if not isinstance(sealed, bytes):
        return None
    content = sealed[4:]
    return content if sealed == _sealed(digest, content) else None
