"""The writes that make a secret: transaction A, further attempts, recovery, transaction B.

Each states its own condition; what a transaction of them means is said in `model/writes.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.audit import AuditNote
from reconciler.model.journal import Operation, OperationState
from reconciler.model.keys import KeyAddress, KeyFields
from reconciler.model.lifetime import VersionState


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


class PathOverride(StrEnum):
    """Why a path may be written over that is not at its recorded version."""

    REPAIR = "repair"
    """What stands there is ours, or nothing does: drift is mended."""
    ADOPT = "adopt"
    """A manifest says so, for exactly that version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginSecret:
    """Transaction A: a provisional version, its operation, its first attempt.

    With `new_key` the key is inserted first (create, reissue). With `operation.supersedes` the
    named live key becomes superseded and hands over its path. With `moved_to` the key gets a new
    address and leaves its old path (rename); a changed path without a new name gives its own
    address. Conditions: the record (or the superseded one) is still at `base`, is not held where
    this is a reissue or rename, no operation is open on the path, the path is free or owned by
    this key or by the superseded one and still at `expected`, the address is free.

    With `override` the path was found at `expected` in the sink, whatever is recorded of it. A
    repair takes the deadlines away from the key's replaced versions, for one of them may be what
    consumers read just now; they get one again when the operation ends. An adoption is remembered
    with the path, and `expected` is its last version from then on.
    """

    operation: Operation
    version: NewVersion
    expected: int
    """The attempt: the path's last version, 0 for a new path."""
    base: int | None
    """The record's version; None for a create."""
    new_key: NewKey | None = None
    moved_to: KeyAddress | None = None
    override: PathOverride | None = None
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
    key's expiry; a version that was current has none where its key retires when unused. The
    record's generation, sink path and rotation time follow, and the path's last version is the
    confirmed one.
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
