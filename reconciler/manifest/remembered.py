"""What a file of keys says, written down so that the same bytes need not be read again.

The rule that lives here: only a file in which nothing is wrong and which declares nothing but keys
is written down. What it says depends on its bytes and on this program alone; whatever depends on
other files (defaults, networks, scopes, names) is judged anew each time.

Compatibility: none. What another version wrote is not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from sys import intern
from typing import Any, Protocol

from reconciler.manifest.assembly import Declaration
from reconciler.manifest.declared import DeclaredKey
from reconciler.manifest.schema import Identity
from reconciler.model.lifetime import Expiration, Retirement
from reconciler.model.source import SourceRef

FORM = 1
"""Raised whenever a file's bytes could mean something else than they did."""

_NAMES = tuple(field.name for field in fields(DeclaredKey))
_EXPIRATION = _NAMES.index("expiration")
_RETIRE = _NAMES.index("retire")
_LISTS = tuple(_NAMES.index(name) for name in ("labels", "scopes"))
_ALLOWLIST = _NAMES.index("allowlist")
_DURATIONS = tuple(_NAMES.index(name) for name in ("every", "overlap"))
_EXPIRATIONS: Mapping[str | None, Expiration | None] = {
    None: None,
    **{e.value: e for e in Expiration},
}
_RETIREMENTS = {r.value: r for r in Retirement}
_SHARED = tuple(_NAMES.index(name) for name in ("workspace", "environment", "owner"))
"""Words that many keys share are kept once, as are those of scopes, labels and allowlists."""
_SECOND = timedelta(seconds=1)


class Memory(Protocol):
    """A cache by content: it may lose anything at any time, and raises nothing."""

    def known(self, digests: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Give what was kept for those of the contents of which anything was."""

    def keep(self, found: Mapping[bytes, bytes]) -> None:
        """Keep what was found of contents, by their digests."""


def written(declarations: Iterable[Declaration]) -> bytes | None:
    """Write down what a file declares; None where it declares anything but keys."""
    rows = []
    for declaration in declarations:
        key, at = declaration.wire, declaration.source
        if not isinstance(key, DeclaredKey) or declaration.refused_fields:
            return None
        values = [getattr(key, name) for name in _NAMES]
        for index in _DURATIONS:
            length = values[index]
            values[index] = None if length is None else length // _SECOND
        place = [declaration.ordinal, at.line, at.column, at.end_line]
        rows.append([*place, declaration.places, values])
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()


def read_again(content: bytes, path: str) -> tuple[Declaration, ...] | None:
    """Give what was written down of a file that is at `path` now; None where it cannot be read."""
    try:
        rows = json.loads(content)
        return tuple(_declaration(row, path) for row in rows) if isinstance(rows, list) else None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        return None


def _declaration(row: Any, path: str) -> Declaration:
    ordinal, line, column, end_line, places, values = row
    values[_EXPIRATION] = _EXPIRATIONS[values[_EXPIRATION]]
    values[_RETIRE] = _RETIREMENTS[values[_RETIRE]]
    for index in _LISTS:
        values[index] = tuple((intern(name), intern(value)) for name, value in values[index])
    if values[_ALLOWLIST] is not None:
        values[_ALLOWLIST] = tuple(map(intern, values[_ALLOWLIST]))
    for index in _SHARED:
        values[index] = values[index] and intern(values[index])
    for index in _DURATIONS:
        if values[index] is not None:
            values[index] = values[index] * _SECOND
    key = DeclaredKey(**dict(zip(_NAMES, values, strict=True)))
    return Declaration(
        source=SourceRef(file=path, line=line, column=column, end_line=end_line),
        ordinal=ordinal,
        identity=Identity(kind="ApiKey", name=key.name, workspace=key.workspace),
        wire=key,
        places=tuple((intern(name), at, column) for name, at, column in places),
    )
