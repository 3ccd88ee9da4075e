"""Counts and texts as people read them."""

from __future__ import annotations

from datetime import datetime

from reconciler.model.lifetime import parse_duration
from reconciler.model.moments import moment

SHORT_COMMIT = 7
"""Characters of a commit's id that people are shown."""


def counted(number: int, one: str, many: str | None = None) -> str:
    """Give `1 key` or `3 keys`; `many` where the plural takes more than an s."""
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"


def shortened(text: str, longest: int) -> str:
    """Give a text of at most that many characters; a cut one ends in `…`."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def works_until(now: datetime, overlap: str) -> str:
    """Give until when a secret works that is replaced now, from the overlap as a duration."""
    try:
        return f"until {moment(now + parse_duration(overlap))}"
    except (ValueError, OverflowError):
        return f"for {overlap}"
