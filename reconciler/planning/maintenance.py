"""What time brings: open operations, due rotations, ended overlaps, copies to destroy.

All of it was approved by manifests that are already applied. Keys whose declared change makes a
new secret anyway get no rotation here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.keys import KeyRecord, KeyVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.states import ObservedState
from reconciler.planning.actions import MaintenanceKind
from reconciler.planning.plan import MaintenanceItem, Target
from reconciler.planning.rotation import RotationQuestion, rotation_reason


def maintenance_items(
    records: Iterable[KeyRecord],
    observed: ObservedState,
    target: Target,
    renewed: frozenset[str],
) -> tuple[MaintenanceItem, ...]:
    """Give the items by address, and for one key in the order in which they are done.

    `renewed` holds the ids of keys that the declared part gives a new secret or ends.
    """
    open_keys = {operation.key_id for operation in observed.operations}
    found: list[MaintenanceItem] = []
    for record in sorted(records, key=lambda r: (r.address, r.key_id)):
        if record.key_id in open_keys:
            found.extend(_resumed(record, observed))
        elif record.key_id not in renewed:
            found.extend(_rotated(record, observed, target))
        found.extend(_retired(record, observed))
        found.extend(_destroyed(record, observed, target))
    return tuple(found)


def _resumed(record: KeyRecord, observed: ObservedState) -> Iterator[MaintenanceItem]:
    for operation in observed.operations:
        if operation.key_id == record.key_id:
            yield MaintenanceItem(
                address=str(record.address),
                kind=MaintenanceKind.RESUME,
                operation_id=operation.operation_id,
                version_id=operation.target,
                path=operation.sink_path,
                due_since=operation.opened_at,
                workspace=record.address.workspace,
                record=record,
            )


def _rotated(
    record: KeyRecord, observed: ObservedState, target: Target
) -> Iterator[MaintenanceItem]:
    question = RotationQuestion(record=record, target=target, now=observed.read_at)
    reason = rotation_reason(question)
    if reason is not None:
        yield MaintenanceItem(
            address=str(record.address),
            kind=MaintenanceKind.ROTATE,
            reason=reason,
            path=record.fields.sink_path,
            workspace=record.address.workspace,
            record=record,
        )


def _retired(record: KeyRecord, observed: ObservedState) -> Iterator[MaintenanceItem]:
    for version in record.versions:
        if _is_overdue(version, observed):
            yield _version_item(record, version, MaintenanceKind.RETIRE)


def _destroyed(
    record: KeyRecord, observed: ObservedState, target: Target
) -> Iterator[MaintenanceItem]:
    """Name ended versions whose copy is known to be in the sink that can be reached now."""
    for version in record.versions:
        is_over = version.state is VersionState.RETIRED or _is_overdue(version, observed)
        is_there = version.sink_version is not None and version.copy_destroyed_at is None
        if is_over and is_there and version.sink_id == target.sink_id:
            yield _version_item(record, version, MaintenanceKind.DESTROY)


def _is_overdue(version: KeyVersion, observed: ObservedState) -> bool:
    """Whether a replaced version's acceptance has ended by the clock."""
    if version.state is not VersionState.RETIRING or version.retire_at is None:
        return False
    return version.retire_at <= observed.read_at


def _version_item(record: KeyRecord, version: KeyVersion, kind: MaintenanceKind) -> MaintenanceItem:
    return MaintenanceItem(
        address=str(record.address),
        kind=kind,
        version_id=version.version_id,
        path=version.sink_path,
        sink_version=version.sink_version,
        due_since=version.retire_at or version.retired_at,
        workspace=record.address.workspace,
        record=record,
    )
