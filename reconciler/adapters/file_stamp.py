"""What the file system says of a SQLite store: any transaction on it, whoever made it, changes it.

SQLite keeps its logs beside the file that a link leads to, so that is where they are looked for.
Times of files are coarse: two changes within one tick look alike. So a file that was changed just
now has no stamp yet.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

_SETTLED = 2.0
"""Seconds after which no change hides behind the one before."""
_PARTS = ("", "-wal", "-journal")
_PLAIN = re.compile(r"sqlite(?:\+pysqlite)?:///([^?%]+)")
"""Without `%`, which versions of SQLAlchemy read differently."""


def file_stamp(url: str, now: datetime) -> str | None:
    """Give the stamp of a SQLite store with its logs; None while it may still hide a change, and
    where there is no such file.
    """
    found = _PLAIN.fullmatch(url)
    if found is None:
        return None
    try:
        # `..` goes first and links second, as where the store is opened
        path = os.path.realpath(os.path.normpath(found[1]), strict=True)
    except OSError:
        return None
    parts = [_part_stamp(Path(f"{path}{part}"), now) for part in _PARTS]
    if parts[0] == "" or None in parts:
        return None
    return " ".join(part or "-" for part in parts)


def _part_stamp(path: Path, now: datetime) -> str | None:
    """Give the stamp of one file, empty where it is not there; None while it is not settled."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return ""
    except OSError:
        return None
    if status.st_size == 0:
        return ""  # a log that was opened to read makes no difference
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    if changed > (now.timestamp() - _SETTLED) * 1e9:
        return None
    times = f"{status.st_mtime_ns}:{status.st_ctime_ns}"
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{times}"
