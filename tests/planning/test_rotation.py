"""When a key is given a new secret without its manifest having changed: the table of the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.custody import custody_of
from reconciler.model.keys import KeyRecord, KeyStatus
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.planning.actions import Reason
from reconciler.planning.rotation import (
    JITTER_SHARE,
    RULES,
    RotationQuestion,
    jitter,
    next_rotation,
    rotation_reason,
)
from tests.planning.records import DAY, HELD, NOW, TARGET, record, version

MONTH = 30 * DAY
BOTH = custody_of(["age1alice", "age1bob"])
ALICE = custody_of(["age1alice"])
ELSEWHERE = version(sink_id="fake:another")
MOVED = version(sink_path="payments/old")
LEAKED = version(state=VersionState.RETIRED, leaked=True)
RETIRING = version(state=VersionState.RETIRING, retire_at=NOW + DAY)
PROVISIONAL = version(state=VersionState.PROVISIONAL, sink_version=None)


def reason(stored: KeyRecord, *, custody: str = "", now: datetime = NOW) -> Reason | None:
    """Ask the rules."""
    target = replace(TARGET, custody=custody)
    return rotation_reason(RotationQuestion(record=stored, target=target, now=now))


def scheduled(**changes: Any) -> KeyRecord:
    """Give a key that rotates every month."""
    return record(every=MONTH, **changes)


ROWS: dict[str, tuple[KeyRecord, str, Reason | None]] = {
    "all is well": (record(), "", None),
    "never confirmed, under way": (record(versions=(PROVISIONAL,)), "", None),
    "no version at all": (record(versions=()), "", Reason.NO_LIVE_VERSION),
    "leaked": (record(versions=(LEAKED,)), "", Reason.NO_LIVE_VERSION),
    "only one that retires": (record(versions=(RETIRING,)), "", Reason.NO_LIVE_VERSION),
    "another sink": (record(versions=(ELSEWHERE,)), "", Reason.SINK_CHANGED),
    "another path": (record(versions=(MOVED,)), "", Reason.SINK_PATH_CHANGED),
    "another sink and path": (
        record(versions=(version(sink_id="fake:another", sink_path="payments/old"),)),
        "",
        Reason.SINK_CHANGED,
    ),
    "a recipient left": (
        record(versions=(version(custody=BOTH),)),
        ALICE,
        Reason.RECIPIENT_REMOVED,
    ),
    "a recipient came": (record(versions=(version(custody=ALICE),)), BOTH, None),
    "the same recipients": (record(versions=(version(custody=BOTH),)), BOTH, None),
    "leaked while held": (
        record(versions=(LEAKED,), about={"hold": HELD}),
        "",
        Reason.NO_LIVE_VERSION,
    ),
    "leaked while inactive": (record(versions=(LEAKED,), active=False), "", Reason.NO_LIVE_VERSION),
    "leaked and removed": (
        record(versions=(LEAKED,), about={"status": KeyStatus.REMOVED}),
        "",
        None,
    ),
    "leaked and replaced": (
        record(versions=(LEAKED,), about={"status": KeyStatus.SUPERSEDED}),
        "",
        None,
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_stored_key_is_due_for_the_reason_of_its_row(row: str) -> None:
    """Leaked, blocked, moved, another sink, fewer readers: each is a reason; more readers none."""
    stored, custody, expected = ROWS[row]
    assert reason(stored, custody=custody) is expected


@pytest.mark.parametrize("row", ROWS)
def test_an_expired_key_is_never_due(row: str) -> None:
    """It wants a reissue."""
    stored, custody, _ = ROWS[row]
    expired = replace(stored, expires_at=NOW)
    assert reason(expired, custody=custody) is None


def test_a_schedule_comes_due_exactly_at_its_jittered_moment() -> None:
    """Not a microsecond before; and up to a tenth of the period early."""
    stored = scheduled()
    due = next_rotation(stored)
    assert due == NOW + MONTH - jitter("key-a", MONTH)
    assert NOW + MONTH * (1 - JITTER_SHARE) < due <= NOW + MONTH
    assert reason(stored, now=due - timedelta(microseconds=1)) is None
    assert reason(stored, now=due) is Reason.ROTATION_DUE


@pytest.mark.parametrize(
    "resting",
    [
        scheduled(active=False),
        scheduled(about={"hold": HELD}),
        scheduled(expiration=Expiration.WEEK),
        scheduled(versions=(PROVISIONAL,), about={"rotated_at": None}),
        record(),
    ],
)
def test_a_schedule_rests_while_the_key_is_inactive_held_or_expired(resting: KeyRecord) -> None:
    """Nor is a key due that has no schedule, or that was never confirmed."""
    assert reason(resting, now=NOW + 400 * DAY) is None


def test_a_schedule_counts_from_the_last_confirmation() -> None:
    """Every rotation starts the period anew."""
    stored = scheduled()
    later = replace(stored, rotated_at=NOW + DAY)
    first, second = next_rotation(stored), next_rotation(later)
    assert first is not None
    assert second is not None
    assert second - first == DAY


def test_without_schedule_or_confirmation_there_is_no_next_rotation() -> None:
    """Nobody is told a date that does not exist."""
    assert next_rotation(record()) is None
    assert next_rotation(replace(scheduled(), rotated_at=None)) is None


@given(st.text(min_size=1, max_size=40), st.integers(1, 400))
def test_the_jitter_of_a_key_is_fixed_and_within_its_share(key_id: str, days: int) -> None:
    """The same for a key every time, never more than a tenth of the period."""
    every = days * DAY
    assert timedelta(0) <= jitter(key_id, every) <= every * JITTER_SHARE
    assert jitter(key_id, every) == jitter(key_id, every)


def test_keys_of_one_schedule_do_not_all_rotate_at_once() -> None:
    """A hundred keys have a hundred moments."""
    assert len({jitter(f"key-{n}", MONTH) for n in range(100)}) == 100


def test_the_rules_are_asked_in_the_order_of_their_weight() -> None:
    """A key without a secret is told so, whatever else is due."""
    assert [rule.__name__ for rule in RULES] == [
        "no_version_is_current",
        "sink_has_changed",
        "path_has_changed",
        "recipient_was_removed",
        "schedule_is_due",
    ]
