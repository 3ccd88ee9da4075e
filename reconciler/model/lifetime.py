"""How long things last: expirations to choose from, durations as people write them.

All durations are `timedelta`, all instants are aware datetimes in UTC. No clock is read here.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"([1-9][0-9]{0,5})([mhd])")


class Expiration(StrEnum):
    """The console page's choices; counted from the key's creation and never changed."""

    NONE = "none"
    HOUR = "1h"
    DAY = "1d"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"
    HALF_YEAR = "180d"
    YEAR = "360d"

    def after(self, created_at: datetime) -> datetime | None:
        """Give the instant from which the key is refused; None for a key that never expires."""
        if self is Expiration.NONE:
            return None
        return created_at + parse_duration(self.value)


def parse_duration(text: str) -> timedelta:
    """Read `30d`, `24h` or `90m`; whole numbers from 1, one unit.

    Raises:
        ValueError: the text is not of that form.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("a duration is a whole number and one of m, h, d, such as 24h or 30d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def format_duration(duration: timedelta) -> str:
    """Write a duration in the largest unit that keeps it whole; inverse of `parse_duration`."""
    minutes = round(duration.total_seconds() / 60)
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


class Retirement(StrEnum):
    """What ends the previous secret of a key after a rotation; never before the overlap."""

    AFTER_OVERLAP = "after-overlap"
    WHEN_UNUSED = "when-unused"
    """Its overlap has passed and verifiers have seen no use of it for as long again."""


class VersionState(StrEnum):
    """The life of one secret of a key. Retired is final: nothing leaves it."""

    PROVISIONAL = "provisional"
    CURRENT = "current"
    RETIRING = "retiring"
    RETIRED = "retired"

    def is_accepted(self, *, retire_at: datetime | None, now: datetime) -> bool:
        """Whether verification accepts a version in this state at `now`.

        A retiring version without a deadline waits for evidence and is still accepted.
        """
        match self:
            case VersionState.PROVISIONAL | VersionState.CURRENT:
                return True
            case VersionState.RETIRING:
                return retire_at is None or now < retire_at
            case VersionState.RETIRED:
                return False
            case _:
                assert_never(self)
