"""What the store in memory holds between two calls, and how it is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.model.audit import GENESIS, AuditEvent, AuditNote, event_hash
from reconciler.model.journal import Lease, Operation, OperationState, PathRow
from reconciler.model.keys import KeyAddress, KeyRecord, KeyStatus, KeyVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.resources import Resource, ResourceAddress
from reconciler.model.states import ForeignRecord
from reconciler.model.uses import Listening, UseMark
from reconciler.model.writes import Commit, Committed


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A version with what the model keeps away from it."""

    version: KeyVersion
    key_id: str
    operation_id: str
    secret_hash: str


@dataclass
class State:
    """All values are frozen; a copy of the mappings is a copy of everything."""

    keys: dict[str, KeyRecord] = field(default_factory=dict)
    """Without their versions, oldest first."""
    versions: dict[str, Slot] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    paths: dict[tuple[str, str], PathRow] = field(default_factory=dict)
    resources: dict[ResourceAddress, Resource] = field(default_factory=dict)
    leases: dict[str, tuple[int, Lease | None]] = field(default_factory=dict)
    """The last epoch, and the lease where it was not given back."""
    commits: dict[str, Committed] = field(default_factory=dict)
    events: list[AuditEvent] = field(default_factory=list)
    subjects: dict[int, str] = field(default_factory=dict)
    """Which key an audit event is about, by its sequence number."""
    uses: dict[str, datetime] = field(default_factory=dict)
    marks: dict[str, tuple[UseMark, ...]] = field(default_factory=dict)
    reporters: dict[str, Listening] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    """Ids of removed keys in the order of their removal."""

    def copy(self) -> State:
        """Give a state that can change without this one."""
        return State(
            keys=dict(self.keys),
            versions=dict(self.versions),
            operations=dict(self.operations),
            paths=dict(self.paths),
            resources=dict(self.resources),
            leases=dict(self.leases),
            commits=dict(self.commits),
            events=list(self.events),
            subjects=dict(self.subjects),
            uses=dict(self.uses),
            marks=dict(self.marks),
            reporters=dict(self.reporters),
            removed=list(self.removed),
        )

    @property
    def head(self) -> str:
        """Give the hash that the next event will be bound to."""
        return self.events[-1].hash if self.events else GENESIS

    def append(
        self,
        note: AuditNote,
        *,
        at: datetime,
        actor: str,
        commit: Commit | None = None,
        subject: str | None = None,
    ) -> None:
        """Add one link to the audit chain."""
        fence = None if commit is None else commit.fence
        event = AuditEvent(
            sequence=len(self.events) + 1,
            at=at,
            actor=actor,
            revision=None if commit is None else commit.revision,
            plan_digest=None if commit is None else commit.plan_digest,
            run_id=None if fence is None else fence.run_id,
            note=note,
            previous_hash=self.head,
            hash="",
        )
        self.events.append(replace(event, hash=event_hash(event)))
        if subject is not None:
            self.subjects[event.sequence] = subject

    def slots(self, key_id: str) -> list[Slot]:
        """Give a key's versions, oldest first."""
        return [s for s in self.versions.values() if s.key_id == key_id]

    def live_at(self, address: KeyAddress) -> KeyRecord | None:
        """Give the live key of an address."""
        live = (k for k in self.keys.values() if k.status is KeyStatus.LIVE)
        return next((k for k in live if k.address == address), None)

    def with_versions(self, key: KeyRecord) -> KeyRecord:
        """Give the key with all its versions."""
        versions = (s.version for s in self.slots(key.key_id))
        return replace(key, versions=tuple(self._with_use(v) for v in versions))

    def foreign(self, key: KeyRecord, *, whole: bool) -> ForeignRecord:
        """Give a live key as other managers see it."""
        return ForeignRecord(
            address=key.address,
            manager=key.manager,
            sink_path=key.fields.sink_path,
            record=self.with_versions(key) if whole else None,
            is_busy=whole and any(o.key_id == key.key_id for o in self.open_operations()),
        )

    def open_operations(self) -> Iterator[Operation]:
        """Give what is under way."""
        return (o for o in self.operations.values() if o.state is OperationState.OPEN)

    def visible(self, key_ids: Collection[str]) -> Iterator[KeyRecord]:
        """Give the records that `observe` shows, by address."""
        for key in sorted(
            (self.keys[k] for k in self.keys if k in key_ids), key=lambda k: k.address
        ):
            versions = [s.version for s in self.slots(key.key_id)]
            left = [v for v in versions if has_something_left(v)]
            if key.status is KeyStatus.LIVE:
                left = left or versions[-1:]
            elif not left:
                continue
            yield replace(key, versions=tuple(self._with_use(v) for v in left))

    def _with_use(self, version: KeyVersion) -> KeyVersion:
        return replace(version, last_used_at=self.uses.get(version.version_id))

    def newest_tombstones(self, manager: str) -> dict[KeyAddress, KeyRecord]:
        """Give the last removed key of each address."""
        removed = (self.keys[key_id] for key_id in self.removed)
        return {k.address: k for k in removed if k.manager == manager}

    def is_removed(self, key_id: str) -> bool:
        """Whether a key was removed, or the one that has replaced it."""
        key = self.keys[key_id]
        family = (key, self.keys.get(key.superseded_by or ""))
        return any(k is not None and k.status is KeyStatus.REMOVED for k in family)

    def history(self, address: str) -> tuple[AuditEvent, ...]:
        """Give the events of an address, and those of its keys under earlier names."""
        keys = {k.key_id for k in self.keys.values() if str(k.address) == address}
        return tuple(
            e
            for e in self.events
            if e.note.address == address or self.subjects.get(e.sequence) in keys
        )


def has_something_left(version: KeyVersion) -> bool:
    """Whether a version is not at its end, or has a copy in the sink that is not destroyed."""
    is_over = version.state is VersionState.RETIRED
    has_copy = version.sink_version is not None and version.copy_destroyed_at is None
    return not is_over or has_copy
