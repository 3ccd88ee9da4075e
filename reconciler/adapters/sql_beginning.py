"""The start of a new secret on SQL: when an operation may be opened, and the rows that it makes."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from reconciler.adapters.sql_records import fields_of, fields_row, source_text
from reconciler.adapters.sql_retiring import retire_with_operation
from reconciler.adapters.sql_rows import KeyRow, OperationRow, SinkPathRow, VersionRow
from reconciler.adapters.sql_work import Work
from reconciler.model.journal import Operation, OperationKind, OperationState
from reconciler.model.keys import KeyAddress, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.secret_writes import BeginSecret, NewKey, NewVersion, PathOverride
from reconciler.model.writes import WriteRefusal

_REPLACING = {OperationKind.REISSUE, OperationKind.RENAME}
"""What a hold blocks."""


def begin_secret(work: Work, write: BeginSecret) -> WriteRefusal | None:
    """Open the operation with its first version and attempt, or say why not."""
    refusal = (
        _record_refusal(work, write) or _address_refusal(work, write) or _path_refusal(work, write)
    )
    if refusal is not None:
        return refusal
    operation = write.operation
    if operation.supersedes is not None:
        work.end_key(operation.supersedes, KeyStatus.SUPERSEDED, superseded_by=operation.key_id)
    if write.new_key is not None:
        _insert_key(work, write.new_key)
    elif write.moved_to is not None:
        _move_key(work, operation, write.moved_to)
    _take_path(work, operation)
    _override(work, write)
    row = _operation_row(work, operation, write.version.version_id)
    work.add_operation(row)
    insert_version(work, row, write.version)
    work.add_attempt(operation.operation_id, write.version.version_id, write.expected)
    if operation.supersedes is not None:
        _end_no_later(work, operation.supersedes, operation.key_id)
        work.settle(operation.supersedes)
    return None


def _end_no_later(work: Work, old_id: str, new_id: str) -> None:
    """Let what a key has replaced never outlive it, even where its own secret never arrives."""
    old, new = work.keys.change(old_id), work.keys[new_id]
    ends = [row["expires_at"] for row in (old, new) if row["expires_at"] is not None]
    old["expires_at"] = min(ends, default=None)


def insert_version(work: Work, operation: OperationRow, new: NewVersion) -> None:
    """Add a provisional version of an operation."""
    row = VersionRow(
        version_id=new.version_id,
        key_id=operation["key_id"],
        operation_id=operation["operation_id"],
        state=VersionState.PROVISIONAL,
        sink_id=new.sink_id,
        sink_path=new.sink_path,
        sink_version=None,
        custody=new.custody,
        last_characters=new.last_characters,
        created_at=work.now,
        confirmed_at=None,
        retire_at=None,
        overlap_until=None,
        retired_at=None,
        leaked=False,
        copy_destroyed_at=None,
        audit_sequence=work.next_event,
    )
    work.add_version(row, new.secret_hash)


def _record_refusal(work: Work, write: BeginSecret) -> WriteRefusal | None:
    """Check the key that gets the secret, or that hands its path over; a new one has nothing."""
    operation = write.operation
    key_id = operation.key_id if write.new_key is None else operation.supersedes
    if key_id is None:
        return None
    key = work.keys.get(key_id)
    if key is None:
        return WriteRefusal.NOT_FOUND
    if key["status"] is not KeyStatus.LIVE or key["record_version"] != write.base:
        return WriteRefusal.RECORD_CHANGED
    is_held = key["hold_since"] is not None
    return WriteRefusal.HELD if is_held and operation.kind in _REPLACING else None


def _address_refusal(work: Work, write: BeginSecret) -> WriteRefusal | None:
    address = write.moved_to if write.new_key is None else write.new_key.address
    if address is None:
        return None
    holder = work.holder_of(address.workspace, address.name)
    is_ours = holder in {None, write.operation.key_id, write.operation.supersedes}
    return None if is_ours else WriteRefusal.ADDRESS_TAKEN


def _path_refusal(work: Work, write: BeginSecret) -> WriteRefusal | None:
    operation = write.operation
    place = (operation.sink_id, operation.sink_path)
    ours = _own_keys(operation)
    if work.is_open(place=place, key_ids=ours):
        return WriteRefusal.OPERATION_OPEN
    row = work.paths.get(place)
    if row is not None and not row["is_free"] and row["key_id"] not in ours:
        return WriteRefusal.PATH_TAKEN
    if write.override is not None:
        return None
    last_version = 0 if row is None else row["last_version"]
    return None if write.expected == last_version else WriteRefusal.RECORD_CHANGED


def _own_keys(operation: Operation) -> tuple[str, ...]:
    if operation.supersedes is None:
        return (operation.key_id,)
    return (operation.key_id, operation.supersedes)


def _insert_key(work: Work, new: NewKey) -> None:
    row = KeyRow(
        **fields_row(new.fields),
        key_id=new.key_id,
        workspace=new.address.workspace,
        name=new.address.name,
        manager=new.manager,
        status=KeyStatus.LIVE,
        record_version=1,
        created_at=work.now,
        expires_at=new.fields.expiration.after(work.now),
        hold_reason=None,
        hold_by=None,
        hold_since=None,
        superseded_by=None,
        rotated_at=None,
        removal_reason=None,
        removed_at=None,
        audit_sequence=work.next_event,
    )
    work.add_key(row)


def _move_key(work: Work, operation: Operation, address: KeyAddress) -> None:
    """Give the key its new address and path; the secret follows at the confirmation."""
    fields = replace(fields_of(work.keys[operation.key_id]), sink_path=operation.sink_path)
    work.change_key(operation.key_id, fields)
    work.move_key(operation.key_id, address.workspace, address.name)


def _take_path(work: Work, operation: Operation) -> None:
    """Own the path; every other path of the key, or of the one it replaces, is left."""
    place = (operation.sink_id, operation.sink_path)
    for key_id in _own_keys(operation):
        work.leave_paths(key_id)
    if work.paths.get(place) is None:
        row = SinkPathRow(
            sink_id=operation.sink_id,
            path=operation.sink_path,
            key_id=operation.key_id,
            is_free=False,
            last_version=0,
            adopted_version=None,
        )
        work.add_path(row)
    else:
        work.take_path(place, operation.key_id)


def _override(work: Work, write: BeginSecret) -> None:
    match write.override:
        case None:
            return
        case PathOverride.REPAIR:
            for version in list(work.versions_of(write.operation.key_id)):
                retire_with_operation(work, version)
        case PathOverride.ADOPT:
            place = (write.operation.sink_id, write.operation.sink_path)
            row = work.paths.change(place)
            row["adopted_version"] = row["last_version"] = write.expected
        case _:
            assert_never(write.override)


def _operation_row(work: Work, operation: Operation, target: str) -> OperationRow:
    return OperationRow(
        operation_id=operation.operation_id,
        kind=operation.kind,
        key_id=operation.key_id,
        sink_id=operation.sink_id,
        sink_path=operation.sink_path,
        target=target,
        overlap=operation.overlap,
        generation=operation.generation,
        supersedes=operation.supersedes,
        reason=operation.reason,
        source=source_text(operation.source),
        state=OperationState.OPEN,
        opened_at=work.now,
        closed_at=None,
        attempt_count=0,
        audit_sequence=work.next_event,
    )
