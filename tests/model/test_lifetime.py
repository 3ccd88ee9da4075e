"""Durations as people write them, the page's expirations, and how long a version is accepted."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.lifetime import (
    Expiration,
    VersionState,
    format_duration,
    parse_duration,
)

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("1m", timedelta(minutes=1)),
        ("90m", timedelta(minutes=90)),
        ("24h", timedelta(hours=24)),
        ("30d", timedelta(days=30)),
        ("999999d", timedelta(days=999_999)),
    ],
)
def test_a_duration_is_a_whole_number_and_a_unit(text, duration):
    """Minutes, hours and days are read."""
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "", "30", "d", "0d", "030d", "-1d", "+1d", "1.5h", "1 d", " 1d", "1d\n", "1D", "1w", "1s",
        "1d12h", "1000000d", "\N{ARABIC-INDIC DIGIT ONE}d", "none", "P30D",
    ],
)  # fmt: skip
def test_any_other_text_is_no_duration(text):
    """Only one form is legal, so that a duration reads the same to everybody."""
    with pytest.raises(ValueError, match="a whole number and one of m, h, d, such as 24h or 30d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(hours=24), "1d"),
        (timedelta(hours=36), "36h"),
        (timedelta(minutes=60), "1h"),
        (timedelta(minutes=61), "61m"),
        (timedelta(0), "0m"),
    ],
)
def test_a_duration_is_written_in_the_largest_whole_unit(duration, text):
    """24 hours and 1 day are one thing with one text."""
    assert format_duration(duration) == text


@given(st.integers(min_value=1, max_value=999_999))
def test_reading_a_written_duration_gives_it_back(minutes):
    """Reading is the inverse of writing for every whole number of minutes."""
    duration = timedelta(minutes=minutes)

    assert parse_duration(format_duration(duration)) == duration


def test_the_expirations_are_those_of_the_console_page():
    """None, 1 hour, 1 day, 7, 30, 90, 180 and 360 days, counted from the creation."""
    days = {e.value: e.after(NOON) for e in Expiration}

    assert days == {
        "none": None,
        "1h": datetime(2026, 11, 24, 13, 0, tzinfo=timezone.utc),
        "1d": datetime(2026, 11, 25, 12, 0, tzinfo=timezone.utc),
        "7d": datetime(2026, 12, 1, 12, 0, tzinfo=timezone.utc),
        "30d": datetime(2026, 12, 24, 12, 0, tzinfo=timezone.utc),
        "90d": datetime(2027, 2, 22, 12, 0, tzinfo=timezone.utc),
        "180d": datetime(2027, 5, 23, 12, 0, tzinfo=timezone.utc),
        "360d": datetime(2027, 11, 19, 12, 0, tzinfo=timezone.utc),
    }


@pytest.mark.parametrize(
    ("state", "retire_at", "is_accepted"),
    [
        (VersionState.PROVISIONAL, None, True),
        (VersionState.PROVISIONAL, NOON - TICK, True),
        (VersionState.CURRENT, None, True),
        (VersionState.CURRENT, NOON - TICK, True),
        (VersionState.RETIRING, None, True),
        (VersionState.RETIRING, NOON + TICK, True),
        (VersionState.RETIRING, NOON, False),
        (VersionState.RETIRING, NOON - TICK, False),
        (VersionState.RETIRED, None, False),
        (VersionState.RETIRED, NOON + TICK, False),
    ],
)
def test_a_version_is_accepted_until_its_deadline(state, retire_at, is_accepted):
    """The deadline itself is the first instant of refusal; only a retiring version has one."""
    assert state.is_accepted(retire_at=retire_at, now=NOON) is is_accepted
