"""Which writes and which secrets a planned change stands for. Pure; nothing is decided anew.

A change of a key is at most one store write followed by at most one secret; a change of a
resource is one store write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.apply.work import SecretWork
from reconciler.model.audit import AuditNote
from reconciler.model.journal import OperationKind, PathRow
from reconciler.model.keys import KeyFields, KeyRecord, KeySpec, RemovalReason
from reconciler.model.resources import Resource, address_of
from reconciler.model.secret_writes import NewKey, PathOverride
from reconciler.model.writes import PutResource, RemoveKey, RemoveResource, UpdateKey, Write
from reconciler.planning.actions import Action, Reason
from reconciler.planning.plan import Adoption, Change, MaintenanceItem
from reconciler.ports import Entropy

_STORE_ONLY = {Action.UPDATE, Action.ACTIVATE, Action.DEACTIVATE}


def store_write(change: Change, manager: str) -> Write | None:
    """Give the write of a change that needs no sink; None where there is none."""
    if not change.is_key:
        return _resource_write(change, manager)
    record = change.record
    if record is None:
        return None
    if change.removal is not None:
        return RemoveKey(
            key_id=record.key_id,
            base=record.record_version,
            reason=RemovalReason(change.removal),
            note=note(change, "key-removed"),
        )
    renamed_in_place = Action.RENAME in change.actions and change.secret is None
    is_written = renamed_in_place or _STORE_ONLY & set(change.actions)
    if change.adoption is None and not is_written:
        return None
    return _update(change, record, manager=manager, renamed=renamed_in_place)


def _update(change: Change, record: KeyRecord, *, manager: str, renamed: bool) -> UpdateKey:
    spec = change.spec
    adopted = {} if change.adoption is None else _owners(change.adoption, manager)
    return UpdateKey(
        key_id=record.key_id,
        base=record.record_version,
        fields=_fields_after(change, record),
        address=spec.address if spec is not None and renamed else record.address,
        manager=adopted.get("manager"),
        note=note(change, "key-renamed" if renamed else _update_event(change), **adopted),
    )


def _owners(adoption: Adoption, manager: str) -> dict[str, str]:
    """Say for the audit whose the key is now, and whose it was where it was anybody's."""
    former = adoption.former_manager
    return {"manager": manager, **({} if former is None else {"formerManager": former})}


def _fields_after(change: Change, record: KeyRecord) -> KeyFields:
    """Give the fields that the write leaves; a replaced or undeclared key can only be stopped."""
    if change.spec is not None and not _is_reissue(change):
        return change.spec.fields
    is_stopped = Action.DEACTIVATE in change.actions
    return replace(record.fields, active=False) if is_stopped else record.fields


def _is_reissue(change: Change) -> bool:
    return Action.REISSUE in change.actions


def _update_event(change: Change) -> str:
    if change.adoption is not None:
        return "key-adopted"
    if Action.UPDATE in change.actions:
        return "key-updated"
    return "key-activated" if Action.ACTIVATE in change.actions else "key-deactivated"


def _resource_write(change: Change, manager: str) -> Write:
    base = None if change.base is None else change.base.fingerprint
    if change.body is not None:
        return PutResource(
            resource=Resource(address=address_of(change.body), body=change.body, manager=manager),
            base=base,
            note=note(change, "resource-stored"),
        )
    if change.resource is None or base is None:
        raise AssertionError("a dropped resource is a stored one")
    return RemoveResource(
        address=change.resource.address, base=base, note=note(change, "resource-removed")
    )


def note(change: Change, event: str, **more: str) -> AuditNote:
    """Give what the audit says about a change: its reason, its place, the fields' names, more."""
    facts = {"actions": ",".join(a.value for a in change.actions), **more}
    if change.fields:
        facts["fields"] = ",".join(f.name for f in change.fields)
    if change.previous_address is not None:
        facts["previousAddress"] = change.previous_address
    if change.removal is not None:
        facts["removal"] = change.removal
    return AuditNote(
        event=event,
        address=change.address,
        reason=change.reason.value,
        source=change.source,
        detail=tuple(sorted(facts.items())),
    )


def declared_work(
    change: Change,
    *,
    manager: str,
    paths: Mapping[str, PathRow],
    entropy: Entropy,
) -> SecretWork | None:
    """Give the secret that a declared change makes; None where it makes none.

    `paths` holds the rows of the sink in use, by path.
    """
    spec = change.spec
    if spec is None or change.secret is None:
        return None
    record = change.record
    if record is None or _is_reissue(change):
        work = _new_key_work(change, spec, record, manager=manager, paths=paths, entropy=entropy)
    else:
        work = _renewal_work(change, spec, record, manager=manager, paths=paths)
    adopts = change.secret.adopts
    return work if adopts is None else replace(work, expected=adopts, override=PathOverride.ADOPT)


def _renewal_work(
    change: Change, spec: KeySpec, record: KeyRecord, *, manager: str, paths: Mapping[str, PathRow]
) -> SecretWork:
    moved = spec.address != record.address or spec.fields.sink_path != record.fields.sink_path
    return SecretWork(
        address=record.address,
        actions=_words(change),
        kind=OperationKind.RENAME if moved else OperationKind.ROTATE,
        key_id=record.key_id,
        environment=record.fields.environment,
        path=spec.fields.sink_path,
        expected=_last_version(paths, spec.fields.sink_path),
        generation=spec.fields.rotation.generation,
        overlap=spec.fields.rotation.overlap,
        reason=change.reason.value,
        source=change.source,
        created_at=record.created_at,
        expires_at=record.expires_at,
        base=_base_after(change, record, manager),
        moved_to=spec.address if moved else None,
        recorded=recorded_version(record, spec.fields.sink_path),
    )


def _base_after(change: Change, record: KeyRecord, manager: str) -> int:
    """Give the record's version as the change's own store write leaves it."""
    return record.record_version + (0 if store_write(change, manager) is None else 1)


def recorded_version(record: KeyRecord, path: str) -> int | None:
    """Give where the current secret is, if it is at that path."""
    current = record.current
    return current.sink_version if current is not None and current.sink_path == path else None


def _new_key_work(
    change: Change,
    spec: KeySpec,
    record: KeyRecord | None,
    *,
    manager: str,
    paths: Mapping[str, PathRow],
    entropy: Entropy,
) -> SecretWork:
    key_id, fields = entropy.identifier(), spec.fields
    return SecretWork(
        address=spec.address,
        actions=_words(change),
        kind=OperationKind.CREATE if record is None else OperationKind.REISSUE,
        key_id=key_id,
        environment=fields.environment,
        path=fields.sink_path,
        expected=_last_version(paths, fields.sink_path),
        generation=fields.rotation.generation,
        overlap=fields.rotation.overlap,
        reason=change.reason.value,
        source=change.source,
        created_at=None,
        expires_at=None,
        base=None if record is None else _base_after(change, record, manager),
        new_key=NewKey(key_id=key_id, address=spec.address, manager=manager, fields=fields),
        supersedes=None if record is None else record.key_id,
        recorded=None if record is None else recorded_version(record, fields.sink_path),
    )


def rotation_work(
    item: MaintenanceItem,
    record: KeyRecord,
    paths: Mapping[str, PathRow],
    *,
    updated: KeySpec | None = None,
) -> SecretWork:
    """Give the secret that a due rotation makes, at the key's own path and generation.

    `updated` is what the same run has just written to the record, None where it wrote nothing.
    """
    fields: KeyFields = record.fields
    overlap = (fields if updated is None else updated.fields).rotation.overlap
    return SecretWork(
        address=record.address if updated is None else updated.address,
        actions=(item.kind.value,),
        kind=OperationKind.ROTATE,
        key_id=record.key_id,
        environment=fields.environment,
        path=fields.sink_path,
        expected=_last_version(paths, fields.sink_path) if item.found is None else item.found,
        override=None if item.found is None else PathOverride.REPAIR,
        generation=fields.rotation.generation,
        overlap=overlap,
        reason=(item.reason or Reason.REQUESTED).value,
        created_at=record.created_at,
        expires_at=record.expires_at,
        base=record.record_version + (0 if updated is None else 1),
        is_maintenance=True,
        recorded=None if item.found is not None else recorded_version(record, fields.sink_path),
    )


def _last_version(paths: Mapping[str, PathRow], path: str) -> int:
    row = paths.get(path)
    return 0 if row is None else row.last_version


def _words(change: Change) -> tuple[str, ...]:
    return tuple(action.value for action in change.actions)
