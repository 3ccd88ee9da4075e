"""Plans, reports and records to render: one of each kind, made by the planner where it can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from reconciler.model.audit import GENESIS, AuditEvent, AuditNote
from reconciler.model.journal import Lease, Operation, OperationKind
from reconciler.model.keys import (
    Hold,
    KeyAddress,
    KeyFields,
    KeyRecord,
    KeyRemoval,
    KeySpec,
    KeyStatus,
    KeyVersion,
    RemovalReason,
    Rotation,
)
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.policy import Guards, Policy, Prune
from reconciler.model.resources import Body, Resource, address_of
from reconciler.model.scopes import ScopeCatalog, ScopeGrant
from reconciler.model.source import Problem, Revision, SourceRef
from reconciler.model.states import (
    DeclaredResource,
    DesiredState,
    ForeignRecord,
    ObservedState,
)
from reconciler.model.workspaces import NetworkSet, Workspace, WorkspaceDefaults
from reconciler.planning.actions import MaintenanceKind, Reason
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import MaintenanceItem, Plan, Target
from reconciler.planning.selection import Selection
from reconciler.review.reviewing import reviewed_plan

NOW = datetime(2026, 11, 23, 14, 50, tzinfo=timezone.utc)
COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f80910111213"
COMMITTED = Revision(commit=COMMIT)
EVERYTHING = Selection()
TARGET = Target(store_id="store-1", sink_id="age:sink-1", custody="0a1b2c3d")
NAME = KeyAddress(workspace="payments", name="billing-sync-prod")
SOURCE = SourceRef(file="keys/payments/billing-sync-prod.yaml", line=14, column=1, end_line=40)
FIELDS = KeyFields(
    environment="prod",
    sink_path="payments/prod/billing-sync",
    scopes=(
        ScopeGrant(resource="Reviews", level="read"),
        ScopeGrant(resource="Webhooks", level="read"),
    ),
    expiration=Expiration.QUARTER,
    owner="team-payments",
    description="Pulls invoices into the ledger",
    labels=(("system", "billing-sync"),),
)


def key_version(number: int = 3, **changed: object) -> KeyVersion:
    """Give a current version, or one with something changed."""
    version = KeyVersion(
        version_id=f"version{number:05d}",
        state=VersionState.CURRENT,
        sink_id=TARGET.sink_id,
        sink_path=FIELDS.sink_path,
        sink_version=number,
        custody=TARGET.custody,
        last_characters="x9Kf",
        created_at=NOW - timedelta(days=20),
        confirmed_at=NOW - timedelta(days=20),
    )
    return replace(version, **changed)  # type: ignore[arg-type]  # any field by its name


def key_record(fields: KeyFields = FIELDS, **changed: object) -> KeyRecord:
    """Give the stored key, or one with something changed."""
    record = KeyRecord(
        key_id="key-1",
        address=NAME,
        manager="platform-keys",
        status=KeyStatus.LIVE,
        fields=fields,
        record_version=7,
        created_at=NOW - timedelta(days=20),
        expires_at=NOW + timedelta(days=70),
        rotated_at=NOW - timedelta(days=20),
        versions=(key_version(),),
    )
    return replace(record, **changed)  # type: ignore[arg-type]  # any field by its name


def key_spec(fields: KeyFields = FIELDS, **changed: object) -> KeySpec:
    """Give the declared key, or one with something changed."""
    spec = KeySpec(address=NAME, fields=fields, source=SOURCE)
    return replace(spec, **changed)  # type: ignore[arg-type]  # any field by its name


def planned(
    *,
    keys: Sequence[KeySpec] = (),
    records: Sequence[KeyRecord] = (),
    bodies: Sequence[Body] = (),
    stored: Sequence[Body] = (),
    removals: Sequence[KeyRemoval] = (),
    operations: Sequence[Operation] = (),
    foreign: Sequence[ForeignRecord] = (),
    revision: Revision = COMMITTED,
    selection: Selection = EVERYTHING,
) -> Plan:
    """Make a plan of these sides."""
    desired = DesiredState(
        manager="platform-keys",
        keys=tuple(keys),
        removals=tuple(removals),
        resources=tuple(
            DeclaredResource(body=b, source=replace(SOURCE, file=f"keys/{n}.yaml", line=1))
            for n, b in enumerate(bodies)
        ),
        revision=revision,
        manifest_digest="5e" * 32,
    )
    observed = ObservedState(
        store_id=TARGET.store_id,
        manager="platform-keys",
        read_at=NOW,
        records=tuple(records),
        resources=tuple(
            Resource(address=address_of(b), body=b, manager="platform-keys") for b in stored
        ),
        operations=tuple(operations),
        foreign=tuple(foreign),
    )
    return reviewed_plan(
        PlanRequest(desired=desired, observed=observed, target=TARGET, selection=selection)
    )


def plans() -> dict[str, Plan]:
    """Give one plan of each kind by name."""
    return {**_secret_plans(), **_field_plans(), **_ending_plans(), **_resource_plans(), **_other()}


def _changed(**changed: object) -> Plan:
    fields = replace(FIELDS, **changed)  # type: ignore[arg-type]  # any field by its name
    return planned(keys=[key_spec(fields)], records=[key_record()])


def _secret_plans() -> dict[str, Plan]:
    renamed = KeyAddress(workspace="payments", name="ledger-sync-prod")
    return {
        "create": planned(keys=[key_spec()]),
        "create-inactive": planned(keys=[key_spec(replace(FIELDS, active=False))]),
        "rotate": _changed(rotation=Rotation(generation=2)),
        "move-path": _changed(sink_path="payments/prod/ledger"),
        "reissue": _changed(reissue=2, expiration=Expiration.YEAR),
        "rename": planned(
            keys=[
                key_spec(
                    replace(FIELDS, sink_path="payments/prod/ledger-sync"),
                    address=renamed,
                    previous_name=NAME.name,
                )
            ],
            records=[key_record()],
        ),
        "rename-in-place": planned(
            keys=[key_spec(address=renamed, previous_name=NAME.name)], records=[key_record()]
        ),
    }


def _field_plans() -> dict[str, Plan]:
    ranges = ("203.0.113.0/24", "203.0.113.7/32", "2001:db8:40::/48")
    open_key = key_record(replace(FIELDS, allowlist=ranges, ranges=ranges))
    return {
        "update": _changed(
            scopes=(
                ScopeGrant(resource="Repositories", level="read"),
                ScopeGrant(resource="Webhooks", level="change"),
            ),
            allowlist=(*ranges, "network:ci-runners"),
            ranges=(*ranges, "198.51.100.0/25"),
            rotation=Rotation(every=timedelta(days=30)),
            protected=True,
            owner=None,
            description='Says "→ read" now',
            labels=(("system", "ledger"), ("tier", "1")),
        ),
        "unrestrict": planned(keys=[key_spec()], records=[open_key]),
        "activate": planned(keys=[key_spec()], records=[key_record(replace(FIELDS, active=False))]),
        "deactivate": _changed(active=False),
        "update-and-rotate": _changed(owner="team-ledger", rotation=Rotation(generation=2)),
    }


def _ending_plans() -> dict[str, Plan]:
    other = key_spec(address=KeyAddress(workspace="payments", name="etl-prod"))
    found = {
        f"remove-{reason.value}": planned(
            records=[key_record()],
            removals=[KeyRemoval(address=NAME, reason=reason, source=SOURCE)],
        )
        for reason in RemovalReason
        if reason is not RemovalReason.UNDECLARED
    }
    return {
        **found,
        "prune-deactivate": planned(records=[key_record()], bodies=[Policy()], stored=[Policy()]),
        "prune-remove": planned(
            records=[key_record(), key_record(key_id="key-2", address=other.address)],
            keys=[other],
            bodies=[Policy(prune=Prune.REMOVE)],
            stored=[Policy(prune=Prune.REMOVE)],
        ),
    }


def _resource_plans() -> dict[str, Plan]:
    levels = {"Reviews": ("read", "operate")}
    old: list[Body] = [
        Policy(),
        Workspace(name="payments", admins=("local:alice",)),
        NetworkSet(name="ci-runners", ranges=("198.51.100.0/24",)),
        ScopeCatalog.of(levels),
    ]
    new: list[Body] = [
        Policy(guards=Guards(max_removals=3), platform_admins=("local:root",)),
        Workspace(
            name="payments",
            admins=("local:alice", "local:bob"),
            defaults=WorkspaceDefaults(expiration=Expiration.MONTH),
        ),
        NetworkSet(name="office", workspace="payments", ranges=("203.0.113.0/28",)),
        ScopeCatalog.of({"Reviews": ("read", "comment", "operate")}),
    ]
    return {"resources": planned(bodies=new, stored=old)}


def maintained() -> tuple[KeyRecord, Operation]:
    """Give a key with everything that time can bring but a rotation."""
    retiring = key_version(
        2, state=VersionState.RETIRING, retire_at=NOW - timedelta(hours=1), last_characters="p2Qa"
    )
    retired = key_version(
        1, state=VersionState.RETIRED, retired_at=NOW - timedelta(days=3), last_characters="aaaa"
    )
    provisional = key_version(
        4, state=VersionState.PROVISIONAL, sink_version=None, confirmed_at=None
    )
    record = key_record(versions=(retired, retiring, key_version(), provisional))
    operation = Operation(
        operation_id="operation-1",
        kind=OperationKind.ROTATE,
        key_id=record.key_id,
        sink_id=TARGET.sink_id,
        sink_path=FIELDS.sink_path,
        target=provisional.version_id,
        overlap=timedelta(hours=24),
        generation=1,
        opened_at=NOW - timedelta(minutes=5),
    )
    return record, operation


def maintenance_items() -> tuple[MaintenanceItem, ...]:
    """Give one item of each kind and reason."""
    rotation = MaintenanceItem(
        address=str(NAME), kind=MaintenanceKind.ROTATE, path=FIELDS.sink_path, workspace="payments"
    )
    reasons = (None, Reason.ROTATION_DUE, Reason.SINK_CHANGED, Reason.RECIPIENT_REMOVED)
    more = (Reason.NO_LIVE_VERSION, Reason.REQUESTED, Reason.DECLARED, Reason.ROTATION_DUE)
    record, operation = maintained()
    plan = planned(keys=[key_spec()], records=[record], operations=[operation])
    return (*plan.maintenance, *(replace(rotation, reason=r) for r in (*reasons, *more)))


def _other() -> dict[str, Plan]:
    record, operation = maintained()
    unchanged = planned(keys=[key_spec()], records=[key_record()])
    foreign = [
        ForeignRecord(address=KeyAddress(workspace="a", name="b"), manager="web", sink_path="a/b"),
        ForeignRecord(address=KeyAddress(workspace="a", name="c"), manager=None, sink_path="a/c"),
    ]
    return {
        "no-changes": unchanged,
        "no-changes-many": replace(unchanged, unchanged=414),
        "maintenance": planned(keys=[key_spec()], records=[record], operations=[operation]),
        "maintenance-all": replace(unchanged, maintenance=maintenance_items()),
        "partial": planned(keys=[key_spec()], selection=Selection(targets=("payments/*",))),
        "unmanaged": planned(keys=[key_spec()], records=[key_record()], foreign=foreign),
        "unmanaged-one": planned(keys=[key_spec()], foreign=foreign[:1]),
        "dirty": planned(keys=[key_spec()], revision=Revision(commit=COMMIT, dirty=True)),
        "outside-git": planned(keys=[key_spec()], revision=Revision()),
        "noted": planned(
            keys=[key_spec()],
            removals=[
                KeyRemoval(
                    address=KeyAddress(workspace="payments", name="never"),
                    reason=RemovalReason.POLICY,
                    source=SOURCE,
                )
            ],
        ),
        "refused": planned(records=[key_record(), key_record(replace(FIELDS, protected=True))]),
        "held": planned(
            keys=[key_spec(replace(FIELDS, reissue=2))],
            records=[key_record(hold=Hold(reason="leaked?", by="local:alice", since=NOW))],
        ),
        "invalid": _changed(expiration=Expiration.YEAR),
        **_adopting_plans(),
    }


def _adopting_plans() -> dict[str, Plan]:
    marked = key_spec(replace(FIELDS, owner="team-ledger"), adopts_record=True)
    return {
        "adopt": planned(keys=[key_spec(adopts_record=True)], foreign=[_foreign("web")]),
        "adopt-nobodys": planned(keys=[marked], foreign=[_foreign(None)]),
        "adopt-version": planned(keys=[key_spec(adopts_version=7)], records=[key_record()]),
        "adopt-both": planned(
            keys=[key_spec(adopts_record=True, adopts_version=7)], foreign=[_foreign("web")]
        ),
        "adopt-and-create": planned(keys=[key_spec(adopts_record=True, adopts_version=1)]),
    }


def _foreign(manager: str | None) -> ForeignRecord:
    """Give the stored key as another manager's, or nobody's."""
    return ForeignRecord(
        address=NAME,
        manager=manager,
        sink_path=FIELDS.sink_path,
        record=key_record(manager=manager),
    )


def problems() -> tuple[Problem, ...]:
    """Give problems with and without advice and line."""
    return (
        Problem(
            where=SourceRef(file="keys/b.yaml", line=2, column=7),
            code="unknown-kind",
            message='"ApiKee" is no kind',
            advice="did you mean ApiKey?",
            snippet="kind: ApiKee",
        ),
        Problem(
            where=SourceRef(file="keys/a.yaml", line=12, column=15),
            code="expiration-unknown",
            message='"91d" is no expiration',
            advice="write one of none, 1h, 1d, 7d, 30d, 90d, 180d, 360d",
            snippet="  expiration: 91d",
        ),
        Problem(
            where=SourceRef(file="keys/a.yaml", line=1, column=1),
            code="empty-file",
            message="there is nothing here",
        ),
    )


def event(**changed: object) -> AuditEvent:
    """Give an audit event, or one with something changed."""
    found = AuditEvent(
        sequence=12,
        at=NOW,
        actor="local:alice",
        revision=COMMIT,
        plan_digest=f"sha256:{'ab' * 32}",
        run_id="run-1",
        note=AuditNote(
            event="secret-confirmed",
            address=str(NAME),
            reason="generation-raised",
            source=SOURCE,
            detail=(("version", "version00003"), ("sink version", "3")),
        ),
        previous_hash=GENESIS,
        hash="cd" * 32,
    )
    return replace(found, **changed)  # type: ignore[arg-type]  # any field by its name


def lease() -> Lease:
    """Give a lease that was renewed a moment ago."""
    return Lease(
        manager="platform-keys",
        epoch=4,
        run_id="run-1",
        holder="local:alice on runner-7, process 41",
        acquired_at=NOW - timedelta(minutes=3),
        expires_at=NOW + timedelta(seconds=30),
    )
