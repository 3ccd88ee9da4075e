"""Plans that say nothing: what makes one, and until when the same world gives the same silence.

A plan that is not silent is made anew each time. Nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from reconciler.model.keys import KeyRecord
from reconciler.model.lifetime import VersionState
from reconciler.model.states import ObservedState
from reconciler.planning.plan import Plan
from reconciler.planning.rotation import next_rotation

FOR_EVER = datetime.max.replace(tzinfo=timezone.utc)


def quiet_until(plan: Plan, observed: ObservedState) -> datetime | None:
    """Give until when a plan of the same manifests and the same store is as silent as this one;
    None where it is not silent, or waits for what may come at any moment.

    Uses of secrets are such: a version that ends when nobody uses it any more ends on a report.
    """
    if plan.changes or plan.maintenance or plan.drift or not plan.is_applyable:
        return None
    moments = [moment for record in observed.records for moment in _moments(record)]
    if None in moments:
        return None
    # What was due by now and is not in the plan rests, or is no part of what was asked for.
    return min((m for m in moments if m is not None and m > observed.read_at), default=FOR_EVER)


def _moments(record: KeyRecord) -> Iterator[datetime | None]:
    """Give when something comes due for a key; None for what has no time of its own."""
    if record.fields.rotation.every is not None:
        yield next_rotation(record) or FOR_EVER
    for version in record.versions:
        if version.state is VersionState.RETIRING:
            yield version.retire_at
