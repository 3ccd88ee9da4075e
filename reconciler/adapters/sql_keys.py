"""Writes of keys on SQL: update, remove, hold, release."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias, assert_never

from reconciler.adapters.sql_records import fields_of
from reconciler.adapters.sql_work import Work
from reconciler.model.journal import OperationState
from reconciler.model.keys import KeyFields, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.writes import HoldKey, ReleaseKey, RemoveKey, UpdateKey, WriteRefusal

KeyWrite: TypeAlias = UpdateKey | RemoveKey | HoldKey | ReleaseKey


def write_key(work: Work, write: KeyWrite) -> WriteRefusal | None:
    """Do one write of a key, or say why not."""
    match write:
        case UpdateKey():
            return _update(work, write)
        case RemoveKey():
            return _remove(work, write)
        case HoldKey():
            return _hold(work, write)
        case ReleaseKey():
            return _release(work, write)
        case _:
            assert_never(write)


def _update(work: Work, write: UpdateKey) -> WriteRefusal | None:
    key = work.keys.get(write.key_id)
    if key is None:
        return WriteRefusal.NOT_FOUND
    if key["status"] is not KeyStatus.LIVE or key["record_version"] != write.base:
        return WriteRefusal.RECORD_CHANGED
    workspace, name = write.address.workspace, write.address.name
    if work.holder_of(workspace, name) not in {None, write.key_id}:
        return WriteRefusal.ADDRESS_TAKEN
    if write.manager is not None and key["manager"] is not None and work.open_of(write.key_id):
        return WriteRefusal.OPERATION_OPEN
    work.change_key(write.key_id, _with_kept(write.fields, fields_of(key)))
    work.move_key(write.key_id, workspace, name)
    if write.manager is not None:
        _adopt(work, write.key_id, write.manager)
    if not write.fields.active:
        _deactivate_replaced(work, write.key_id)
    return None


def _adopt(work: Work, key_id: str, manager: str) -> None:
    """Give the key and all that it replaced to a manager, whose runs end what is left of them."""
    for owned in (key_id, *work.replaced_by(key_id)):
        work.keys.change(owned)["manager"] = manager


def _deactivate_replaced(work: Work, key_id: str) -> None:
    """Stop what the key has replaced too: its last secret would work for the overlap else."""
    for older in work.older_than(key_id):
        fields = fields_of(work.keys[older])
        if fields.active:
            work.change_key(older, replace(fields, active=False))


def _with_kept(wanted: KeyFields, stored: KeyFields) -> KeyFields:
    """Give the wanted fields with those that only a new secret or a new key may change."""
    return replace(
        wanted,
        environment=stored.environment,
        sink_path=stored.sink_path,
        expiration=stored.expiration,
        reissue=stored.reissue,
        rotation=replace(wanted.rotation, generation=stored.rotation.generation),
    )


def _remove(work: Work, write: RemoveKey) -> WriteRefusal | None:
    key = work.keys.get(write.key_id)
    if key is None:
        return WriteRefusal.NOT_FOUND
    if key["status"] is KeyStatus.REMOVED or key["record_version"] != write.base:
        return WriteRefusal.RECORD_CHANGED
    older = work.older_than(write.key_id)
    for key_id in (write.key_id, *older):
        _retire_all(work, key_id)
    for operation_id in work.open_of(write.key_id):
        work.close_operation(operation_id, OperationState.ABANDONED)
    work.leave_paths(write.key_id)
    row = work.end_key(write.key_id, KeyStatus.REMOVED, superseded_by=None)
    row["removal_reason"], row["removed_at"] = write.reason, work.now
    for key_id in older:
        work.settle(key_id)
    return None


def _retire_all(work: Work, key_id: str) -> None:
    for version in list(work.versions_of(key_id)):
        if version["state"] is not VersionState.RETIRED:
            work.retire_now(version)


def _hold(work: Work, write: HoldKey) -> WriteRefusal | None:
    key = work.keys.get(write.key_id)
    if key is None or key["status"] is KeyStatus.REMOVED:
        return WriteRefusal.NOT_FOUND
    # A reissue may have come between the look and the hold.
    successor = work.keys.get(key["superseded_by"] or "")
    for held in (key, successor):
        if held is not None and held["hold_since"] is None:
            # The record version stays: a hold must not make an approved plan look stale.
            row = work.keys.change(held["key_id"])
            row["hold_reason"], row["hold_by"] = write.reason, work.actor
            row["hold_since"] = work.now
    return None


def _release(work: Work, write: ReleaseKey) -> WriteRefusal | None:
    key = work.keys.get(write.key_id)
    if key is None:
        return WriteRefusal.NOT_FOUND
    if key["hold_since"] is None:
        return WriteRefusal.NOT_HELD
    row = work.keys.change(write.key_id)
    row["hold_reason"] = row["hold_by"] = row["hold_since"] = None
    return None
