"""What a store holds, as values: records, versions and whole observations for tests of planning."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from reconciler.model.journal import Operation, OperationKind, PathRow
from reconciler.model.keys import (
    Hold,
    KeyAddress,
    KeyRecord,
    KeyRemoval,
    KeySpec,
    KeyStatus,
    KeyVersion,
)
from reconciler.model.lifetime import VersionState
from reconciler.model.policy import Policy
from reconciler.model.resources import Body, Resource, address_of
from reconciler.model.source import SourceRef
from reconciler.model.states import ObservedState
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import Change, Plan, Target
from reconciler.planning.planner import make_plan
from tests.fakes.store import STORE_ID
from tests.fakes.system import START
from tests.fakes.world import ADMIN, MANAGER, PAYMENTS, SINK_ID, desired, policy, spec

NOW = START
TARGET = Target(store_id=STORE_ID, sink_id=SINK_ID)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HELD = Hold(reason="seen in a log", by=ADMIN, since=NOW)


def address(name: str) -> KeyAddress:
    """Give the address of a key of payments."""
    return KeyAddress(workspace="payments", name=name)


def version(version_id: str = "v1", **changes: Any) -> KeyVersion:
    """Give a current version whose copy is at version 1 of payments/prod/a."""
    made = KeyVersion(
        version_id=version_id,
        state=VersionState.CURRENT,
        sink_id=SINK_ID,
        sink_path="payments/prod/a",
        sink_version=1,
        custody="",
        last_characters="x9Kf",
        created_at=NOW,
        confirmed_at=NOW,
    )
    return replace(made, **changes)


def record(
    name: str = "a",
    *,
    versions: tuple[KeyVersion, ...] | None = None,
    about: dict[str, Any] | None = None,
    **fields: Any,
) -> KeyRecord:
    """Give the live record that applying `spec(name, **fields)` leaves; `about` changes it."""
    declared = spec(name, **fields)
    made = KeyRecord(
        key_id=f"key-{name}",
        address=declared.address,
        manager=MANAGER,
        status=KeyStatus.LIVE,
        fields=declared.fields,
        record_version=2,
        created_at=NOW,
        expires_at=declared.fields.expiration.after(NOW),
        rotated_at=NOW,
        versions=(version(sink_path=declared.fields.sink_path),) if versions is None else versions,
    )
    return replace(made, **(about or {}))


def path_row(stored: KeyRecord, **changes: Any) -> PathRow:
    """Give the row of a record's path."""
    made = PathRow(
        sink_id=SINK_ID,
        path=stored.fields.sink_path,
        key_id=stored.key_id,
        is_free=False,
        last_version=1,
    )
    return replace(made, **changes)


def operation(stored: KeyRecord, **changes: Any) -> Operation:
    """Give an open rotation of a record."""
    made = Operation(
        operation_id=f"operation-{stored.address.name}",
        kind=OperationKind.ROTATE,
        key_id=stored.key_id,
        sink_id=SINK_ID,
        sink_path=stored.fields.sink_path,
        target="v2",
        overlap=DAY,
        generation=stored.fields.rotation.generation,
        opened_at=NOW,
    )
    return replace(made, **changes)


def stored(body: Body, manager: str = MANAGER) -> Resource:
    """Give a stored resource."""
    return Resource(address=address_of(body), body=body, manager=manager)


def observed(
    *records: KeyRecord,
    resources: tuple[Resource, ...] = (),
    judge: Policy | None = None,
    **changes: Any,
) -> ObservedState:
    """Give what the store holds: a policy, the workspace payments, these records."""
    made = ObservedState(
        store_id=STORE_ID,
        manager=MANAGER,
        read_at=NOW,
        records=records,
        resources=(stored(judge or policy()), stored(PAYMENTS), *resources),
        paths=tuple(path_row(r) for r in records),
    )
    return replace(made, **changes)


def request(
    *items: KeySpec | KeyRemoval | Body, at: ObservedState | None = None, **changes: Any
) -> PlanRequest:
    """Ask for the plan of these declarations (with the workspace payments) against a store."""
    made = PlanRequest(
        desired=desired(PAYMENTS, *items),
        observed=observed() if at is None else at,
        target=TARGET,
    )
    return replace(made, **changes)


def plan_of(
    *items: KeySpec | KeyRemoval | Body, at: ObservedState | None = None, **changes: Any
) -> Plan:
    """Plan these declarations."""
    return make_plan(request(*items, at=at, **changes))


def only_change(plan: Plan) -> Change:
    """Give the one change of a plan."""
    (change,) = plan.changes
    return change


def place(name: str = "a", line: int = 1) -> SourceRef:
    """Give where the document of a key stands."""
    return SourceRef(file=f"keys/payments/{name}.yaml", line=line, column=1)
