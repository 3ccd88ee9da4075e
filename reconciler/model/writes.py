"""Everything that can be written to the store, as values: the closed vocabulary of transactions.

A `Commit` is one transaction. Each write in it states its own condition; a write whose condition
no longer holds is left out and answered with its `WriteRefusal`, the others stand. The fence is
stronger: without the lease nothing of the commit is written. Running a commit a second time with
the same `commit_id` gives the first run's answer and changes nothing, so an unknown outcome is
cured by running it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from reconciler.model.audit import AuditNote
from reconciler.model.journal import Fence, Operation, OperationState
from reconciler.model.keys import KeyAddress, KeyFields, RemovalReason
from reconciler.model.lifetime import VersionState
from reconciler.model.resources import Resource, ResourceAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version about to exist, with the hash of its secret."""

    version_id: str
    secret_hash: str
    """PHC string of argon2id over the full text of the key."""
    sink_id: str
    sink_path: str
    custody: str
    last_characters: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key about to exist; creation time and expiry are set by the database's clock."""

    key_id: str
    address: KeyAddress
    manager: str
    fields: KeyFields


@dataclass(frozen=True, slots=True, kw_only=True)
class PutResource:
    """Store a resource; condition: its stored fingerprint is still `base` (None: absent)."""

    resource: Resource
    base: str | None
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveResource:
    """Drop a resource; condition: its stored fingerprint is still `base`."""

    address: ResourceAddress
    base: str
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateKey:
    """Replace a live key's fields, and its address where it is renamed without a new path.

    Never touches generation, reissue, expiration, environment or sink path: those belong to
    `ConfirmSecret` and `BeginSecret`. Condition: `record_version` is still `base`; a new address
    is not taken.
    """

    key_id: str
    base: int
    fields: KeyFields
    address: KeyAddress
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginSecret:
    """Transaction A: a provisional version, its operation, its first attempt.

    With `new_key` the key is inserted first (create, reissue). With `operation.supersedes` the
    named live key becomes superseded and hands over its path. With `moved_to` the key gets a new
    address and leaves its old path (rename); a changed path without a new name gives its own
    address. Conditions: the record (or the superseded one) is still at `base`, is not held where
    this is a reissue or rename, no operation is open on the path, the path is free or owned by
    this key or by the superseded one, the address is free.
    """

    operation: Operation
    version: NewVersion
    expected: int
    """The attempt: the path's last version, 0 for a new path."""
    base: int | None
    """The record's version; None for a create."""
    new_key: NewKey | None = None
    moved_to: KeyAddress | None = None
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitAttempt:
    """A further attempt of the target version; condition: the operation is open with it."""

    operation_id: str
    version_id: str
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retarget:
    """Recovery: a new version takes over an open operation, with its first attempt.

    The interrupted version stays provisional until the new one is confirmed. Condition: the
    operation is open and its target is still `interrupted`.
    """

    operation_id: str
    interrupted: str
    interrupted_sink_version: int | None
    """Where the interrupted version was seen to have landed, None where it was not."""
    version: NewVersion
    expected: int
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmSecret:
    """Transaction B: provisional becomes current with its sink version; the old one retires.

    Condition: the operation is open with this target and the version is still provisional. The
    deadline of the old current version, of the superseded key's, and of this operation's other
    provisional versions is the database's now plus the operation's overlap, never later than the
    key's expiry. The record's generation, sink path and rotation time follow.
    """

    operation_id: str
    version_id: str
    sink_version: int
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseOperation:
    """End an operation without a confirmed version; condition: it is open.

    `dispositions` says what becomes of each of its provisional versions: retired (every attempt
    was definitely refused) or retiring with the operation's overlap (it may have been read).
    """

    operation_id: str
    state: OperationState
    dispositions: tuple[tuple[str, VersionState], ...]
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireVersion:
    """Bookkeeping: retiring becomes retired; condition: its deadline has passed."""

    version_id: str
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveKey:
    """Retire all versions, abandon its open operation, leave a tombstone, free its path.

    Condition: `record_version` is still `base`.
    """

    key_id: str
    base: int
    reason: RemovalReason
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDestroyed:
    """Remember that the copy of a retired version is gone from the sink."""

    version_id: str
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldKey:
    """Stop a live key at once; a second hold keeps the first. Needs no lease."""

    key_id: str
    reason: str
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseKey:
    """End a hold; condition: the key is held."""

    key_id: str
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeVersion:
    """A leaked version is retired at once, whatever its state. Needs no lease and no sink."""

    version_id: str
    note: AuditNote


Write: TypeAlias = (
    PutResource
    | RemoveResource
    | UpdateKey
    | BeginSecret
    | CommitAttempt
    | Retarget
    | ConfirmSecret
    | CloseOperation
    | RetireVersion
    | RemoveKey
    | RecordDestroyed
    | HoldKey
    | ReleaseKey
    | RevokeVersion
)


class WriteRefusal(StrEnum):
    """Why a write's condition did not hold."""

    RECORD_CHANGED = "record-changed"
    ADDRESS_TAKEN = "address-taken"
    PATH_TAKEN = "path-taken"
    OPERATION_OPEN = "operation-open"
    OPERATION_CLOSED = "operation-closed"
    NOT_PROVISIONAL = "not-provisional"
    NOT_DUE = "not-due"
    HELD = "held"
    NOT_HELD = "not-held"
    NOT_FOUND = "not-found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One transaction of many writes."""

    commit_id: str
    """Unique; repeated when the outcome of a first try is unknown."""
    actor: str
    fence: Fence | None
    """None only for holds, releases, leaks and the first policy."""
    writes: tuple[Write, ...]
    revision: str | None = None
    plan_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """The store's answer to a commit."""

    at: datetime
    """The database's time of the transaction; creation times of new rows."""
    refusals: tuple[WriteRefusal | None, ...]
    """One entry per write, in order; None where it was written."""
    audit_sequence: int
    audit_head: str


def overlap_deadline(now: datetime, overlap: timedelta, expires_at: datetime | None) -> datetime:
    """Give the end of acceptance of a version that was just replaced."""
    deadline = now + overlap
    return deadline if expires_at is None else min(deadline, expires_at)
