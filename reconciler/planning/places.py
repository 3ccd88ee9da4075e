"""Which numbered copies in the sink are, or may be, of secrets that still work.

A copy is destroyed by its number. A path whose metadata was deleted outside counts its versions
from 1 again, so that an old copy's number may be a living secret's now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.keys import KeyVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.states import ObservedState


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedPlaces:
    """What must not be destroyed."""

    copies: frozenset[tuple[str, str, int]]
    """Sink id, path and number of each living secret's copy."""
    paths: frozenset[tuple[str, str]]
    """Sink id and path of what may hold a living secret at any number."""

    def holds(self, sink_id: str, path: str, number: int) -> bool:
        """Whether a living secret may be there."""
        return (sink_id, path) in self.paths or (sink_id, path, number) in self.copies


def places_in_use(observed: ObservedState, changed: Iterable[tuple[str, str]] = ()) -> UsedPlaces:
    """Give what maintenance leaves alone; `changed`: sink id and path of what was changed outside,
    whose numbers may be a stranger's now.
    """
    others = places_of_others(observed, frozenset())
    return UsedPlaces(copies=others.copies, paths=others.paths.union(changed))


def places_of_others(observed: ObservedState, besides: frozenset[str]) -> UsedPlaces:
    """Give what is in use by all keys but these; the numbers of other managers' are not known."""
    known = {record.key_id for record in observed.records}
    return UsedPlaces(
        copies=frozenset(
            (version.sink_id, version.sink_path, version.sink_version)
            for record in observed.records
            if record.key_id not in besides
            for version in record.versions
            if version.sink_version is not None and not is_over(version, observed.read_at)
        ),
        paths=frozenset(
            (row.sink_id, row.path)
            for row in observed.paths
            if not row.is_free and row.key_id not in known | besides
        ),
    )


def is_over(version: KeyVersion, now: datetime) -> bool:
    """Whether a version is accepted no more."""
    return version.state is VersionState.RETIRED or is_overdue(version, now)


def is_overdue(version: KeyVersion, now: datetime) -> bool:
    """Whether a replaced version's acceptance has ended by the clock."""
    if version.state is not VersionState.RETIRING or version.retire_at is None:
        return False
    return version.retire_at <= now
