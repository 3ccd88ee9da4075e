"""The one byte form of a document, for fingerprints, digests and the audit chain.

Compatibility: JSON with sorted keys, no spaces, UTF-8 without escapes, no floats; SHA-256 in hex.
Stored fingerprints and audit hashes depend on these bytes; a change of them is a migration.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import TypeAlias

Document: TypeAlias = "Mapping[str, Document] | Sequence[Document] | str | int | bool | None"

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False
)


def canonical_bytes(document: Document) -> bytes:
    """Write a document in its one form."""
    return _ENCODER.encode(document).encode()


def fingerprint(document: Document) -> str:
    """Give the SHA-256 of the canonical bytes, 64 hex digits."""
    return hashlib.sha256(canonical_bytes(document)).hexdigest()


def told_apart(prints: Iterable[str]) -> Iterator[str]:
    """Give a fingerprint of each one's own: equal ones are told apart by their order."""
    seen: Counter[str] = Counter()
    for one in prints:
        yield fingerprint([one, seen[one]])
        seen[one] += 1


def instant(moment: datetime | None) -> str | None:
    """Write an aware instant as RFC 3339 in UTC with microseconds; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
