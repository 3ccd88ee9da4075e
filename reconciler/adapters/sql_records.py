"""Rows to the model's nouns and back.

Compatibility: lists inside a row are JSON text: scopes and labels as pairs, ranges and allowlist as
words, a place in a manifest as `[file, line, column, end_line]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, cast

from reconciler.adapters.sql_rows import (
    AttemptRow,
    FieldsRow,
    KeyRow,
    OperationRow,
    ResourceRow,
    SinkPathRow,
    VersionRow,
)
from reconciler.model.journal import Attempt, Operation, PathRow
from reconciler.model.keys import (
    Hold,
    KeyAddress,
    KeyFields,
    KeyRecord,
    KeyVersion,
    Rotation,
    fields_fingerprint,
)
from reconciler.model.lifetime import Retirement
from reconciler.model.resources import Resource, ResourceAddress, resource_from
from reconciler.model.scopes import ScopeGrant
from reconciler.model.source import SourceRef

_NO_USES: Mapping[str, datetime] = MappingProxyType({})
_RETIRE_WORDS = {
    Retirement.AFTER_OVERLAP: None,
    Retirement.WHEN_UNUSED: Retirement.WHEN_UNUSED,
}
"""Null is what every row said before there was a choice."""
_PLAIN_WORDS = re.compile(r'\["[^"\\,]*"(?:,"[^"\\,]*")*\]')
_MEMORY = 4096
"""How many different texts of each kind are kept read: most keys of a store say the same."""


def json_text(value: Any) -> str:
    """Write JSON in the one form that is stored."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def fields_row(fields: KeyFields) -> FieldsRow:
    """Give the columns of a key's fields, with the fingerprint that belongs to them."""
    return FieldsRow(
        environment=fields.environment,
        sink_path=fields.sink_path,
        scopes=json_text([[g.resource, g.level] for g in fields.scopes]),
        allowlist=None if fields.allowlist is None else json_text(fields.allowlist),
        ranges=None if fields.ranges is None else json_text(fields.ranges),
        expiration=fields.expiration,
        active=fields.active,
        protected=fields.protected,
        generation=fields.rotation.generation,
        every=fields.rotation.every,
        overlap=fields.rotation.overlap,
        retire=_RETIRE_WORDS[fields.rotation.retire],
        reissue=fields.reissue,
        owner=fields.owner,
        description=fields.description,
        labels=json_text(fields.labels),
        fingerprint=fields_fingerprint(fields),
    )


def put_fields(row: KeyRow, fields: KeyFields) -> None:
    """Replace a key's fields, and their fingerprint with them."""
    cast("dict[str, Any]", row).update(fields_row(fields))


def fields_of(row: FieldsRow) -> KeyFields:
    """Read a key's fields back."""
    allowlist, ranges = _words(row["allowlist"]), row["ranges"]
    return KeyFields(
        environment=row["environment"],
        sink_path=row["sink_path"],
        scopes=_scopes(row["scopes"]),
        allowlist=allowlist,
        ranges=allowlist if ranges == row["allowlist"] else _words(ranges),
        expiration=row["expiration"],
        active=row["active"],
        protected=row["protected"],
        rotation=_rotation(row["generation"], row["every"], row["overlap"], row["retire"]),
        reissue=row["reissue"],
        owner=row["owner"],
        description=row["description"],
        labels=_labels(row["labels"]),
    )


def address_of_key(row: KeyRow) -> KeyAddress:
    """Give a key's address."""
    return KeyAddress(workspace=row["workspace"], name=row["name"])


def record_of(
    row: KeyRow, versions: Iterable[VersionRow], uses: Mapping[str, datetime] = _NO_USES
) -> KeyRecord:
    """Put a key together with its versions, oldest first."""
    return record_with(row, (version_of(v, uses.get(v["version_id"])) for v in versions))


def record_with(row: KeyRow, versions: Iterable[KeyVersion]) -> KeyRecord:
    """Put a key together with its versions as they were read, oldest first."""
    return KeyRecord(
        key_id=row["key_id"],
        address=address_of_key(row),
        manager=row["manager"],
        status=row["status"],
        fields=fields_of(row),
        record_version=row["record_version"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        hold=_hold(row),
        superseded_by=row["superseded_by"],
        rotated_at=row["rotated_at"],
        stored_fingerprint=row["fingerprint"],
        versions=tuple(versions),
    )


def _hold(row: KeyRow) -> Hold | None:
    since = row["hold_since"]
    if since is None:
        return None
    return Hold(reason=row["hold_reason"] or "", by=row["hold_by"] or "", since=since)


def version_of(row: VersionRow, last_used_at: datetime | None = None) -> KeyVersion:
    """Read one version."""
    return KeyVersion(
        version_id=row["version_id"],
        state=row["state"],
        sink_id=row["sink_id"],
        sink_path=row["sink_path"],
        sink_version=row["sink_version"],
        custody=row["custody"],
        last_characters=row["last_characters"],
        created_at=row["created_at"],
        confirmed_at=row["confirmed_at"],
        retire_at=row["retire_at"],
        overlap_until=row["overlap_until"],
        last_used_at=last_used_at,
        retired_at=row["retired_at"],
        leaked=row["leaked"],
        copy_destroyed_at=row["copy_destroyed_at"],
    )


def operation_of(row: OperationRow, attempts: Sequence[AttemptRow]) -> Operation:
    """Put an operation together with its attempts in their order."""
    return Operation(
        operation_id=row["operation_id"],
        kind=row["kind"],
        key_id=row["key_id"],
        sink_id=row["sink_id"],
        sink_path=row["sink_path"],
        target=row["target"],
        overlap=row["overlap"],
        generation=row["generation"],
        supersedes=row["supersedes"],
        reason=row["reason"],
        source=source_of(row["source"]),
        state=row["state"],
        opened_at=row["opened_at"],
        attempts=tuple(
            Attempt(version_id=a["version_id"], expected=a["expected"]) for a in attempts
        ),
    )


def path_of(row: SinkPathRow) -> PathRow:
    """Read one sink path."""
    return PathRow(
        sink_id=row["sink_id"],
        path=row["path"],
        key_id=row["key_id"],
        is_free=row["is_free"],
        last_version=row["last_version"],
        adopted_version=row["adopted_version"],
    )


def resource_of(row: ResourceRow) -> Resource:
    """Read one resource."""
    address = ResourceAddress(
        kind=row["kind"], name=row["name"], workspace=row["workspace"] or None
    )
    return resource_from(address, json.loads(row["document"]), row["manager"])


def source_text(source: SourceRef | None) -> str | None:
    """Write a place in a manifest."""
    if source is None:
        return None
    return json_text([source.file, source.line, source.column, source.end_line])


def source_of(text: str | None) -> SourceRef | None:
    """Read a place in a manifest."""
    if text is None:
        return None
    file, line, column, end_line = json.loads(text)
    return SourceRef(file=file, line=line, column=column, end_line=end_line)


@lru_cache(_MEMORY)
def _rotation(
    generation: int, every: timedelta | None, overlap: timedelta, retire: Retirement | None
) -> Rotation:
    """Give equal rotations once."""
    return Rotation(
        generation=generation,
        every=every,
        overlap=overlap,
        retire=retire or Retirement.AFTER_OVERLAP,
    )


@lru_cache(_MEMORY)
def _scopes(text: str) -> tuple[ScopeGrant, ...]:
    return tuple(ScopeGrant(resource=r, level=level) for r, level in json.loads(text))


def _words(text: str | None) -> tuple[str, ...] | None:
    """Read a list of words; those of which none is written with an escape are cut apart."""
    if text is None:
        return None
    if _PLAIN_WORDS.fullmatch(text) is not None:
        return tuple(text[2:-2].split('","'))
    return tuple(json.loads(text))


@lru_cache(_MEMORY)
def _labels(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text))
