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
from reconciler.model.journal import Fence
from reconciler.model.keys import KeyAddress, KeyFields, RemovalReason
from reconciler.model.resources import Resource, ResourceAddress
from reconciler.model.secret_writes import (
    BeginSecret,
    CloseOperation,
    CommitAttempt,
    ConfirmSecret,
    Retarget,
)


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
    `ConfirmSecret` and `BeginSecret`. A deactivation reaches the keys that this one replaced: their
    last secrets end with it, and do not come back with an activation. Condition: `record_version`
    is still `base`; a new address is not taken.

    With `manager` the key is adopted: it and all that it replaced are that manager's from here on.
    Condition: no operation of another manager is open for it, for that manager's run will end it.
    """

    key_id: str
    base: int
    fields: KeyFields
    address: KeyAddress
    manager: str | None = None
    """Who takes it over; None where it stays whose it is."""
    note: AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireVersion:
    """Retiring becomes retired: bookkeeping after its deadline, or the end on evidence that nobody
    uses it. Condition: its deadline, else its overlap, has passed.
    """

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
    """Stop a key at once, and the one that has replaced it; a second hold keeps the first. Needs no
    lease.
    """

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
    """A version is retired at once, whatever its state. Needs no lease and no sink."""

    version_id: str
    note: AuditNote
    leaked: bool = True
    """False where it is ended again for another reason: whoever presents it learns that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvent:
    """Say something in the audit chain and change nothing."""

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
    | RecordEvent
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
