"""What tells this program from any other build of it: a version number stands still between two
installations from one source tree, and what a corrected program says is not what the old one said.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

import reconciler
from reconciler import __version__

_ROOT = Path(reconciler.__file__).parent


@cache
def program_stamp(root: Path = _ROOT) -> str | None:
    """Give a hash over the versions of the program and of its YAML parser, and over places, sizes
    and times of all of the program's files; None where they cannot be looked at.
    """
    try:
        files = sorted(_files(root))
    except OSError:
        return None
    found = [__version__, yaml.__version__, str(yaml.__with_libyaml__), *files]
    return hashlib.sha256("\n".join(found).encode("utf-8", "surrogateescape")).hexdigest()


def _files(folder: Path | str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            else:
                status = entry.stat()
                yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"
