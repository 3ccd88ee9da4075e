"""The keys of one manager as a plan sees them: read row by row, so that no row outlives its record.

A hundred thousand keys are read for one plan: rows are plain dictionaries, and texts that most keys
have in common are kept once.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Select, func, or_, select

from reconciler.adapters.sql_among import among
from reconciler.adapters.sql_marks import StoredMarks
from reconciler.adapters.sql_records import record_with, version_of
from reconciler.adapters.sql_rows import KeyRow, VersionRow
from reconciler.adapters.sql_tables import has_something_left, is_live, key_versions, keys
from reconciler.adapters.sql_uses import select_versions, version_marks
from reconciler.model.keys import KeyRecord, KeyVersion

_AT_ONCE = 1000
_ALIKE = ("workspace", "manager", "environment", "sink_id", "custody", "owner", "key_id")
"""Columns whose words stand in many rows."""


def read_records(connection: Connection, manager: str) -> tuple[tuple[KeyRecord, ...], StoredMarks]:
    """Give the records in order of address and age, and what verifiers saw of their versions."""
    versions = _Versions()
    versions.take(connection, _with_rest(manager))
    found: list[tuple[str, str, int, KeyRecord]] = []
    bare: list[KeyRow] = []
    for row in _keys(connection, manager):
        if row["key_id"] in versions.of:
            found.append(_ordered(row, versions))
        else:
            bare.append(row)
    if bare:
        versions.take(connection, _newest(connection, (row["key_id"] for row in bare)))
        found += [_ordered(row, versions) for row in bare]
    found.sort(key=itemgetter(0, 1, 2))
    return tuple(record for *_, record in found), StoredMarks(versions.marks)


def plain_rows(result: CursorResult[Any]) -> Iterator[dict[str, Any]]:
    """Give rows as dictionaries: their columns are looked up many times each."""
    names = tuple(result.keys())
    for rows in result.partitions(_AT_ONCE):
        for row in rows:
            yield dict(zip(names, row, strict=True))


class _Versions:
    """What is shown of keys' versions, by key."""

    def __init__(self) -> None:
        self.of: defaultdict[str, list[tuple[int, KeyVersion]]] = defaultdict(list)
        """Each with the number of the event that made it."""
        self.marks: dict[str, str] = {}

    def take(self, connection: Connection, wanted: Select[Any]) -> None:
        """Read versions, each with its last use and its marks."""
        for row in shared(plain_rows(connection.execute(wanted))):
            version = version_of(cast("VersionRow", row), row["last_used_at"])
            self.of[row["key_id"]].append((row["audit_sequence"], version))
            if row["marks"]:
                self.marks[version.version_id] = row["marks"]

    def oldest_first(self, key_id: str) -> Iterator[KeyVersion]:
        """Give a key's versions, and forget them."""
        found = self.of.pop(key_id, [])
        if len(found) > 1:
            found.sort(key=itemgetter(0))
        return (version for _, version in found)


def _ordered(row: KeyRow, versions: _Versions) -> tuple[str, str, int, KeyRecord]:
    record = record_with(row, versions.oldest_first(row["key_id"]))
    return row["workspace"], row["name"], row["audit_sequence"], record


def _keys(connection: Connection, manager: str) -> Iterator[KeyRow]:
    """Give live keys, and ended ones with something left to end or to destroy."""
    with_rest = select(key_versions.c.key_id).where(has_something_left)
    is_shown = or_(is_live, keys.c.key_id.in_(with_rest))
    wanted = select(keys).where(keys.c.manager == manager, is_shown)
    return (cast("KeyRow", row) for row in shared(plain_rows(connection.execute(wanted))))


def shared(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Keep the words that many rows have in common once."""
    for row in rows:
        for name in _ALIKE:
            word = row.get(name)
            if word is not None:
                row[name] = sys.intern(word)
        yield row


def _with_rest(manager: str) -> Select[Any]:
    """Select the versions that are not at their end."""
    return (
        select_versions(version_marks.c.marks)
        .join(keys, keys.c.key_id == key_versions.c.key_id)
        .where(keys.c.manager == manager, has_something_left)
    )


def _newest(connection: Connection, key_ids: Iterable[str]) -> Select[Any]:
    """Select the last version of keys whose every version is at its end."""
    newest = (
        select(func.max(key_versions.c.audit_sequence))
        .where(among(connection, (key_versions.c.key_id,), ((k,) for k in key_ids)))
        .group_by(key_versions.c.key_id)
    )
    wanted = select_versions(version_marks.c.marks)
    return wanted.where(key_versions.c.audit_sequence.in_(newest))
