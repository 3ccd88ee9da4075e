"""Counts, instants and spans as people read them. Times are shown in UTC, to the minute."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from reconciler.model.lifetime import parse_duration

SHORT_COMMIT = 7
"""Characters of a commit's id that people are shown."""
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def counted(number: int, one: str, many: str | None = None) -> str:
    """Give `1 key` or `3 keys`; `many` where the plural takes more than an s."""
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"


def shortened(text: str, longest: int) -> str:
    """Give a text of at most that many characters; a cut one ends in `…`."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


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


def _span(span: timedelta) -> str:
    if span >= 2 * _DAY:
        return f"{span // _DAY} d"
    if span >= 2 * _HOUR:
        return f"{span // _HOUR} h"
    return f"{span // _MINUTE} min"


def works_until(now: datetime, overlap: str) -> str:
    """Give until when a secret works that is replaced now, from the overlap as a duration."""
    try:
        return f"until {moment(now + parse_duration(overlap))}"
    except (ValueError, OverflowError):
        return f"for {overlap}"
