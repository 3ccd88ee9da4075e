"""One key as lines: what is declared about it, how it stands, each version of its secret."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.model.keys import KeyFields, KeyRecord, KeyVersion
from reconciler.model.lifetime import format_duration
from reconciler.model.moments import moment
from reconciler.render.field_lines import value_text
from reconciler.render.key_state import expiry_text, key_state, rotation_text
from reconciler.render.key_uses import (
    NOTHING_SEEN,
    Seen,
    known_text,
    last_use,
    last_use_text,
    use_lines,
)
from reconciler.render.style import Style, Tint, escape, padded
from reconciler.render.table import Cell, table_lines

_NAME_WIDTH = 15
_UNRESTRICTED = "any address"


def key_lines(
    record: KeyRecord, now: datetime, style: Style, seen: Seen = NOTHING_SEEN
) -> Iterator[str]:
    """Give all lines of one key."""
    last = record.last_characters
    shown = "" if last is None else f" (…{escape(last)})"
    yield style.paint(escape(str(record.address)), Tint.BOLD) + shown
    state = key_state(record, now)
    yield _line("state", style.paint(state.value, state.tint))
    for name, text in (*_standing(record, now, seen), *_declared(record.fields)):
        yield _line(name, text)
    yield from _version_lines(record, style)
    yield from use_lines(record, now, seen)


def _line(name: str, text: str) -> str:
    return f"  {padded(name, _NAME_WIDTH)} {text}"


def _standing(record: KeyRecord, now: datetime, seen: Seen) -> Iterator[tuple[str, str]]:
    """Say what the store knows beside the fields."""
    yield "id", escape(record.key_id)
    yield "managed by", "nobody" if record.manager is None else escape(record.manager)
    if record.hold is not None:
        hold = record.hold
        yield "held", f"{value_text(hold.reason)} by {escape(hold.by)} since {moment(hold.since)}"
    if record.superseded_by is not None:
        yield "superseded by", escape(record.superseded_by)
    yield "created", moment(record.created_at)
    yield "expires", expiry_text(record, now)
    yield "secret since", "-" if record.rotated_at is None else moment(record.rotated_at)
    yield "next rotation", rotation_text(record, now)
    yield "last used", f"{last_use_text(last_use(record), now, seen)} ({known_text(seen)})"


def _declared(fields: KeyFields) -> Iterator[tuple[str, str]]:
    """Say what the manifest declared, defaults filled in."""
    every = fields.rotation.every
    yield "environment", escape(fields.environment)
    yield "scopes", _listed(f"{g.resource} {g.level}" for g in fields.scopes)
    yield "allowlist", _UNRESTRICTED if fields.allowlist is None else _listed(fields.allowlist)
    if fields.ranges is not None and fields.ranges != fields.allowlist:
        yield "  resolved", _listed(fields.ranges)
    yield "expiration", fields.expiration.value
    yield "active", str(fields.active).lower()
    yield "protected", str(fields.protected).lower()
    yield "generation", str(fields.rotation.generation)
    yield "rotated every", "(none)" if every is None else format_duration(every)
    yield "overlap", format_duration(fields.rotation.overlap)
    yield "reissue", str(fields.reissue)
    yield "secret at", escape(fields.sink_path)
    yield "owner", value_text(fields.owner)
    yield "description", value_text(fields.description)
    yield "labels", _listed(f"{name}: {value}" for name, value in fields.labels)


def _listed(texts: Iterator[str] | tuple[str, ...]) -> str:
    return ", ".join(escape(text) for text in texts) or "(none)"


_VERSION_HEAD = ("  VERSION", "STATE", "LAST", "IN THE SINK", "CREATED", "CONFIRMED", "WORKS UNTIL")


def _version_lines(record: KeyRecord, style: Style) -> Iterator[str]:
    if not record.versions:
        yield _line("versions", "(none)")
        return
    rows = [_version_row(version) for version in record.versions]
    yield from table_lines(_VERSION_HEAD, rows, style)


def _version_row(version: KeyVersion) -> tuple[Cell, ...]:
    confirmed = version.confirmed_at
    state = f"{version.state.value}, leaked" if version.leaked else version.state.value
    return (
        Cell(text=f"  {escape(version.version_id)}"),
        Cell(text=state, tint=Tint.RED if version.leaked else None),
        Cell(text=f"…{escape(version.last_characters)}"),
        Cell(text=_sink_text(version)),
        Cell(text=moment(version.created_at)),
        Cell(text="-" if confirmed is None else moment(confirmed)),
        Cell(text=_end_text(version)),
    )


def _sink_text(version: KeyVersion) -> str:
    if version.copy_destroyed_at is not None:
        return "destroyed"
    number = "?" if version.sink_version is None else str(version.sink_version)
    return f"{escape(version.sink_path)} {number}"


def _end_text(version: KeyVersion) -> str:
    """Say until when the version itself is accepted, or since when it is not."""
    if version.retired_at is not None:
        return f"ended {moment(version.retired_at)}"
    if version.overlap_until is not None:
        return f"when unused, not before {moment(version.overlap_until)}"
    return "-" if version.retire_at is None else moment(version.retire_at)
