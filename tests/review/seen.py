"""What verifiers saw, as a review case says it: put into what is observed of the store.

`seen` of an `expected.yaml`: `since` and `until` say for how long verifiers have reported and how
far behind they are (both before the plan; without `since` nobody knows for how long), `keys` what
they saw of which secret. Every time is a span before the plan, such as `3m`; a denial has its times
behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.keys import KeyRecord, KeyVersion
from reconciler.model.lifetime import VersionState, parse_duration
from reconciler.model.states import ObservedState
from reconciler.model.uses import UseKind, UseMark

Told = dict[str, Any]
STATES = {"current": VersionState.CURRENT, "replaced": VersionState.RETIRING}


def with_seen(observed: ObservedState, told: Told) -> ObservedState:
    """Give the same store after verifiers have reported."""
    now, keys = observed.read_at, told.get("keys", {})
    records = tuple(_used(r, keys.get(str(r.address), {}), now) for r in observed.records)
    marks = {
        version.version_id: tuple(_marks(version, said, now))
        for record in records
        for version, said in _secrets(record, keys.get(str(record.address), {}))
    }
    known = {str(r.address) for r in records}
    assert set(keys) <= known, "a case speaks of keys that are there"
    return replace(
        observed,
        records=records,
        marks=marks,
        uses_until=None if told.get("nobody") else _before(now, told.get("until", "1m")),
        uses_since=_before(now, told["since"]) if "since" in told else None,
    )


def _used(record: KeyRecord, told: Told, now: datetime) -> KeyRecord:
    used = {v.version_id: said.get("used") for v, said in _secrets(record, told)}
    versions = tuple(
        replace(v, last_used_at=_before(now, span)) if (span := used.get(v.version_id)) else v
        for v in record.versions
    )
    return replace(record, versions=versions)


def _secrets(record: KeyRecord, told: Told) -> Iterator[tuple[KeyVersion, Told]]:
    for version in record.versions:
        for word, state in STATES.items():
            if version.state is state and word in told:
                yield version, told[word]


def _marks(version: KeyVersion, told: Told, now: datetime) -> Iterator[UseMark]:
    for kind, word in ((UseKind.ORIGIN, "origins"), (UseKind.SCOPE, "scopes")):
        for subject, span in told.get(word, {}).items():
            yield _mark(version, kind, subject, _before(now, span), 1)
    for subject, (span, times) in told.get("denied", {}).items():
        yield _mark(version, UseKind.DENIED, subject, _before(now, span), times)


def _mark(version: KeyVersion, kind: UseKind, subject: str, at: datetime, times: int) -> UseMark:
    return UseMark(
        version_id=version.version_id, kind=kind, subject=subject, last_at=at, times=times
    )


def _before(now: datetime, span: str) -> datetime:
    """Give the minute so long ago."""
    at = now - (timedelta(0) if span == "0m" else parse_duration(span))
    return at.replace(second=0, microsecond=0)
