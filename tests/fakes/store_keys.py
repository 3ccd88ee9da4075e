"""Writes of keys, versions and resources in memory."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.journal import OperationState
from reconciler.model.keys import Hold, KeyFields, KeyRecord, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.writes import (
    HoldKey,
    PutResource,
    RecordDestroyed,
    ReleaseKey,
    RemoveKey,
    RemoveResource,
    RetireVersion,
    RevokeVersion,
    UpdateKey,
    WriteRefusal,
)
from tests.fakes.store_transaction import Transaction


def put_resource(at: Transaction, write: PutResource) -> WriteRefusal | None:
    """Store it, where what is stored is still what the plan saw."""
    stored = at.state.resources.get(write.resource.address)
    if (None if stored is None else stored.fingerprint) != write.base:
        return WriteRefusal.RECORD_CHANGED
    at.state.resources[write.resource.address] = write.resource
    return None


def remove_resource(at: Transaction, write: RemoveResource) -> WriteRefusal | None:
    """Drop it, where it is still what the plan saw."""
    stored = at.state.resources.get(write.address)
    if stored is None:
        return WriteRefusal.NOT_FOUND
    if stored.fingerprint != write.base:
        return WriteRefusal.RECORD_CHANGED
    del at.state.resources[write.address]
    return None


def update_key(at: Transaction, write: UpdateKey) -> WriteRefusal | None:
    """Replace fields and address, keeping what belongs to other writes."""
    key = at.state.keys.get(write.key_id)
    if key is None:
        return WriteRefusal.NOT_FOUND
    if key.status is not KeyStatus.LIVE or key.record_version != write.base:
        return WriteRefusal.RECORD_CHANGED
    other = at.state.live_at(write.address)
    if other is not None and other.key_id != key.key_id:
        return WriteRefusal.ADDRESS_TAKEN
    if write.manager is not None and not _adopt(at, key, write.manager):
        return WriteRefusal.OPERATION_OPEN
    kept = _with_kept(write.fields, key.fields)
    at.change_key(key.key_id, fields=kept, address=write.address)
    for older in at.predecessors(key.key_id) if not kept.active else ():
        if older.fields.active:
            at.change_fields(older.key_id, active=False)
            at.change_key(older.key_id)
    return None


def _adopt(at: Transaction, key: KeyRecord, manager: str) -> bool:
    """Give the key, and those that it replaced, to a manager; not while its own one works on it."""
    if key.manager is not None and any(o.key_id == key.key_id for o in at.open_operations()):
        return False
    for owned in list(at.state.keys.values()):
        if key.key_id in {owned.key_id, owned.superseded_by}:
            at.state.keys[owned.key_id] = replace(owned, manager=manager)
    return True


def _with_kept(wanted: KeyFields, stored: KeyFields) -> KeyFields:
    return replace(
        wanted,
        environment=stored.environment,
        sink_path=stored.sink_path,
        expiration=stored.expiration,
        reissue=stored.reissue,
        rotation=replace(wanted.rotation, generation=stored.rotation.generation),
    )


def remove_key(at: Transaction, write: RemoveKey) -> WriteRefusal | None:
    """Leave a tombstone: nothing of the key, nor of those it replaced, is accepted any more."""
    key = at.state.keys.get(write.key_id)
    if key is None:
        return WriteRefusal.NOT_FOUND
    if key.status is KeyStatus.REMOVED or key.record_version != write.base:
        return WriteRefusal.RECORD_CHANGED
    older = at.predecessors(key.key_id)
    for ended in (key, *older):
        for slot in at.state.slots(ended.key_id):
            if slot.version.state is not VersionState.RETIRED:
                at.retire_now(slot)
    _leave(at, key.key_id)
    at.change_key(key.key_id, status=KeyStatus.REMOVED)
    at.state.removed.append(key.key_id)
    for other in older:
        at.settle(other.key_id)
    return None


def _leave(at: Transaction, key_id: str) -> None:
    """Give up the operation under way and the path."""
    for operation in list(at.open_operations()):
        if operation.key_id == key_id:
            at.state.operations[operation.operation_id] = replace(
                operation, state=OperationState.ABANDONED
            )
    for place, row in at.state.paths.items():
        if row.key_id == key_id:
            at.state.paths[place] = replace(row, is_free=True)


def hold_key(at: Transaction, write: HoldKey) -> WriteRefusal | None:
    """Stop it; a second hold keeps the first."""
    key = at.state.keys.get(write.key_id)
    if key is None or key.status is KeyStatus.REMOVED:
        return WriteRefusal.NOT_FOUND
    successor = at.state.keys.get(key.superseded_by or "")
    for held in (key, successor):
        if held is not None:
            hold = held.hold or Hold(reason=write.reason, by=at.actor, since=at.now)
            at.change_key(held.key_id, bump=0, hold=hold)
    return None


def release_key(at: Transaction, write: ReleaseKey) -> WriteRefusal | None:
    """End the hold, also that of a tombstone."""
    key = at.state.keys.get(write.key_id)
    if key is None:
        return WriteRefusal.NOT_FOUND
    if key.hold is None:
        return WriteRefusal.NOT_HELD
    at.change_key(key.key_id, bump=0, hold=None)
    return None


def retire_version(at: Transaction, write: RetireVersion) -> WriteRefusal | None:
    """Note that the clock ended a version."""
    slot = at.state.versions.get(write.version_id)
    if slot is None:
        return WriteRefusal.NOT_FOUND
    deadline = slot.version.retire_at or slot.version.overlap_until
    is_retiring = slot.version.state is VersionState.RETIRING
    if not is_retiring or deadline is None or deadline > at.now:
        return WriteRefusal.NOT_DUE
    at.retire_now(slot)
    at.settle(slot.key_id)
    return None


def record_destroyed(at: Transaction, write: RecordDestroyed) -> WriteRefusal | None:
    """Note that the copy is gone."""
    slot = at.state.versions.get(write.version_id)
    if slot is None:
        return WriteRefusal.NOT_FOUND
    if slot.version.state is not VersionState.RETIRED:
        return WriteRefusal.NOT_DUE
    at.change_version(write.version_id, copy_destroyed_at=slot.version.copy_destroyed_at or at.now)
    return None


def revoke_version(at: Transaction, write: RevokeVersion) -> WriteRefusal | None:
    """End a leaked version, whatever its state."""
    slot = at.state.versions.get(write.version_id)
    if slot is None:
        return WriteRefusal.NOT_FOUND
    at.retire_now(slot, leaked=write.leaked)
    at.settle(slot.key_id)
    return None
