"""What time brings: open operations, repairs, due rotations, ended overlaps, copies to destroy.

All of it was approved by manifests that are already applied. Keys whose declared change makes a
new secret anyway get no rotation here, and nothing is left to do for keys that the plan ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.keys import KeyRecord, KeyVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.states import ObservedState
from reconciler.planning.actions import MaintenanceKind, Reason
from reconciler.planning.drift import Drift
from reconciler.planning.evidence import may_end
from reconciler.planning.places import UsedPlaces, is_over, is_overdue, places_in_use
from reconciler.planning.plan import MaintenanceItem, Target
from reconciler.planning.rotation import RotationQuestion, rotation_reason


def maintenance_items(
    records: Iterable[KeyRecord],
    observed: ObservedState,
    target: Target,
    *,
    renewed: frozenset[str] = frozenset(),
    ended: frozenset[str] = frozenset(),
    drifts: Sequence[Drift] = (),
) -> tuple[MaintenanceItem, ...]:
    """Give the items by address, and for one key in the order in which they are done.

    `renewed` holds the ids of keys that are given no rotation: the declared part makes a new
    secret, or wants none. `ended` holds those that it removes, with all that they replaced.
    `drifts` is what was found in the sink, where somebody looked.
    """
    open_keys = {operation.key_id for operation in observed.operations}
    changed = {drift.key_id: drift for drift in drifts if drift.path is not None}
    mended = {drift.key_id for drift in changed.values() if drift.repair is not None}
    used = places_in_use(observed, {(target.sink_id, d.path) for d in drifts if d.path is not None})
    found: list[MaintenanceItem] = []
    for record in sorted(records, key=lambda r: (r.address.order, r.key_id)):
        if record.key_id in open_keys:
            found.extend(_resumed(record, observed))
        elif record.key_id in changed:
            found.append(_repaired(record, changed[record.key_id]))
        elif record.key_id not in renewed and not _is_at_rest(record, target):
            found.extend(_rotated(record, observed, target))
        if _is_settled(record) or {record.key_id, record.superseded_by} & ended:
            continue
        found.extend(_retired(record, observed, is_mended=record.key_id in mended))
        found.extend(_destroyed(record, observed, target, used))
    return tuple(found)


def _is_settled(record: KeyRecord) -> bool:
    """Whether all that is kept of the key is its current secret, as with most keys."""
    return len(record.versions) == 1 and record.versions[0].state is VersionState.CURRENT


def _is_at_rest(record: KeyRecord, target: Target) -> bool:
    """Whether no rotation can be due: there is no schedule, and the one secret is where it has to
    be, for those who may read it. `rotation` says what else comes due, and why.
    """
    if not _is_settled(record) or record.fields.rotation.every is not None:
        return False
    version = record.versions[0]
    is_there = version.sink_id == target.sink_id and version.sink_path == record.fields.sink_path
    return is_there and version.custody == target.custody


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


def _repaired(record: KeyRecord, drift: Drift) -> MaintenanceItem:
    """Give the rotation that mends a changed path, or what a person has to decide."""
    if drift.repair is None:
        return _of_path(record, MaintenanceKind.REPAIR, drift=drift)
    return _of_path(record, MaintenanceKind.ROTATE, reason=drift.repair, found=drift.seen)


def _rotated(
    record: KeyRecord, observed: ObservedState, target: Target
) -> Iterator[MaintenanceItem]:
    question = RotationQuestion(record=record, target=target, now=observed.read_at)
    reason = rotation_reason(question)
    if reason is not None:
        yield _of_path(record, MaintenanceKind.ROTATE, reason=reason)


def _of_path(
    record: KeyRecord,
    kind: MaintenanceKind,
    *,
    reason: Reason | None = None,
    found: int | None = None,
    drift: Drift | None = None,
) -> MaintenanceItem:
    return MaintenanceItem(
        address=str(record.address),
        kind=kind,
        reason=reason,
        path=record.fields.sink_path,
        found=found,
        drift=drift,
        workspace=record.address.workspace,
        record=record,
    )


def _retired(
    record: KeyRecord, observed: ObservedState, *, is_mended: bool
) -> Iterator[MaintenanceItem]:
    """Name versions that are to end; the repair of a path lets those that wait for evidence wait
    for its own end first.
    """
    for version in record.versions:
        if is_overdue(version, observed.read_at):
            yield _version_item(record, version, MaintenanceKind.RETIRE, Reason.OVERLAP_PASSED)
        elif not is_mended and _is_unused(version, record, observed):
            yield _version_item(record, version, MaintenanceKind.RETIRE, Reason.UNUSED)


def _destroyed(
    record: KeyRecord, observed: ObservedState, target: Target, used: UsedPlaces
) -> Iterator[MaintenanceItem]:
    """Name ended versions whose copy is known to be in the sink that can be reached now."""
    for version in record.versions:
        if version.sink_version is None or version.copy_destroyed_at is not None:
            continue
        is_used = used.holds(version.sink_id, version.sink_path, version.sink_version)
        is_reached = version.sink_id == target.sink_id and not is_used
        if is_reached and is_over(version, observed.read_at):
            yield _version_item(record, version, MaintenanceKind.DESTROY, Reason.ENDED)


def _is_unused(version: KeyVersion, record: KeyRecord, observed: ObservedState) -> bool:
    """Whether a replaced version without a deadline may end on evidence."""
    if version.state is not VersionState.RETIRING or version.retire_at is not None:
        return False
    return may_end(version, record, now=observed.read_at, uses_until=observed.uses_until)


def _version_item(
    record: KeyRecord, version: KeyVersion, kind: MaintenanceKind, reason: Reason
) -> MaintenanceItem:
    return MaintenanceItem(
        address=str(record.address),
        kind=kind,
        reason=reason,
        version_id=version.version_id,
        path=version.sink_path,
        sink_version=version.sink_version,
        due_since=version.retire_at or version.overlap_until or version.retired_at,
        workspace=record.address.workspace,
        record=record,
    )
