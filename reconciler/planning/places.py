"""Which numbered copies in the sink are, or may be, of secrets that still work.

A copy is destroyed by its number. A path whose metadata was deleted outside counts its versions
from 1 again, so that an old copy's number may be a living secret's now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.keys import KeyVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.states import ObservedState


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedPlaces:
    """What must not be destroyed."""

    copies: Mapping[tuple[str, str, int], frozenset[str]]
    """Sink id, path and number of each living secret's copy; the ids of the keys that use it."""
    paths: frozenset[tuple[str, str]]
    """Sink id and path of what may hold a living secret at any number."""

    def holds(
        self, sink_id: str, path: str, number: int, *, besides: frozenset[str] = frozenset()
    ) -> bool:
        """Whether a living secret may be there; `besides`: ids of keys that are ending."""
        users = self.copies.get((sink_id, path, number), frozenset())
        return (sink_id, path) in self.paths or not users <= besides


def places_in_use(observed: ObservedState, changed: Iterable[tuple[str, str]] = ()) -> UsedPlaces:
    """Give what is in use by any key; `changed`: sink id and path of what was changed outside,
    whose numbers may be a stranger's now, as those of other managers' keys are not known.
    """
    known = {record.key_id for record in observed.records}
    users: defaultdict[tuple[str, str, int], set[str]] = defaultdict(set)
    for record in observed.records:
        for version in record.versions:
            if version.sink_version is not None and not is_over(version, observed.read_at):
                place = (version.sink_id, version.sink_path, version.sink_version)
                users[place].add(record.key_id)
    return UsedPlaces(
        copies={place: frozenset(key_ids) for place, key_ids in users.items()},
        paths=frozenset(
            (row.sink_id, row.path)
            for row in observed.paths
            if not row.is_free and row.key_id not in known
        ).union(changed),
    )


def is_over(version: KeyVersion, now: datetime) -> bool:
    """Whether a version is accepted no more."""
    return version.state is VersionState.RETIRED or is_overdue(version, now)


def is_overdue(version: KeyVersion, now: datetime) -> bool:
    """Whether a replaced version's acceptance has ended by the clock."""
    if version.state is not VersionState.RETIRING or version.retire_at is None:
        return False
    return version.retire_at <= now
