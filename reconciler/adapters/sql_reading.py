"""Reading the store: one consistent view, few statements, joined here. No hash is read but by
`presented`, and nothing is locked: the right to read is enough.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, or_, select

from reconciler.adapters.sql_among import among
from reconciler.adapters.sql_observed import plain_rows, read_records, shared
from reconciler.adapters.sql_records import (
    operation_of,
    path_of,
    resource_of,
)
from reconciler.adapters.sql_rows import (
    AttemptRow,
    OperationRow,
    ResourceRow,
    SinkPathRow,
)
from reconciler.adapters.sql_tables import (
    attempts,
    is_live,
    is_open,
    key_versions,
    keys,
    meta,
    operations,
    resources,
    sink_paths,
)
from reconciler.adapters.sql_uses import read_reporters
from reconciler.adapters.sql_whole import read_foreign, with_all_versions
from reconciler.model.journal import Operation, OperationState
from reconciler.model.keys import KeyAddress, KeyRecord, KeyStatus
from reconciler.model.resources import Resource
from reconciler.model.states import ObservedState
from reconciler.model.uses import covered_since, covered_until
from reconciler.ports import StoredVersion


def observe(
    connection: Connection, manager: str, now: datetime, whole: frozenset[KeyAddress]
) -> ObservedState:
    """Read everything of one manager, and foreign records of the addresses `whole`."""
    stored = connection.execute(select(meta)).one()
    tombs = _tombstones(connection, manager)
    places = shared(plain_rows(connection.execute(select(sink_paths))))
    records, marks = read_records(connection, manager)
    reporters = read_reporters(connection)
    return ObservedState(
        store_id=stored.store_id,
        manager=manager,
        read_at=now,
        records=records,
        removed=frozenset(tombs),
        removed_held=frozenset(address for address, is_held in tombs.items() if is_held),
        resources=_resources(connection),
        operations=_open_operations(connection, manager),
        paths=tuple(
            sorted(
                (path_of(cast("SinkPathRow", row)) for row in places),
                key=lambda path: (path.sink_id, path.path),
            )
        ),
        foreign=read_foreign(connection, manager, whole),
        uses_until=covered_until(reporter.until for reporter in reporters),
        uses_since=covered_since(reporters),
        marks=marks,
        audit_sequence=stored.audit_sequence,
        audit_head=stored.audit_head,
    )


def presented(connection: Connection, version_id: str) -> StoredVersion | None:
    """Give a version with its key and its hash."""
    wanted = select(key_versions.c.key_id, key_versions.c.secret_hash)
    found = connection.execute(wanted.where(key_versions.c.version_id == version_id)).one_or_none()
    if found is None:
        return None
    record = with_all_versions(connection, keys.c.key_id == found.key_id)[0]
    version = next(v for v in record.versions if v.version_id == version_id)
    return StoredVersion(record=record, version=version, secret_hash=found.secret_hash)


def find(connection: Connection, address: KeyAddress) -> tuple[KeyRecord, ...]:
    """Give all records of an address with all their versions, newest first."""
    is_it = (keys.c.workspace == address.workspace) & (keys.c.name == address.name)
    return tuple(with_all_versions(connection, is_it))


def family(connection: Connection, key_ids: frozenset[str]) -> tuple[KeyRecord, ...]:
    """Give keys by their ids, and all that they replaced."""
    ids = [(key_id,) for key_id in sorted(key_ids)]
    if not ids:
        return ()
    own = among(connection, (keys.c.key_id,), ids)
    replaced = among(connection, (keys.c.superseded_by,), ids)
    return tuple(with_all_versions(connection, or_(own, replaced)))


def late_attempts(connection: Connection, sink_id: str, path: str) -> frozenset[int]:
    """Give the versions that attempts of abandoned operations on the path expected."""
    wanted = (
        select(attempts.c.expected)
        .join(operations, operations.c.operation_id == attempts.c.operation_id)
        .where(
            operations.c.sink_id == sink_id,
            operations.c.sink_path == path,
            operations.c.state == OperationState.ABANDONED,
        )
    )
    return frozenset(connection.execute(wanted).scalars())


def addresses(connection: Connection, name: str) -> tuple[KeyAddress, ...]:
    """Give the live addresses with that name."""
    rows = connection.execute(select(keys.c.workspace).where(is_live, keys.c.name == name))
    return tuple(sorted(KeyAddress(workspace=row.workspace, name=name) for row in rows))


def _tombstones(connection: Connection, manager: str) -> dict[KeyAddress, bool]:
    """Give removed addresses, each with whether its newest tombstone is on hold."""
    wanted = (
        select(keys.c.workspace, keys.c.name, keys.c.hold_since)
        .where(keys.c.manager == manager, keys.c.status == KeyStatus.REMOVED)
        .order_by(keys.c.removed_at, keys.c.audit_sequence)
    )
    return {
        KeyAddress(workspace=row.workspace, name=row.name): row.hold_since is not None
        for row in connection.execute(wanted)
    }


def _resources(connection: Connection) -> tuple[Resource, ...]:
    rows = connection.execute(select(resources)).mappings()
    found = (resource_of(cast("ResourceRow", row)) for row in rows)
    return tuple(sorted(found, key=lambda resource: str(resource.address)))


def _open_operations(connection: Connection, manager: str) -> tuple[Operation, ...]:
    its = keys.c.manager == manager
    own = keys.c.key_id == operations.c.key_id
    wanted = select(operations).join(keys, own).where(its, is_open)
    rows = connection.execute(wanted.order_by(operations.c.audit_sequence)).mappings().all()
    tried = (
        select(attempts)
        .join(operations, operations.c.operation_id == attempts.c.operation_id)
        .join(keys, own)
        .where(its, is_open)
        .order_by(attempts.c.ordinal)
    )
    by_operation: defaultdict[str, list[AttemptRow]] = defaultdict(list)
    for row in connection.execute(tried).mappings():
        by_operation[row["operation_id"]].append(cast("AttemptRow", row))
    return tuple(
        operation_of(cast("OperationRow", row), by_operation[row["operation_id"]]) for row in rows
    )
