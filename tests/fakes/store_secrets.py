"""Writes of the journal in memory: begin, attempt, retarget, confirm, close."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.journal import Attempt, Operation, OperationKind, OperationState, PathRow
from reconciler.model.keys import KeyRecord, KeyStatus, fields_fingerprint
from reconciler.model.lifetime import VersionState
from reconciler.model.secret_writes import (
    BeginSecret,
    CloseOperation,
    CommitAttempt,
    ConfirmSecret,
    PathOverride,
    Retarget,
)
from reconciler.model.writes import WriteRefusal
from tests.fakes.store_transaction import Transaction


def begin_secret(at: Transaction, write: BeginSecret) -> WriteRefusal | None:
    """Open the operation with its first version and attempt."""
    refusal = _begin_refusal(at, write)
    if refusal is not None:
        return refusal
    operation = write.operation
    if operation.supersedes is not None:
        for older in at.replaced_by(operation.supersedes):
            at.state.keys[older.key_id] = replace(older, superseded_by=operation.key_id)
        ends = [at.state.keys[operation.supersedes].expires_at]
        if write.new_key is not None:
            ends.append(write.new_key.fields.expiration.after(at.now))
        at.change_key(
            operation.supersedes,
            status=KeyStatus.SUPERSEDED,
            superseded_by=operation.key_id,
            expires_at=min((end for end in ends if end is not None), default=None),
        )
    if write.new_key is not None:
        at.state.keys[operation.key_id] = KeyRecord(
            key_id=operation.key_id,
            address=write.new_key.address,
            manager=write.new_key.manager,
            status=KeyStatus.LIVE,
            fields=write.new_key.fields,
            stored_fingerprint=fields_fingerprint(write.new_key.fields),
            record_version=1,
            created_at=at.now,
            expires_at=write.new_key.fields.expiration.after(at.now),
        )
    elif write.moved_to is not None:
        at.change_fields(operation.key_id, sink_path=operation.sink_path)
        at.change_key(operation.key_id, address=write.moved_to)
    _take_path(at, operation)
    _override(at, write)
    opened = replace(operation, state=OperationState.OPEN, opened_at=at.now, attempts=())
    at.add_version(opened, write.version, write.expected)
    if operation.supersedes is not None:
        at.settle(operation.supersedes)
    return None


def _begin_refusal(at: Transaction, write: BeginSecret) -> WriteRefusal | None:
    refusal = _record_refusal(at, write)
    if refusal is not None:
        return refusal
    operation = write.operation
    mine = {operation.key_id, operation.supersedes}
    address = write.moved_to if write.new_key is None else write.new_key.address
    other = None if address is None else at.state.live_at(address)
    if other is not None and other.key_id not in mine:
        return WriteRefusal.ADDRESS_TAKEN
    place = (operation.sink_id, operation.sink_path)
    for opened in at.open_operations():
        if (opened.sink_id, opened.sink_path) == place or opened.key_id in mine:
            return WriteRefusal.OPERATION_OPEN
    row = at.state.paths.get(place)
    if row is not None and not row.is_free and row.key_id not in mine:
        return WriteRefusal.PATH_TAKEN
    if write.override is not None:
        return None
    last_version = 0 if row is None else row.last_version
    return None if write.expected == last_version else WriteRefusal.RECORD_CHANGED


def _record_refusal(at: Transaction, write: BeginSecret) -> WriteRefusal | None:
    """Check the key that gets the secret, or that hands its path over; a new one has nothing."""
    operation = write.operation
    key_id = operation.key_id if write.new_key is None else operation.supersedes
    if key_id is None:
        return None
    key = at.state.keys.get(key_id)
    if key is None:
        return WriteRefusal.NOT_FOUND
    if key.status is not KeyStatus.LIVE or key.record_version != write.base:
        return WriteRefusal.RECORD_CHANGED
    is_replacing = operation.kind in {OperationKind.REISSUE, OperationKind.RENAME}
    return WriteRefusal.HELD if key.hold is not None and is_replacing else None


def _take_path(at: Transaction, operation: Operation) -> None:
    place = (operation.sink_id, operation.sink_path)
    for other, row in at.state.paths.items():
        if row.key_id in {operation.key_id, operation.supersedes} and other != place:
            at.state.paths[other] = replace(row, is_free=True)
    taken = at.state.paths.get(place)
    at.state.paths[place] = PathRow(
        sink_id=operation.sink_id,
        path=operation.sink_path,
        key_id=operation.key_id,
        is_free=False,
        last_version=0 if taken is None else taken.last_version,
        adopted_version=None if taken is None else taken.adopted_version,
    )


def _override(at: Transaction, write: BeginSecret) -> None:
    operation = write.operation
    if write.override is PathOverride.ADOPT:
        place = (operation.sink_id, operation.sink_path)
        at.state.paths[place] = replace(
            at.state.paths[place],
            adopted_version=write.expected,
            last_version=write.expected,
        )
    if write.override is PathOverride.REPAIR:
        for slot in at.state.slots(operation.key_id):
            is_retiring = slot.version.state is VersionState.RETIRING
            if is_retiring and slot.version.is_accepted(at.now):
                at.change_version(slot.version.version_id, retire_at=None, overlap_until=None)


def _target_refusal(at: Transaction, operation_id: str, target: str) -> WriteRefusal | None:
    operation = at.state.operations.get(operation_id)
    if operation is None:
        return WriteRefusal.NOT_FOUND
    if operation.state is not OperationState.OPEN:
        return WriteRefusal.OPERATION_CLOSED
    return None if operation.target == target else WriteRefusal.RECORD_CHANGED


def _live_target_refusal(at: Transaction, operation_id: str, target: str) -> WriteRefusal | None:
    refusal = _target_refusal(at, operation_id, target)
    if refusal is not None:
        return refusal
    is_provisional = at.state.versions[target].version.state is VersionState.PROVISIONAL
    return None if is_provisional else WriteRefusal.NOT_PROVISIONAL


def commit_attempt(at: Transaction, write: CommitAttempt) -> WriteRefusal | None:
    """Promise one more write of the target."""
    refusal = _live_target_refusal(at, write.operation_id, write.version_id)
    if refusal is not None:
        return refusal
    operation = at.state.operations[write.operation_id]
    attempt = Attempt(version_id=write.version_id, expected=write.expected)
    at.state.operations[operation.operation_id] = replace(
        operation, attempts=(*operation.attempts, attempt)
    )
    at.raise_path(operation, write.expected)
    return None


def retarget(at: Transaction, write: Retarget) -> WriteRefusal | None:
    """Let a new version take over."""
    refusal = _target_refusal(at, write.operation_id, write.interrupted)
    if refusal is not None:
        return refusal
    operation = at.state.operations[write.operation_id]
    if write.interrupted_sink_version is not None:
        at.change_version(write.interrupted, sink_version=write.interrupted_sink_version)
    at.add_version(operation, write.version, write.expected)
    at.raise_path(operation, max(write.expected, write.interrupted_sink_version or 0))
    return None


def confirm_secret(at: Transaction, write: ConfirmSecret) -> WriteRefusal | None:
    """Make the target current; what it replaces retires later."""
    refusal = _live_target_refusal(at, write.operation_id, write.version_id)
    if refusal is not None:
        return refusal
    operation = at.state.operations[write.operation_id]
    older = at.predecessors(operation.key_id)
    for slot in list(at.state.versions.values()):
        is_older = slot.key_id in {k.key_id for k in older}
        is_own = slot.key_id == operation.key_id
        if (is_own or is_older) and slot.version.state is VersionState.CURRENT:
            at.retire_later(slot, operation)
    for slot in at.provisional(operation):
        at.retire_later(slot, operation)
    for slot in at.waiting({operation.key_id, *(k.key_id for k in older)}):
        at.retire_later(slot, operation)
    at.change_version(
        write.version_id,
        state=VersionState.CURRENT,
        sink_version=write.sink_version,
        confirmed_at=at.now,
        retire_at=None,
    )
    at.state.operations[operation.operation_id] = replace(operation, state=OperationState.CONFIRMED)
    rotation = at.state.keys[operation.key_id].fields.rotation
    at.change_fields(
        operation.key_id,
        sink_path=operation.sink_path,
        rotation=replace(rotation, generation=operation.generation),
    )
    at.change_key(operation.key_id, rotated_at=at.now)
    at.set_path(operation, write.sink_version)
    for key in older:
        at.settle(key.key_id)
    return None


def close_operation(at: Transaction, write: CloseOperation) -> WriteRefusal | None:
    """End without a confirmed version; none of its versions stays provisional."""
    operation = at.state.operations.get(write.operation_id)
    if operation is None:
        return WriteRefusal.NOT_FOUND
    if operation.state is not OperationState.OPEN:
        return WriteRefusal.OPERATION_CLOSED
    for slot in at.waiting({operation.key_id}):
        at.retire_later(slot, operation)
    ends = dict(write.dispositions)
    for slot in at.provisional(operation):
        if ends.get(slot.version.version_id) is VersionState.RETIRED:
            at.retire_now(slot)
        else:
            at.retire_later(slot, operation)
    at.state.operations[operation.operation_id] = replace(operation, state=write.state)
    return None
