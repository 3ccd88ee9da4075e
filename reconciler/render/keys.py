"""Stored keys for people and programs: all as a table, one with everything but its secret.

`…x9Kf` stands for the last characters, which name a key without showing it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias

from reconciler.model.canonical import instant
from reconciler.model.keys import KeyAddress, KeyRecord
from reconciler.render.checks import checks_json, checks_text
from reconciler.render.concerns import Concern, concern_document, concern_lines
from reconciler.render.history import history_json, history_text
from reconciler.render.json_form import FORMAT_VERSION, json_text
from reconciler.render.key_document import key_document
from reconciler.render.key_lines import key_lines
from reconciler.render.key_state import (
    expiry_text,
    key_state,
    rotation_distance,
    versions_text,
)
from reconciler.render.key_uses import (
    NOTHING_SEEN,
    Seen,
    last_use,
    last_use_text,
    waiting_word,
)
from reconciler.render.lock import lock_json, lock_text
from reconciler.render.style import Style, escape, joined
from reconciler.render.table import Cell, table_lines

__all__ = [
    "checks_json",
    "checks_text",
    "history_json",
    "history_text",
    "key_json",
    "key_text",
    "lock_json",
    "lock_text",
    "status_json",
    "status_text",
]

_HEAD = ("KEY", "STATE", "LAST", "EXPIRES", "ROTATION", "LAST USED", "VERSIONS")
Concerns: TypeAlias = Mapping[KeyAddress, Sequence[Concern]]
"""Why each key is shown, where something was asked."""
_NONE: Concerns = MappingProxyType({})


def status_text(
    records: Sequence[KeyRecord],
    now: datetime,
    style: Style,
    *,
    seen: Seen = NOTHING_SEEN,
    concerns: Concerns = _NONE,
) -> str:
    """Show keys as a table, in the order given, and how what was found of them is mended."""
    if not records:
        return joined(["No keys."])
    rows = [_row(record, now, seen) for record in records]
    found = [concern for of_key in concerns.values() for concern in of_key]
    return joined([*table_lines(_HEAD, rows, style), *concern_lines(found, style)])


def _row(record: KeyRecord, now: datetime, seen: Seen) -> tuple[Cell, ...]:
    state, last = key_state(record, now), record.last_characters
    return (
        Cell(text=escape(str(record.address))),
        Cell(text=state.value, tint=state.tint),
        Cell(text="-" if last is None else f"…{escape(last)}"),
        Cell(text=expiry_text(record, now)),
        Cell(text=rotation_distance(record, now)),
        Cell(text=last_use_text(last_use(record), now, seen)),
        Cell(text=versions_text(record, waiting_word(record, now, seen))),
    )


def status_json(
    records: Sequence[KeyRecord],
    now: datetime,
    *,
    seen: Seen = NOTHING_SEEN,
    concerns: Concerns = _NONE,
) -> str:
    """Give keys as JSON, in the order given, each with what was found of it."""
    keys = [
        key_document(record, now, seen)
        | {"concerns": [concern_document(c) for c in concerns.get(record.address, ())]}
        for record in records
    ]
    return json_text(_known(seen) | {"keys": keys})


def key_text(record: KeyRecord, now: datetime, style: Style, *, seen: Seen = NOTHING_SEEN) -> str:
    """Show one key with all its fields, versions and what was seen of them."""
    return joined(key_lines(record, now, style, seen))


def key_json(record: KeyRecord, now: datetime, *, seen: Seen = NOTHING_SEEN) -> str:
    """Give one key as JSON."""
    return json_text(_known(seen) | {"key": key_document(record, now, seen, with_marks=True)})


def _known(seen: Seen) -> dict[str, object]:
    return {
        "format_version": FORMAT_VERSION,
        "uses_known_since": instant(seen.since),
        "uses_known_until": instant(seen.until),
    }
