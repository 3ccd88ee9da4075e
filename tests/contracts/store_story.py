"""A short way to say what is written to a key store: the life of a few keys under one lease."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from reconciler.model.audit import AuditNote
from reconciler.model.journal import Fence, Operation, OperationKind, OperationState, PathRow
from reconciler.model.keys import KeyAddress, KeyFields, KeyRecord, RemovalReason, Rotation
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.policy import Policy
from reconciler.model.resources import Body, Resource, address_of
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret_writes import (
    BeginSecret,
    CloseOperation,
    ConfirmSecret,
    NewKey,
    NewVersion,
)
from reconciler.model.source import SourceRef
from reconciler.model.states import ObservedState
from reconciler.model.writes import (
    Commit,
    Committed,
    HoldKey,
    PutResource,
    RemoveKey,
    RetireVersion,
    RevokeVersion,
    UpdateKey,
    Write,
)
from reconciler.ports import KeyStore
from tests.fakes.system import FakeClock

MANAGER = "platform-keys"
ACTOR = "local:alice"
SINK = "sink-1"
OVERLAP = timedelta(hours=24)
SOURCE = SourceRef(file="keys/payments/a.yaml", line=3, column=1, end_line=20)


def address(name: str, workspace: str = "payments") -> KeyAddress:
    """Give an address of the workspace payments."""
    return KeyAddress(workspace=workspace, name=name)


def fields(name: str, **changes: Any) -> KeyFields:
    """Give the fields of a key, every one of them set."""
    full = KeyFields(
        environment="prod",
        sink_path=f"payments/prod/{name}",
        scopes=(
            ScopeGrant(resource="Reviews", level="read"),
            ScopeGrant(resource="Webhooks", level="change"),
        ),
        allowlist=("203.0.113.0/24", "network:ci-runners"),
        ranges=("203.0.113.0/24", "2001:db8:40::/48"),
        expiration=Expiration.QUARTER,
        rotation=Rotation(generation=1, every=timedelta(days=30), overlap=OVERLAP),
        owner=f"team-{name}",
        description="Pulls invoices, “quoted” and 100 %",
        labels=(("system", "billing"), ("tier", "1")),
    )
    return replace(full, **changes)


def note(event: str, where: object, **detail: str) -> AuditNote:
    """Give what a write has said about it."""
    return AuditNote(
        event=event,
        address=str(where),
        reason="declared",
        source=SOURCE,
        detail=tuple(detail.items()),
    )


def resource(body: Body, manager: str = MANAGER) -> Resource:
    """Give a resource of the test's manager."""
    return Resource(address=address_of(body), body=body, manager=manager)


@dataclass
class Story:
    """One run that holds the lease of its manager."""

    store: KeyStore
    clock: FakeClock
    manager: str = MANAGER
    run_id: str = "run-1"
    fence: Fence | None = None
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """Take the lease."""
        self.take_lease()

    def take_lease(self) -> Fence:
        """Take the lease, or take it again after its time ran out."""
        lease = self.store.acquire_lease(self.manager, holder="a test", run_id=self.run_id)
        assert lease is not None
        self.fence = lease.fence
        return lease.fence

    def unique(self, kind: str) -> str:
        """Give an id that no other thing of this run has."""
        return f"{kind}-{self.manager}-{self.run_id}-{next(self._numbers)}"

    def advance(self, duration: timedelta) -> None:
        """Let time pass and keep the lease."""
        self.clock.advance(duration)
        self.take_lease()

    def put_together(self, *writes: Write, fenced: bool = True) -> Commit:
        """Give a commit of these writes."""
        return Commit(
            commit_id=self.unique("commit"),
            actor=ACTOR,
            fence=self.fence if fenced else None,
            writes=writes,
            revision="1a2b3c4",
            plan_digest="sha256:9f2c",
        )

    def commit(self, *writes: Write, fenced: bool = True) -> Committed:
        """Commit them."""
        return self.store.commit(self.put_together(*writes, fenced=fenced))

    def done(self, *writes: Write, fenced: bool = True) -> Committed:
        """Commit them; all of them are written."""
        answer = self.commit(*writes, fenced=fenced)
        assert answer.refusals == (None,) * len(writes)
        return answer

    def refusals(self, *writes: Write) -> tuple[str | None, ...]:
        """Commit them; give what the store says to each."""
        return tuple(r and r.value for r in self.commit(*writes).refusals)

    def observe(self) -> ObservedState:
        """Read the store."""
        return self.store.observe(self.manager)

    def record(self, name: str) -> KeyRecord:
        """Give the live record of a name."""
        return self.observe().live[address(name)]

    def by_id(self, key_id: str) -> KeyRecord:
        """Give an observed record by its id."""
        return next(r for r in self.observe().records if r.key_id == key_id)

    def path(self, path: str, sink_id: str = SINK) -> PathRow:
        """Give the row of a sink path."""
        return next(p for p in self.observe().paths if (p.sink_id, p.path) == (sink_id, path))

    def last_version(self, path: str, sink_id: str = SINK) -> int:
        """Give the last version of a path, 0 for one that is new."""
        rows = [p for p in self.observe().paths if (p.sink_id, p.path) == (sink_id, path)]
        return rows[0].last_version if rows else 0

    def new_version(self, path: str, sink_id: str = SINK) -> NewVersion:
        """Draw a version for a path."""
        version_id = self.unique("version")
        return NewVersion(
            version_id=version_id,
            secret_hash=f"$argon2id${version_id}",
            sink_id=sink_id,
            sink_path=path,
            custody="custody-1",
            last_characters=version_id[-4:],
        )

    def creation(
        self, name: str, *, expected: int | None = None, path: str | None = None, **changes: Any
    ) -> BeginSecret:
        """Give the start of a new key."""
        key_fields = fields(name, **changes)
        if path is not None:
            key_fields = replace(key_fields, sink_path=path)
        operation = self._operation(OperationKind.CREATE, self.unique("key"), key_fields.sink_path)
        operation = replace(operation, generation=key_fields.rotation.generation)
        return BeginSecret(
            operation=operation,
            version=self.new_version(key_fields.sink_path),
            expected=self.last_version(key_fields.sink_path) if expected is None else expected,
            base=None,
            new_key=NewKey(
                key_id=operation.key_id,
                address=address(name),
                manager=self.manager,
                fields=key_fields,
            ),
            note=note("key-created", address(name)),
        )

    def rotation(self, record: KeyRecord, *, sink_id: str = SINK, **changes: Any) -> BeginSecret:
        """Give the start of a key's next secret."""
        path = changes.pop("sink_path", record.fields.sink_path)
        operation = self._operation(OperationKind.ROTATE, record.key_id, path)
        generation = record.fields.rotation.generation + 1
        begin = BeginSecret(
            operation=replace(operation, generation=generation, sink_id=sink_id),
            version=self.new_version(path, sink_id),
            expected=self.last_version(path, sink_id),
            base=record.record_version,
            note=note("secret-begun", record.address),
        )
        return replace(begin, **changes)

    def renaming(self, record: KeyRecord, name: str, *, path: str | None = None) -> BeginSecret:
        """Give the start of a key's secret under another name and path."""
        path = path or f"payments/prod/{name}"
        begin = self.rotation(record, sink_path=path)
        return replace(
            begin,
            operation=replace(begin.operation, kind=OperationKind.RENAME),
            moved_to=address(name),
            note=note("key-renamed", address(name), previous=str(record.address)),
        )

    def reissue(self, record: KeyRecord, **changes: Any) -> BeginSecret:
        """Give the start of the key that takes a key's place."""
        begin = self.creation(
            record.address.name, path=changes.pop("path", record.fields.sink_path), **changes
        )
        return replace(
            begin,
            operation=replace(
                begin.operation, kind=OperationKind.REISSUE, supersedes=record.key_id
            ),
            base=record.record_version,
            note=note("key-reissued", record.address),
        )

    def confirmation(self, begin: BeginSecret, sink_version: int | None = None) -> ConfirmSecret:
        """Give the confirmation of what was begun, written at its first attempt."""
        return ConfirmSecret(
            operation_id=begin.operation.operation_id,
            version_id=begin.version.version_id,
            sink_version=begin.expected + 1 if sink_version is None else sink_version,
            note=note("secret-confirmed", "payments/any"),
        )

    def finish(self, begin: BeginSecret, sink_version: int | None = None) -> BeginSecret:
        """Begin and confirm in two transactions."""
        self.done(begin)
        self.done(self.confirmation(begin, sink_version))
        return begin

    def create(self, name: str, **changes: Any) -> KeyRecord:
        """Make a key with a current version."""
        self.finish(self.creation(name, **changes))
        return self.record(name)

    def rotate(self, name: str) -> KeyRecord:
        """Give a key its next secret."""
        self.finish(self.rotation(self.record(name)))
        return self.record(name)

    def closing(
        self,
        begin: BeginSecret,
        *ends: tuple[str, VersionState],
        state: OperationState = OperationState.BLOCKED,
    ) -> CloseOperation:
        """Give the end of an operation without a confirmed version."""
        return CloseOperation(
            operation_id=begin.operation.operation_id,
            state=state,
            dispositions=ends,
            note=note("operation-closed", "payments/any"),
        )

    def removing(self, record: KeyRecord) -> RemoveKey:
        """Give a key's removal."""
        return RemoveKey(
            key_id=record.key_id,
            base=record.record_version,
            reason=RemovalReason.SYSTEM_RETIRED,
            note=note("key-removed", record.address),
        )

    def updating(self, record: KeyRecord, name: str | None = None, **changes: Any) -> UpdateKey:
        """Give an update of a key's fields, and of its name."""
        return UpdateKey(
            key_id=record.key_id,
            base=record.record_version,
            fields=replace(record.fields, **changes),
            address=address(name or record.address.name),
            note=note("key-updated", address(name or record.address.name)),
        )

    def holding(self, record: KeyRecord, reason: str = "suspected leak") -> HoldKey:
        """Give a hold."""
        return HoldKey(key_id=record.key_id, reason=reason, note=note("key-held", record.address))

    def _operation(self, kind: OperationKind, key_id: str, path: str) -> Operation:
        return Operation(
            operation_id=self.unique("operation"),
            kind=kind,
            key_id=key_id,
            sink_id=SINK,
            sink_path=path,
            target="set by the store",
            overlap=OVERLAP,
            generation=1,
            reason="Declared",
            source=SOURCE,
        )


def retiring(version_id: str) -> RetireVersion:
    """Give the bookkeeping after a deadline."""
    return RetireVersion(version_id=version_id, note=note("version-retired", "payments/any"))


def revoking(version_id: str) -> RevokeVersion:
    """Give the end of a leaked version."""
    return RevokeVersion(version_id=version_id, note=note("version-leaked", "payments/any"))


def putting(body: Body, base: str | None) -> PutResource:
    """Give the storing of a resource."""
    return PutResource(
        resource=resource(body), base=base, note=note("resource-put", address_of(body))
    )


POLICY = Policy(platform_admins=(ACTOR,))
