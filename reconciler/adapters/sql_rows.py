"""Rows as the tables hold them, typed, and the set of rows that one transaction works on.

Nothing is decided here: writes change rows, `sql_flush` brings the changes to the database.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypedDict, TypeVar

from reconciler.model.journal import OperationKind, OperationState
from reconciler.model.keys import KeyStatus, RemovalReason
from reconciler.model.lifetime import Expiration, Retirement, VersionState
from reconciler.model.resources import ResourceKind


class FieldsRow(TypedDict):
    """The columns of `keys` that hold what a manifest declares."""

    environment: str
    sink_path: str
    scopes: str
    allowlist: str | None
    ranges: str | None
    expiration: Expiration
    active: bool
    protected: bool
    generation: int
    every: timedelta | None
    overlap: timedelta
    retire: Retirement | None
    reissue: int
    owner: str | None
    description: str | None
    labels: str
    fingerprint: str


class KeyRow(FieldsRow):
    """One row of `keys`."""

    key_id: str
    workspace: str
    name: str
    manager: str | None
    status: KeyStatus
    record_version: int
    created_at: datetime
    expires_at: datetime | None
    hold_reason: str | None
    hold_by: str | None
    hold_since: datetime | None
    superseded_by: str | None
    rotated_at: datetime | None
    removal_reason: RemovalReason | None
    removed_at: datetime | None
    audit_sequence: int


class VersionRow(TypedDict):
    """One row of `key_versions` without its hash."""

    version_id: str
    key_id: str
    operation_id: str
    state: VersionState
    sink_id: str
    sink_path: str
    sink_version: int | None
    custody: str
    last_characters: str
    created_at: datetime
    confirmed_at: datetime | None
    retire_at: datetime | None
    overlap_until: datetime | None
    retired_at: datetime | None
    leaked: bool
    copy_destroyed_at: datetime | None
    audit_sequence: int


class OperationRow(TypedDict):
    """One row of `operations`."""

    operation_id: str
    kind: OperationKind
    key_id: str
    sink_id: str
    sink_path: str
    target: str
    overlap: timedelta
    generation: int
    supersedes: str | None
    reason: str
    source: str | None
    state: OperationState
    opened_at: datetime
    closed_at: datetime | None
    attempt_count: int
    audit_sequence: int


class AttemptRow(TypedDict):
    """One row of `attempts`."""

    operation_id: str
    ordinal: int
    version_id: str
    expected: int


class SinkPathRow(TypedDict):
    """One row of `sink_paths`."""

    sink_id: str
    path: str
    key_id: str
    is_free: bool
    last_version: int
    adopted_version: int | None


class ResourceRow(TypedDict):
    """One row of `resources`."""

    kind: ResourceKind
    workspace: str
    name: str
    manager: str
    document: str
    fingerprint: str
    changed_at: datetime


Id = TypeVar("Id", bound=Hashable)
Row = TypeVar("Row", bound=Mapping[str, Any])


class RowSet(Generic[Id, Row]):
    """Rows of one table: those that were read, and what became of them."""

    def __init__(self) -> None:
        """Start without rows."""
        self._rows: dict[Id, Row] = {}
        self._new: set[Id] = set()
        self._changed: dict[Id, None] = {}
        self.dropped: list[Id] = []

    def learn(self, rows: Iterable[tuple[Id, Row]]) -> None:
        """Take rows that were read, by their id; a row that was read twice counts once."""
        self._rows.update(rows)

    def get(self, row_id: Id) -> Row | None:
        """Give a row for reading."""
        return self._rows.get(row_id)

    def __getitem__(self, row_id: Id) -> Row:
        return self._rows[row_id]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def change(self, row_id: Id) -> Row:
        """Give a row that is about to be changed in place."""
        if row_id not in self._new:
            self._changed[row_id] = None
        return self._rows[row_id]

    def insert(self, row_id: Id, row: Row) -> None:
        """Add a row."""
        self._rows[row_id] = row
        self._new.add(row_id)

    def drop(self, row_id: Id) -> None:
        """Take a row away."""
        del self._rows[row_id]
        self._changed.pop(row_id, None)
        if row_id in self._new:
            self._new.discard(row_id)
        else:
            self.dropped.append(row_id)

    @property
    def new(self) -> list[Row]:
        """Give the rows to insert, in order."""
        return [row for row_id, row in self._rows.items() if row_id in self._new]

    @property
    def changed(self) -> list[Row]:
        """Give the rows to update, in the order of their first change."""
        return [self._rows[row_id] for row_id in self._changed]
