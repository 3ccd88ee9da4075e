"""The files of one revision as bytes: how large one may be, and what tells all of them apart.

Compatibility: the manifest digest is SHA-256 over, for each file in order of path, the path and
the bytes, each with its length and a colon before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from reconciler.ports import ManifestFile

LARGEST_FILE: Final = 1024 * 1024
"""Bytes."""


def manifest_digest(files: Iterable[ManifestFile]) -> str:
    """Give the digest over the paths and bytes of files that come in order of path."""
    digest = hashlib.sha256()
    for file in files:
        path, content = file.path.encode(errors="surrogateescape"), file.content
        digest.update(b"%d:%b%d:%b" % (len(path), path, len(content), content))
    return digest.hexdigest()
