"""The journal's writes on SQL: begin, attempt, retarget, confirm, close.

Each function first checks every condition of its write and then changes rows; what a write means is
said in `reconciler.model.writes`. `sql_beginning` holds the rules of a new operation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias, assert_never

from reconciler.adapters.sql_beginning import begin_secret, insert_version
from reconciler.adapters.sql_records import fields_of
from reconciler.adapters.sql_retiring import retire_later, waits_for_operation
from reconciler.adapters.sql_rows import KeyRow, OperationRow, VersionRow
from reconciler.adapters.sql_work import Work
from reconciler.model.journal import OperationState
from reconciler.model.keys import KeyFields
from reconciler.model.lifetime import VersionState
from reconciler.model.secret_writes import (
    BeginSecret,
    CloseOperation,
    CommitAttempt,
    ConfirmSecret,
    Retarget,
)
from reconciler.model.writes import WriteRefusal

SecretWrite: TypeAlias = BeginSecret | CommitAttempt | Retarget | ConfirmSecret | CloseOperation


def write_secret(work: Work, write: SecretWrite) -> WriteRefusal | None:
    """Do one write of the journal, or say why not."""
    match write:
        case BeginSecret():
            return begin_secret(work, write)
        case CommitAttempt():
            return _commit_attempt(work, write)
        case Retarget():
            return _retarget(work, write)
        case ConfirmSecret():
            return _confirm(work, write)
        case CloseOperation():
            return _close(work, write)
        case _:
            assert_never(write)


def _commit_attempt(work: Work, write: CommitAttempt) -> WriteRefusal | None:
    refusal = _target_refusal(work, write.operation_id, write.version_id)
    if refusal is None:
        refusal = _provisional_refusal(work, write.version_id)
    if refusal is None:
        work.add_attempt(write.operation_id, write.version_id, write.expected)
        work.raise_path(work.operations[write.operation_id], write.expected)
    return refusal


def _retarget(work: Work, write: Retarget) -> WriteRefusal | None:
    refusal = _target_refusal(work, write.operation_id, write.interrupted)
    if refusal is not None:
        return refusal
    landed = write.interrupted_sink_version
    if landed is not None:
        work.versions.change(write.interrupted)["sink_version"] = landed
    operation = work.operations.change(write.operation_id)
    operation["target"] = write.version.version_id
    insert_version(work, operation, write.version)
    work.add_attempt(write.operation_id, write.version.version_id, write.expected)
    work.raise_path(operation, max(write.expected, landed or 0))
    return None


def _confirm(work: Work, write: ConfirmSecret) -> WriteRefusal | None:
    refusal = _target_refusal(work, write.operation_id, write.version_id)
    if refusal is None:
        refusal = _provisional_refusal(work, write.version_id)
    if refusal is not None:
        return refusal
    operation = work.operations[write.operation_id]
    older = work.older_than(operation["key_id"])
    for version in _replaced(work, operation, older):
        retire_later(work, version, operation)
    _make_current(work, write)
    work.close_operation(write.operation_id, OperationState.CONFIRMED)
    key = work.keys[operation["key_id"]]
    work.change_key(key["key_id"], _confirmed_fields(key, operation))["rotated_at"] = work.now
    work.set_path(operation, write.sink_version)
    for key_id in older:
        work.settle(key_id)
    return None


def _close(work: Work, write: CloseOperation) -> WriteRefusal | None:
    refusal = _open_refusal(work, write.operation_id)
    if refusal is not None:
        return refusal
    operation = work.operations[write.operation_id]
    ends = dict(write.dispositions)
    for version in list(work.versions_of(operation["key_id"])):
        if waits_for_operation(version):
            retire_later(work, version, operation)
        elif _is_provisional_of(version, operation):
            if ends.get(version["version_id"]) is VersionState.RETIRED:
                work.retire_now(version)
            else:
                # Also one that the caller does not name: none stays provisional, and it may
                # have been read.
                retire_later(work, version, operation)
    work.close_operation(write.operation_id, write.state)
    return None


def _replaced(work: Work, operation: OperationRow, older: tuple[str, ...]) -> list[VersionRow]:
    """Give what a confirmed version replaces, of its key and of the keys that the key replaced."""
    own = work.versions_of(operation["key_id"])
    others = (version for key_id in older for version in work.versions_of(key_id))
    return [
        version
        for version in (*own, *others)
        if version["state"] is VersionState.CURRENT
        or _is_provisional_of(version, operation)
        or waits_for_operation(version)
    ]


def _make_current(work: Work, write: ConfirmSecret) -> None:
    row = work.versions.change(write.version_id)
    row["state"] = VersionState.CURRENT
    row["sink_version"] = write.sink_version
    row["confirmed_at"] = work.now
    row["retire_at"] = None


def _confirmed_fields(key: KeyRow, operation: OperationRow) -> KeyFields:
    fields = fields_of(key)
    return replace(
        fields,
        sink_path=operation["sink_path"],
        rotation=replace(fields.rotation, generation=operation["generation"]),
    )


def _is_provisional_of(version: VersionRow, operation: OperationRow) -> bool:
    is_its = version["operation_id"] == operation["operation_id"]
    return is_its and version["state"] is VersionState.PROVISIONAL


def _open_refusal(work: Work, operation_id: str) -> WriteRefusal | None:
    operation = work.operations.get(operation_id)
    if operation is None:
        return WriteRefusal.NOT_FOUND
    is_open = operation["state"] is OperationState.OPEN
    return None if is_open else WriteRefusal.OPERATION_CLOSED


def _target_refusal(work: Work, operation_id: str, target: str) -> WriteRefusal | None:
    refusal = _open_refusal(work, operation_id)
    if refusal is not None:
        return refusal
    is_same = work.operations[operation_id]["target"] == target
    return None if is_same else WriteRefusal.RECORD_CHANGED


def _provisional_refusal(work: Work, version_id: str) -> WriteRefusal | None:
    """A version that leaked meanwhile is retired, and then not loaded at all."""
    version = work.versions.get(version_id)
    if version is not None and version["state"] is VersionState.PROVISIONAL:
        return None
    return WriteRefusal.NOT_PROVISIONAL
