"""When a replaced secret that waits for evidence may end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.keys import KeyRecord, KeyVersion
from reconciler.model.lifetime import Expiration, Retirement, VersionState
from reconciler.planning.actions import MaintenanceKind
from reconciler.planning.evidence import may_end
from reconciler.planning.maintenance import maintenance_items
from tests.planning.records import DAY, HOUR, NOW, TARGET, observed, record, version

OLD = version("v0", state=VersionState.RETIRING, overlap_until=NOW - HOUR)


def key(**changes: Any) -> KeyRecord:
    """Give a key whose replaced secrets retire when unused, with an overlap of a day."""
    made = record(overlap=DAY, versions=(OLD, version(sink_version=2)), **changes)
    return with_retirement(made, Retirement.WHEN_UNUSED)


def with_retirement(made: KeyRecord, retire: Retirement) -> KeyRecord:
    """Give the key with another way to retire."""
    rotation = replace(made.fields.rotation, retire=retire)
    return replace(made, fields=replace(made.fields, rotation=rotation))


def used(at: datetime | None, until: datetime | None = NOW - HOUR) -> KeyVersion:
    """Give the replaced version with its last use and the end of its overlap."""
    return replace(OLD, last_used_at=at, overlap_until=until)


CASES = {
    "nobody reports": (used(None), None, False),
    "never used, and reports reach past the overlap": (used(None), NOW, True),
    "never used, but reports do not reach the end of the overlap": (
        used(None),
        NOW - 2 * HOUR,
        False,
    ),
    "used within the last overlap": (used(NOW - 2 * HOUR), NOW, False),
    "used longer ago than an overlap": (used(NOW - DAY), NOW, True),
    "used longer ago, but reports do not reach that far": (
        used(NOW - DAY),
        NOW - timedelta(seconds=1),
        False,
    ),
    "its overlap has not passed": (used(None, NOW + HOUR), NOW + DAY, False),
    "a repair is under way": (used(None, None), NOW, False),
}


@pytest.mark.parametrize("case", CASES)
def test_a_waiting_secret_ends_on_evidence_alone(case: str) -> None:
    """Silence counts only where somebody listened, for as long as an overlap."""
    waiting, uses_until, ends = CASES[case]
    assert may_end(waiting, key(), now=NOW, uses_until=uses_until) is ends


def test_an_expired_key_needs_no_evidence() -> None:
    """Nothing of it is accepted any more."""
    expired = key(expiration=Expiration.HOUR, about={"expires_at": NOW})
    assert may_end(used(NOW), expired, now=NOW, uses_until=None)


def test_a_manifest_that_asks_for_evidence_no_more_ends_what_waits() -> None:
    """Its overlap has passed."""
    plain = with_retirement(key(), Retirement.AFTER_OVERLAP)
    assert may_end(used(NOW), plain, now=NOW, uses_until=None)


@given(
    overlap_until=st.integers(-50, 50),
    last_use=st.none() | st.integers(-50, 50),
    until=st.none() | st.integers(-50, 50),
)
def test_no_evidence_ends_a_secret_before_its_overlap(
    overlap_until: int, last_use: int | None, until: int | None
) -> None:
    """Whatever is reported, whoever asks."""

    def instant(hours: int | None) -> datetime | None:
        return None if hours is None else NOW + hours * HOUR

    end = instant(overlap_until)
    assert end is not None
    if may_end(used(instant(last_use), end), key(), now=NOW, uses_until=instant(until)):
        assert end <= NOW


def test_an_unused_secret_is_an_item_of_maintenance() -> None:
    """It is retired like one whose deadline has passed, and its copy goes with the next run."""
    stored = key()
    items = maintenance_items([stored], observed(stored, uses_until=NOW), TARGET)
    assert [(i.kind, i.version_id, i.due_since) for i in items] == [
        (MaintenanceKind.RETIRE, "v0", OLD.overlap_until)
    ]
    assert maintenance_items([stored], observed(stored), TARGET) == ()
