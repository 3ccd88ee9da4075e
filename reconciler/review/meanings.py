"""What a changed catalogue does to keys that stay as they are: their grants mean something else.

All stored keys are asked, those of other environments and managers too: a catalogue is everybody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.keys import KeyAddress, KeyRecord
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.states import DesiredState, ObservedState
from reconciler.review.privilege import covered
from reconciler.review.scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanings:
    """What the grants of unchanged keys allow now, and what no more."""

    gained: frozenset[tuple[str, str]]
    """Resource and level."""
    lost: frozenset[tuple[str, str]]
    gaining: tuple[str, ...]
    """Addresses of the keys that can do more, sorted."""
    losing: tuple[str, ...]


def meanings(scene: Scene) -> Meanings:
    """Compare both catalogues for every key that admits somebody and that the plan leaves alone."""
    gained: set[tuple[str, str]] = set()
    lost: set[tuple[str, str]] = set()
    gaining, losing = [], []
    for record in _left_alone(scene):
        old = covered(record.fields, scene.observed.catalog)
        new = covered(record.fields, scene.catalog)
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
    """Name the keys of other managers that have to be read for it: all of them where the catalogue
    changes, else none.
    """
    stored = next((r for r in observed.resources if isinstance(r.body, ScopeCatalog)), None)
    body = next((r.body for r in desired.resources if isinstance(r.body, ScopeCatalog)), None)
    if stored is None and body is None:
        return frozenset()
    if stored is not None and (body == stored.body or stored.manager != desired.manager):
        return frozenset()
    return frozenset(f.address for f in observed.foreign)


def _left_alone(scene: Scene) -> Iterator[KeyRecord]:
    changed = {c.record.key_id for c in scene.key_changes if c.record is not None}
    foreign = (f.record for f in scene.observed.foreign if f.record is not None)
    for record in (*scene.observed.live.values(), *foreign):
        works = record.fields.active and not record.is_expired(scene.now)
        if works and record.key_id not in changed:
            yield record
