"""Leases, fences and the deadline of a replaced secret."""

from datetime import datetime, timedelta, timezone

import pytest

from reconciler.model.journal import (
    LEASE_RENEWAL,
    LEASE_TIME_TO_LIVE,
    Fence,
    Lease,
)
from reconciler.model.source import SourceRef
from reconciler.model.writes import overlap_deadline

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
DAY, HOUR, TICK = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
LEASE = Lease(
    manager="platform",
    epoch=7,
    run_id="run-1",
    holder="local:alice on build-1 (4711)",
    acquired_at=NOON,
    expires_at=NOON + LEASE_TIME_TO_LIVE,
)


def test_a_lease_is_free_from_the_instant_it_runs_out():
    """Not before: two runs never hold it at once."""
    assert not LEASE.is_free(LEASE.expires_at - TICK)
    assert LEASE.is_free(LEASE.expires_at)


def test_the_fence_of_a_lease_names_manager_epoch_and_run():
    """What every transaction repeats."""
    assert LEASE.fence == Fence(manager="platform", epoch=7, run_id="run-1")


def test_a_lease_can_miss_a_renewal_without_being_lost():
    """30 seconds to live, renewed every 10: two renewals may fail."""
    assert timedelta(seconds=30) == LEASE_TIME_TO_LIVE
    assert timedelta(seconds=10) == LEASE_RENEWAL


@pytest.mark.parametrize(
    ("overlap", "expires_at", "deadline"),
    [
        (DAY, None, NOON + DAY),
        (DAY, NOON + 2 * DAY, NOON + DAY),
        (DAY, NOON + DAY, NOON + DAY),
        (DAY, NOON + HOUR, NOON + HOUR),
        (DAY, NOON - HOUR, NOON - HOUR),
        (timedelta(0), None, NOON),
    ],
)
def test_a_replaced_secret_works_for_its_overlap_but_never_beyond_the_expiry(
    overlap, expires_at, deadline
):
    """A rotation never extends a key's life."""
    assert overlap_deadline(NOON, overlap, expires_at) == deadline


def test_a_place_in_a_manifest_is_shown_as_terminals_link_it():
    """`file:line:column`, and places sort in the order of reading."""
    first = SourceRef(file="keys/a.yaml", line=3, column=5)
    second = SourceRef(file="keys/a.yaml", line=10, column=1)

    assert str(first) == "keys/a.yaml:3:5"
    assert sorted([second, first]) == [first, second]
