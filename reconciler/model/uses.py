"""When secrets were last presented, as verifiers report it: the evidence that one is not needed.

Verifiers report in batches, so what is known of the last minutes is never complete: a report says
up to when it is. Nothing is known past the word of the slowest reporter that still works.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

SILENT_AFTER = timedelta(days=1)
"""A reporter that is this far behind the newest one is taken to be gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseReport:
    """All uses that one verifier has seen since its last report."""

    reporter: str
    """Which verifier: a name of its own for each process, such as host and process id."""
    uses: tuple[tuple[str, datetime], ...]
    """Version id and its last use, to the minute; one entry to a version."""
    until: datetime
    """No use before this instant is missing."""

    def as_of(self, now: datetime) -> UseReport:
        """Give what of it may have happened by the database's clock: a verifier whose clock is fast
        must not speak for a time that has not come.
        """
        return replace(
            self,
            uses=tuple((version_id, min(used, now)) for version_id, used in self.uses),
            until=min(self.until, now),
        )


def covered_until(reports: Iterable[datetime]) -> datetime | None:
    """Give up to when all uses are known, from each reporter's last word; None without any."""
    known = sorted(reports)
    if not known:
        return None
    return next(until for until in known if known[-1] - until <= SILENT_AFTER)
