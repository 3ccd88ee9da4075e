"""Public keys of issuers, kept for an hour in a folder that nobody but the user can write.

A cache that cannot be used is no trouble: the issuer is asked again. It never holds a token.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.adapters.cache_folder import CacheFolder

LONGEST_LIFE = timedelta(hours=1)
_LARGEST = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCache:
    """Files, one for each issuer, named by a hash of its address."""

    folder: Path

    def load(self, url: str, now: datetime) -> Mapping[str, Any] | None:
        """Give the keys that were fetched from an issuer within the last hour."""
        try:
            entry = json.loads(self._files.load(_name(url)) or b"")
            age = now.timestamp() - float(entry["fetchedAt"])
            is_fresh = entry["issuer"] == url and 0 <= age < LONGEST_LIFE.total_seconds()
            document = entry["keys"]
        except (ValueError, ArithmeticError, TypeError, LookupError, RecursionError):
            return None
        return document if is_fresh and isinstance(document, dict) else None

    def save(self, url: str, document: Mapping[str, Any], now: datetime) -> None:
        """Keep what was fetched; nothing happens where that cannot be done."""
        entry = {"issuer": url, "fetchedAt": now.timestamp(), "keys": document}
        self._files.save(_name(url), json.dumps(entry).encode())

    @property
    def _files(self) -> CacheFolder:
        return CacheFolder(folder=self.folder, largest=_LARGEST)


def _name(url: str) -> str:
    return f"{hashlib.sha256(url.encode()).hexdigest()}.json"
