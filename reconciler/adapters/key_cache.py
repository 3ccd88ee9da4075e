"""Public keys of issuers, kept for an hour in a folder that nobody but the user can write.

A cache that cannot be used is no trouble: the issuer is asked again. It never holds a token.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

LONGEST_LIFE = timedelta(hours=1)
_LARGEST = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCache:
    """Files, one for each issuer, named by a hash of its address."""

    folder: Path

    def load(self, url: str, now: datetime) -> Mapping[str, Any] | None:
        """Give the keys that were fetched from an issuer within the last hour."""
        if not self._is_ours():
            return None
        try:
            entry = json.loads(_content(self._file(url)))
            age = now.timestamp() - float(entry["fetchedAt"])
            is_fresh = entry["issuer"] == url and 0 <= age < LONGEST_LIFE.total_seconds()
            document = entry["keys"]
        except (OSError, ValueError, ArithmeticError, TypeError, LookupError, RecursionError):
            return None
        return document if is_fresh and isinstance(document, dict) else None

    def save(self, url: str, document: Mapping[str, Any], now: datetime) -> None:
        """Keep what was fetched; nothing happens where that cannot be done."""
        entry = {"issuer": url, "fetchedAt": now.timestamp(), "keys": document}
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._is_ours():
                _replace(self._file(url), json.dumps(entry).encode())

    def _file(self, url: str) -> Path:
        return self.folder / f"{hashlib.sha256(url.encode()).hexdigest()}.json"

    def _is_ours(self) -> bool:
        """Whether the folder is one, is the user's, and is closed to everybody else."""
        try:
            found = self.folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and _is_closed(found)


def _is_closed(found: os.stat_result) -> bool:
    """Whether it is the user's, and nobody else may so much as read it."""
    return found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077


def _content(path: Path) -> bytes:
    """Read a file that is one, not a link to one, and the user's alone; empty where it is not."""
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(number, "rb") as opened:
        found = os.fstat(number)
        is_ours = stat.S_ISREG(found.st_mode) and _is_closed(found)
        return opened.read(_LARGEST) if is_ours else b""


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
