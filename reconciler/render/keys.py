"""Stored keys for people and programs: all as a table, one with everything but its secret.

`…x9Kf` stands for the last characters, which name a key without showing it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reconciler.model.keys import KeyRecord
from reconciler.render.checks import (
    checks_json,
    checks_text,
    explanation_json,
    explanation_text,
)
from reconciler.render.history import history_json, history_text
from reconciler.render.json_form import FORMAT_VERSION, json_text
from reconciler.render.key_document import key_document
from reconciler.render.key_lines import key_lines
from reconciler.render.key_state import expiry_text, key_state, rotation_text, versions_text
from reconciler.render.lock import lock_json, lock_text
from reconciler.render.style import Style, escape, joined
from reconciler.render.table import Cell, table_lines

__all__ = [
    "checks_json",
    "checks_text",
    "explanation_json",
    "explanation_text",
    "history_json",
    "history_text",
    "key_json",
    "key_text",
    "lock_json",
    "lock_text",
    "status_json",
    "status_text",
]

_HEAD = ("KEY", "STATE", "LAST", "EXPIRES", "NEXT ROTATION", "VERSIONS")


def status_text(records: Sequence[KeyRecord], now: datetime, style: Style) -> str:
    """Show keys as a table, in the order given."""
    if not records:
        return joined(["No keys."])
    rows = [_row(record, now) for record in records]
    return joined(table_lines(_HEAD, rows, style))


def _row(record: KeyRecord, now: datetime) -> tuple[Cell, ...]:
    state, last = key_state(record, now), record.last_characters
    return (
        Cell(text=escape(str(record.address))),
        Cell(text=state.value, tint=state.tint),
        Cell(text="-" if last is None else f"…{escape(last)}"),
        Cell(text=expiry_text(record, now)),
        Cell(text=rotation_text(record, now)),
        Cell(text=versions_text(record)),
    )


def status_json(records: Sequence[KeyRecord], now: datetime) -> str:
    """Give keys as JSON, in the order given."""
    keys = [key_document(record, now) for record in records]
    return json_text({"format_version": FORMAT_VERSION, "keys": keys})


def key_text(record: KeyRecord, now: datetime, style: Style) -> str:
    """Show one key with all its fields and versions."""
    return joined(key_lines(record, now, style))


def key_json(record: KeyRecord, now: datetime) -> str:
    """Give one key as JSON."""
    return json_text({"format_version": FORMAT_VERSION, "key": key_document(record, now)})
