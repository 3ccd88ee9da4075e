"""One stored key for JSON. The types it reads hold no secret and no hash."""

from __future__ import annotations

import math
from datetime import datetime

from reconciler.model.canonical import instant
from reconciler.model.keys import Hold, KeyRecord, KeyVersion, fields_document
from reconciler.planning.rotation import next_rotation
from reconciler.render.key_state import key_state
from reconciler.render.key_uses import (
    NOTHING_SEEN,
    Seen,
    last_use,
    marks_document,
    uses_document,
)


def key_document(
    record: KeyRecord, now: datetime, seen: Seen = NOTHING_SEEN, *, with_marks: bool = False
) -> dict[str, object]:
    """Give everything that the store knows about a key; marks of its versions where wanted."""
    return {
        "address": str(record.address),
        "workspace": record.address.workspace,
        "name": record.address.name,
        "id": record.key_id,
        "manager": record.manager,
        "state": key_state(record, now).value,
        "last_characters": record.last_characters,
        "record_version": record.record_version,
        "created_at": instant(record.created_at),
        "expires_at": instant(record.expires_at),
        "expires_in_seconds": _seconds(record.expires_at, now),
        "last_used_at": instant(last_use(record)),
        "rotated_at": instant(record.rotated_at),
        "next_rotation_at": instant(next_rotation(record)),
        "superseded_by": record.superseded_by,
        "hold": None if record.hold is None else _hold_document(record.hold),
        "owner": record.fields.owner,
        "fields": fields_document(record.fields),
        "versions": [
            _version_document(version)
            | uses_document(version, record, now, seen)
            | (marks_document(version, seen) if with_marks else {})
            for version in record.versions
        ],
    }


def _seconds(at: datetime | None, now: datetime) -> int | None:
    """Give whole seconds until then; below zero where it has passed."""
    return None if at is None else math.floor((at - now).total_seconds())


def _hold_document(hold: Hold) -> dict[str, object]:
    return {"reason": hold.reason, "by": hold.by, "since": instant(hold.since)}


def _version_document(version: KeyVersion) -> dict[str, object]:
    return {
        "id": version.version_id,
        "state": version.state.value,
        "last_characters": version.last_characters,
        "sink_id": version.sink_id,
        "sink_path": version.sink_path,
        "sink_version": version.sink_version,
        "created_at": instant(version.created_at),
        "confirmed_at": instant(version.confirmed_at),
        "works_until": instant(version.retire_at),
        "retired_at": instant(version.retired_at),
        "leaked": version.leaked,
        "copy_destroyed_at": instant(version.copy_destroyed_at),
    }
