"""Instants and spans as people read them: in UTC, to the minute."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def moment(at: datetime) -> str:
    """Give `2026-11-24 14:50 UTC`."""
    return f"{at.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def day(at: datetime) -> str:
    """Give `2026-11-24`, in UTC."""
    return f"{at.astimezone(timezone.utc):%Y-%m-%d}"


def distance(at: datetime, now: datetime) -> str:
    """Give `in 12 d` or `3 h ago`: days from two days on, then hours, then minutes."""
    span = abs(at - now)
    return f"in {_span(span)}" if at > now else f"{_span(span)} ago"


def ago(at: datetime, now: datetime) -> str:
    """Give `3 h ago`, also of what is said to be later than now: clocks differ."""
    return distance(min(at, now), now)


def _span(span: timedelta) -> str:
    if span >= 2 * _DAY:
        return f"{span // _DAY} d"
    if span >= 2 * _HOUR:
        return f"{span // _HOUR} h"
    return f"{span // _MINUTE} min"
