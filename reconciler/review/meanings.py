"""What a changed catalogue does to keys that stay as they are: their grants mean something else.

All stored keys are asked, those of other environments and managers too: a catalogue is everybody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.keys import KeyAddress, KeyRecord, KeyStatus
from reconciler.model.resources import Body
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.states import DesiredState, ObservedState
from reconciler.model.workspaces import NetworkSet
from reconciler.planning.places import is_over
from reconciler.planning.plan import Plan
from reconciler.review.disruption import keeps_the_old
from reconciler.review.privilege import covered


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanings:
    """What the grants of unchanged keys allow now, and what no more."""

    gained: frozenset[tuple[str, str]]
    """Resource and level."""
    lost: frozenset[tuple[str, str]]
    gaining: tuple[str, ...]
    """Addresses of the keys that can do more, sorted."""
    losing: tuple[str, ...]


def meanings(plan: Plan, observed: ObservedState, catalog: ScopeCatalog) -> Meanings:
    """Compare the stored catalogue with another for every key that admits somebody and that the
    plan leaves alone.
    """
    gained: set[tuple[str, str]] = set()
    lost: set[tuple[str, str]] = set()
    gaining, losing = [], []
    for record in _left_alone(plan, observed):
        old, new = covered(record.fields, observed.catalog), covered(record.fields, catalog)
        if new - old:
            gained |= new - old
            gaining.append(str(record.address))
        if old - new:
            lost |= old - new
            losing.append(str(record.address))
    return Meanings(
        gained=frozenset(gained),
        lost=frozenset(lost),
        gaining=tuple(sorted(gaining)),
        losing=tuple(sorted(losing)),
    )


def with_other_meaning(desired: DesiredState, observed: ObservedState) -> frozenset[KeyAddress]:
    """Name the keys of other managers that have to be read for a review: all of them where a
    catalogue or a network for all changes, else none.
    """
    before = {r.body for r in observed.resources if _is_shared(r.body)}
    ours = {r.body for r in observed.resources if r.manager == desired.manager}
    after = {r.body for r in desired.resources if _is_shared(r.body)}
    if after <= before and ours & before <= after:
        return frozenset()
    return frozenset(f.address for f in observed.foreign)


def _is_shared(body: Body) -> bool:
    if isinstance(body, NetworkSet):
        return body.workspace is None
    return isinstance(body, ScopeCatalog)


def _left_alone(plan: Plan, observed: ObservedState) -> Iterator[KeyRecord]:
    """Give the records that somebody can use as they are: those that a reissue replaces keep what
    they had for the overlap.
    """
    foreign = (f.record for f in observed.foreign if f.record is not None)
    edited = {
        c.record.key_id for c in plan.changes if c.record is not None and not keeps_the_old(c)
    }
    for record in (*observed.records, *foreign):
        if record.key_id not in edited and _works(record, observed.read_at):
            yield record


def _works(record: KeyRecord, now: datetime) -> bool:
    if record.status is KeyStatus.REMOVED or not record.is_open(now):
        return False
    is_live = record.status is KeyStatus.LIVE
    return is_live or any(not is_over(version, now) for version in record.versions)
