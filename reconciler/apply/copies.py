"""Copies of ended secrets in the sink: which ones a plan says are to be destroyed.

Destroying goes by explicit version number and can be repeated, so it needs no journal: a copy
stays on the list until the store remembers that it is gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.apply.outcome import Outcome, OutcomeStatus
from reconciler.errors import KeyrecError
from reconciler.model.audit import AuditNote
from reconciler.model.keys import KeyRecord, KeyVersion
from reconciler.model.states import ObservedState
from reconciler.model.writes import RecordDestroyed
from reconciler.planning.actions import MaintenanceKind, Reason
from reconciler.planning.places import places_in_use
from reconciler.planning.plan import Change, MaintenanceItem, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """The copy of one ended version."""

    address: str
    version_id: str
    path: str
    sink_version: int
    item: MaintenanceItem | None = None
    """The plan's item; None where it goes with a removal of the same plan."""

    @property
    def workspace(self) -> str:
        """Give the workspace of its key: rights in a sink are given by prefix."""
        return self.address.partition("/")[0]

    def record_destroyed(self) -> RecordDestroyed:
        """Give the write that remembers its end."""
        facts = {
            "path": self.path,
            "sinkVersion": str(self.sink_version),
            "versionId": self.version_id,
        }
        note = AuditNote(
            event="copy-destroyed",
            address=self.address,
            reason=Reason.ENDED.value,
            detail=tuple(sorted(facts.items())),
        )
        return RecordDestroyed(version_id=self.version_id, note=note)

    def outcome(self, error: KeyrecError | None) -> Outcome:
        """Give the outcome of destroying it."""
        return Outcome(
            address=self.address,
            actions=(MaintenanceKind.DESTROY.value,),
            status=OutcomeStatus.APPLIED if error is None else OutcomeStatus.FAILED,
            message="" if error is None else error.message,
            advice="" if error is None else error.advice,
            path=self.path,
            sink_version=self.sink_version,
            is_maintenance=True,
        )


def copies(plan: Plan, observed: ObservedState, written: set[str]) -> Iterator[Copy]:
    """Give the copies of keys that this plan has removed, then those that were due before.

    `written` holds the addresses of keys whose store write stands.
    """
    removed = [c for c in plan.changes if c.removal is not None and c.address in written]
    if removed:
        yield from _of_all_removed(removed, observed, plan.target.sink_id)
    for item in plan.maintenance:
        if item.kind is MaintenanceKind.DESTROY:
            yield _due(item)


def _of_all_removed(
    removed: Sequence[Change], observed: ObservedState, sink_id: str
) -> Iterator[Copy]:
    """Give the copies of removed keys and of what these had replaced, but for the places that a
    living secret of another key may use.
    """
    used = places_in_use(observed)
    replaced: defaultdict[str | None, list[KeyRecord]] = defaultdict(list)
    for record in observed.records:
        replaced[record.superseded_by].append(record)
    for change in removed:
        if change.record is None:
            raise AssertionError("what is removed is stored")
        family = (change.record, *replaced[change.record.key_id])
        besides = frozenset(r.key_id for r in family)
        ended = [version for record in family for version in record.versions]
        for copy in _of_removed(change.address, ended, sink_id):
            if not used.holds(sink_id, copy.path, copy.sink_version, besides=besides):
                yield copy


def _of_removed(address: str, versions: Sequence[KeyVersion], sink_id: str) -> Iterator[Copy]:
    for version in versions:
        is_here = version.sink_id == sink_id and version.copy_destroyed_at is None
        if version.sink_version is not None and is_here:
            yield Copy(
                address=address,
                version_id=version.version_id,
                path=version.sink_path,
                sink_version=version.sink_version,
            )


def _due(item: MaintenanceItem) -> Copy:
    if item.path is None or item.sink_version is None or item.version_id is None:
        raise AssertionError("only a copy whose place is known is destroyed")
    return Copy(
        address=item.address,
        version_id=item.version_id,
        path=item.path,
        sink_version=item.sink_version,
        item=item,
    )
