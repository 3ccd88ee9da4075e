"""What one commit works on: the rows that its writes touch, the time, the person.

Writes decide by these rows alone, in order, so that a later write of a commit sees the earlier
ones; the database is told at the end. The steps that several writes share live here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.adapters.sql_records import fields_of, put_fields
from reconciler.adapters.sql_rows import (
    AttemptRow,
    KeyRow,
    OperationRow,
    ResourceRow,
    RowSet,
    SinkPathRow,
    VersionRow,
)
from reconciler.adapters.sql_wanted import ResourceId
from reconciler.model.journal import OperationState
from reconciler.model.keys import KeyFields, KeyStatus
from reconciler.model.lifetime import VersionState

SinkPlace = tuple[str, str]
"""Sink id and path."""


class Work:
    """Rows of all tables, with the ways to find them."""

    def __init__(self, *, now: datetime, actor: str) -> None:
        """Start without rows; `sql_loading` brings them."""
        self.now = now
        self.actor = actor
        self.next_event = 0
        """Sequence of the audit event that the write under way will leave."""
        self.keys: RowSet[str, KeyRow] = RowSet()
        self.versions: RowSet[str, VersionRow] = RowSet()
        self.operations: RowSet[str, OperationRow] = RowSet()
        self.paths: RowSet[SinkPlace, SinkPathRow] = RowSet()
        self.resources: RowSet[ResourceId, ResourceRow] = RowSet()
        self.attempts: list[AttemptRow] = []
        self.hashes: dict[str, str] = {}
        """Hashes of new versions."""
        self.vacated: set[str] = set()
        """Keys that left an address which another row may take in this transaction."""
        self._versions_of: defaultdict[str, list[str]] = defaultdict(list)
        self._live_at: dict[tuple[str, str], str] = {}
        self._open_on: dict[SinkPlace, str] = {}
        self._open_of: defaultdict[str, set[str]] = defaultdict(set)
        self._older_than: defaultdict[str, list[str]] = defaultdict(list)
        self._paths_of: defaultdict[str, set[SinkPlace]] = defaultdict(set)

    def learn_keys(self, rows: Iterable[KeyRow]) -> None:
        """Take the keys that were read."""
        self.keys.learn((row["key_id"], row) for row in rows)
        for row in self.keys:
            if row["status"] is KeyStatus.LIVE:
                self._live_at[row["workspace"], row["name"]] = row["key_id"]
            elif row["superseded_by"] is not None:
                self._older_than[row["superseded_by"]].append(row["key_id"])

    def learn_versions(self, rows: Iterable[VersionRow]) -> None:
        """Take the versions that were read, oldest first."""
        self.versions.learn((row["version_id"], row) for row in rows)
        for row in self.versions:
            self._versions_of[row["key_id"]].append(row["version_id"])

    def learn_operations(self, rows: Iterable[OperationRow]) -> None:
        """Take the operations that were read."""
        self.operations.learn((row["operation_id"], row) for row in rows)
        for row in self.operations:
            if row["state"] is OperationState.OPEN:
                self._note_open(row)

    def versions_of(self, key_id: str) -> Iterator[VersionRow]:
        """Give a key's versions that are not retired, and those that a write names."""
        return (self.versions[version_id] for version_id in self._versions_of[key_id])

    def older_than(self, key_id: str) -> tuple[str, ...]:
        """Give the keys that this one replaced and that still have a version to end."""
        return tuple(k for k in self._older_than[key_id] if self._has_version(k))

    def replaced_by(self, key_id: str) -> tuple[str, ...]:
        """Give all keys that this one replaced."""
        return tuple(self._older_than[key_id])

    def holder_of(self, workspace: str, name: str) -> str | None:
        """Give the id of the live key of an address."""
        return self._live_at.get((workspace, name))

    def is_open(self, *, place: SinkPlace, key_ids: Iterable[str]) -> bool:
        """Whether an operation is open on the path or for one of the keys."""
        return place in self._open_on or any(self._open_of[key_id] for key_id in key_ids)

    def open_of(self, key_id: str) -> tuple[str, ...]:
        """Give the ids of a key's open operations."""
        return tuple(self._open_of[key_id])

    def add_key(self, row: KeyRow) -> None:
        """Insert a live key; its address is free."""
        self.keys.insert(row["key_id"], row)
        self._live_at[row["workspace"], row["name"]] = row["key_id"]

    def add_version(self, row: VersionRow, secret_hash: str) -> None:
        """Insert a version."""
        self.versions.insert(row["version_id"], row)
        self.hashes[row["version_id"]] = secret_hash
        self._versions_of[row["key_id"]].append(row["version_id"])

    def add_operation(self, row: OperationRow) -> None:
        """Insert an open operation."""
        self.operations.insert(row["operation_id"], row)
        self._note_open(row)

    def add_attempt(self, operation_id: str, version_id: str, expected: int) -> None:
        """Promise one write."""
        row = self.operations.change(operation_id)
        row["attempt_count"] += 1
        self.attempts.append(
            AttemptRow(
                operation_id=operation_id,
                ordinal=row["attempt_count"],
                version_id=version_id,
                expected=expected,
            )
        )

    def close_operation(self, operation_id: str, state: OperationState) -> None:
        """End an open operation."""
        row = self.operations.change(operation_id)
        row["state"], row["closed_at"] = state, self.now
        del self._open_on[row["sink_id"], row["sink_path"]]
        self._open_of[row["key_id"]].discard(operation_id)

    def change_key(self, key_id: str, fields: KeyFields | None = None) -> KeyRow:
        """Give a key's row for changing, its record version raised, its fields replaced."""
        row = self.keys.change(key_id)
        row["record_version"] += 1
        if fields is not None:
            put_fields(row, fields)
        return row

    def move_key(self, key_id: str, workspace: str, name: str) -> None:
        """Give a live key another address, which is free."""
        row = self.keys.change(key_id)
        if (row["workspace"], row["name"]) != (workspace, name):
            self._leave_address(row)
            row["workspace"], row["name"] = workspace, name
            self._live_at[workspace, name] = key_id

    def end_key(self, key_id: str, status: KeyStatus, *, superseded_by: str | None) -> KeyRow:
        """Take a key away from its address."""
        row = self.change_key(key_id)
        if row["status"] is KeyStatus.LIVE:
            self._leave_address(row)
        row["status"] = status
        if superseded_by is not None:
            row["superseded_by"] = superseded_by
            # What that key had replaced is now replaced by the newest one.
            for older in self.replaced_by(key_id):
                self.keys.change(older)["superseded_by"] = superseded_by
                self._older_than[superseded_by].append(older)
            self._older_than[superseded_by].append(key_id)
        return row

    def learn_paths(self, rows: Iterable[SinkPathRow]) -> None:
        """Take the sink paths that were read."""
        self.paths.learn(((row["sink_id"], row["path"]), row) for row in rows)
        for row in self.paths:
            self._note_path(row)

    def add_path(self, row: SinkPathRow) -> None:
        """Insert a path that was never seen."""
        self.paths.insert((row["sink_id"], row["path"]), row)
        self._note_path(row)

    def take_path(self, place: SinkPlace, key_id: str) -> None:
        """Give a path to a key; its last version stays."""
        row = self.paths.change(place)
        row["key_id"], row["is_free"] = key_id, False
        self._note_path(row)

    def leave_paths(self, key_id: str) -> None:
        """Let other keys take what this key owns."""
        for place in self._paths_of.pop(key_id, set()):
            if self.paths[place]["key_id"] == key_id and not self.paths[place]["is_free"]:
                self.paths.change(place)["is_free"] = True

    def retire_now(self, version: VersionRow) -> VersionRow:
        """End a version's acceptance; one that had ended keeps its time."""
        row = self.versions.change(version["version_id"])
        row["state"] = VersionState.RETIRED
        row["retired_at"] = row["retired_at"] or self.now
        return row

    def settle(self, key_id: str) -> None:
        """Deactivate a superseded key once nothing of it is accepted any more."""
        row = self.keys[key_id]
        if row["status"] is not KeyStatus.SUPERSEDED or not row["active"]:
            return
        if not any(self._is_accepted(version) for version in self.versions_of(key_id)):
            changed = self.change_key(key_id)
            put_fields(changed, replace(fields_of(changed), active=False))

    def raise_path(self, operation: OperationRow, seen: int) -> None:
        """Remember the highest version that is known to be in the sink."""
        place = (operation["sink_id"], operation["sink_path"])
        if seen > self.paths[place]["last_version"]:
            self.paths.change(place)["last_version"] = seen

    def set_path(self, operation: OperationRow, confirmed: int) -> None:
        """Remember the version that the sink confirmed, also where the path began anew."""
        place = (operation["sink_id"], operation["sink_path"])
        self.paths.change(place)["last_version"] = confirmed

    def _has_version(self, key_id: str) -> bool:
        return any(v["state"] is not VersionState.RETIRED for v in self.versions_of(key_id))

    def _is_accepted(self, version: VersionRow) -> bool:
        return version["state"].is_accepted(retire_at=version["retire_at"], now=self.now)

    def _leave_address(self, row: KeyRow) -> None:
        del self._live_at[row["workspace"], row["name"]]
        self.vacated.add(row["key_id"])

    def _note_path(self, row: SinkPathRow) -> None:
        self._paths_of[row["key_id"]].add((row["sink_id"], row["path"]))

    def _note_open(self, row: OperationRow) -> None:
        self._open_on[row["sink_id"], row["sink_path"]] = row["operation_id"]
        self._open_of[row["key_id"]].add(row["operation_id"])
