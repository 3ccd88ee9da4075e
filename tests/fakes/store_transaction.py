"""The state in memory with the time and the person of one commit: the steps that writes share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.model.journal import Attempt, Operation
from reconciler.model.keys import KeyRecord, KeyStatus, KeyVersion, fields_fingerprint
from reconciler.model.lifetime import Retirement, VersionState
from reconciler.model.secret_writes import NewVersion
from reconciler.model.writes import overlap_deadline
from tests.fakes.store_state import Slot, State


class Transaction:
    """The state with the time and the person of one commit."""

    def __init__(self, state: State, now: datetime, actor: str) -> None:
        self.state = state
        self.now = now
        self.actor = actor

    def change_key(self, key_id: str, *, bump: int = 1, **changes: Any) -> KeyRecord:
        if "fields" in changes:
            changes["stored_fingerprint"] = fields_fingerprint(changes["fields"])
        key = self.state.keys[key_id]
        key = replace(key, record_version=key.record_version + bump, **changes)
        self.state.keys[key_id] = key
        return key

    def change_fields(self, key_id: str, **changes: Any) -> None:
        fields = replace(self.state.keys[key_id].fields, **changes)
        self.change_key(key_id, bump=0, fields=fields)

    def change_version(self, version_id: str, **changes: Any) -> None:
        slot = self.state.versions[version_id]
        self.state.versions[version_id] = replace(slot, version=replace(slot.version, **changes))

    def retire_now(self, slot: Slot, *, leaked: bool = False) -> None:
        version = slot.version
        self.change_version(
            version.version_id,
            state=VersionState.RETIRED,
            retired_at=version.retired_at or self.now,
            leaked=version.leaked or leaked,
        )

    def retire_later(self, slot: Slot, operation: Operation) -> None:
        key = self.state.keys[slot.key_id]
        deadline = overlap_deadline(self.now, operation.overlap, key.expires_at)
        waits = slot.version.confirmed_at is not None and (
            key.fields.rotation.retire is Retirement.WHEN_UNUSED
        )
        self.change_version(
            slot.version.version_id,
            state=VersionState.RETIRING,
            retire_at=None if waits else deadline,
            overlap_until=deadline if waits else None,
        )

    def waiting(self, key_ids: set[str]) -> Iterator[Slot]:
        """Give the versions whose deadline a repair took away."""
        for slot in list(self.state.versions.values()):
            version = slot.version
            has_none = version.retire_at is None and version.overlap_until is None
            if version.state is VersionState.RETIRING and has_none and slot.key_id in key_ids:
                yield slot

    def raise_path(self, operation: Operation, seen: int) -> None:
        place = (operation.sink_id, operation.sink_path)
        row = self.state.paths[place]
        self.state.paths[place] = replace(row, last_version=max(row.last_version, seen))

    def set_path(self, operation: Operation, confirmed: int) -> None:
        place = (operation.sink_id, operation.sink_path)
        self.state.paths[place] = replace(self.state.paths[place], last_version=confirmed)

    def add_version(self, operation: Operation, new: NewVersion, expected: int) -> None:
        version = KeyVersion(
            version_id=new.version_id,
            state=VersionState.PROVISIONAL,
            sink_id=new.sink_id,
            sink_path=new.sink_path,
            sink_version=None,
            custody=new.custody,
            last_characters=new.last_characters,
            created_at=self.now,
        )
        self.state.versions[new.version_id] = Slot(
            version=version,
            key_id=operation.key_id,
            operation_id=operation.operation_id,
            secret_hash=new.secret_hash,
        )
        attempt = Attempt(version_id=new.version_id, expected=expected)
        self.state.operations[operation.operation_id] = replace(
            operation, target=new.version_id, attempts=(*operation.attempts, attempt)
        )

    def provisional(self, operation: Operation) -> Iterator[Slot]:
        for slot in list(self.state.versions.values()):
            is_its = slot.operation_id == operation.operation_id
            if is_its and slot.version.state is VersionState.PROVISIONAL:
                yield slot

    def replaced_by(self, key_id: str) -> list[KeyRecord]:
        """Give the keys that this one replaced by a reissue and that were not removed since."""
        replaced = (k for k in self.state.keys.values() if k.superseded_by == key_id)
        return [k for k in replaced if k.status is KeyStatus.SUPERSEDED]

    def predecessors(self, key_id: str) -> list[KeyRecord]:
        """Give those of them that have a version to end."""
        replaced = self.replaced_by(key_id)
        return [k for k in replaced if any(_is_unended(s) for s in self.state.slots(k.key_id))]

    def settle(self, key_id: str) -> None:
        """Deactivate a superseded key once nothing of it is accepted any more."""
        key = self.state.keys[key_id]
        is_over = not any(s.version.is_accepted(self.now) for s in self.state.slots(key_id))
        if key.status is KeyStatus.SUPERSEDED and is_over and key.fields.active:
            self.change_fields(key_id, active=False)
            self.change_key(key_id)

    def open_operations(self) -> Iterator[Operation]:
        return self.state.open_operations()


def _is_unended(slot: Slot) -> bool:
    return slot.version.state is not VersionState.RETIRED
