"""When, from where and for what secrets were presented, as verifiers report it: the evidence that
one is not needed, or needed there.

Verifiers report in batches, so what is known of the last minutes is never complete: a report says
up to when it is. Nothing is known past the word of the slowest reporter that still works.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import StrEnum

SILENT_AFTER = timedelta(days=1)
"""A reporter that is this far behind the newest one is taken to be gone."""
FORGOTTEN_AFTER = timedelta(days=30)
"""A reporter that has been silent for this long is not kept: processes come and go."""

MOST_MARKS = 32
"""How many marks of one kind are kept of a version: the newest."""
MARKS_LAST = timedelta(days=90)
"""For how long a mark is kept after it was last seen."""
LONGEST_SUBJECT = 200
"""Characters of a mark's subject; longer ones are not kept."""


class UseKind(StrEnum):
    """What a mark says of a version. Compatibility: the values are stored."""

    ORIGIN = "origin"
    """It was allowed from this address."""
    SCOPE = "scope"
    """It was allowed for this: `Resource:level`."""
    DENIED = "denied"
    """It was refused: the reason, and behind a blank the address where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseMark:
    """One thing that was seen of a version."""

    version_id: str
    kind: UseKind
    subject: str
    last_at: datetime
    """To the minute."""
    times: int = 1
    """In a report: since the last one. In the store: in the hour of `last_at`."""

    @property
    def refusal(self) -> tuple[str, str | None]:
        """Give reason and address of a denial, as `refusal_subject` put them together."""
        reason, _, address = self.subject.partition(" ")
        return reason, address or None

    @property
    def is_legible(self) -> bool:
        """Whether its subject can be kept and shown: one short line of printable characters."""
        return 0 < len(self.subject) <= LONGEST_SUBJECT and self.subject.isprintable()

    def joined(self, other: UseMark) -> UseMark:
        """Give one mark for two of the same thing: of one hour both count, else the later one."""
        early, late = sorted((self, other), key=lambda mark: mark.last_at)
        if hour_of(early.last_at) != hour_of(late.last_at):
            return late
        return replace(late, times=early.times + late.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseReport:
    """All uses that one verifier has seen since its last report."""

    reporter: str
    """Which verifier: a name of its own for each process, such as host and process id."""
    uses: tuple[tuple[str, datetime], ...]
    """Version id and its last use, to the minute; one entry to a version."""
    until: datetime
    """No use before this instant is missing."""
    marks: tuple[UseMark, ...] = ()
    """One entry to a version, kind and subject; never of a secret that nobody issued."""

    def as_of(self, now: datetime) -> UseReport:
        """Give what of it may have happened by the database's clock: a verifier whose clock is fast
        must not speak for a time that has not come.
        """
        return replace(
            self,
            uses=tuple((version_id, min(used, now)) for version_id, used in self.uses),
            until=min(self.until, now),
            marks=tuple(replace(m, last_at=min(m.last_at, now)) for m in self.marks),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What is kept of one reporter."""

    until: datetime
    """Its last word."""
    since: datetime | None
    """Since when it, or those before it, have reported without a gap; None: not known."""


def covered_until(reports: Iterable[datetime]) -> datetime | None:
    """Give up to when all uses are known, from each reporter's last word; None without any."""
    known = sorted(reports)
    if not known:
        return None
    return next(until for until in known if known[-1] - until <= SILENT_AFTER)


def covered_since(reports: Iterable[Listening]) -> datetime | None:
    """Give since when somebody has reported without a gap of more than a day, from what is kept of
    each reporter; None where that is not known.
    """
    known = list(reports)
    newest = max((kept.until for kept in known), default=None)
    if newest is None:
        return None
    present = (kept.since for kept in known if newest - kept.until <= SILENT_AFTER)
    return min((since for since in present if since is not None), default=None)


def listened_since(until: datetime, reports: Iterable[Listening]) -> datetime:
    """Give since when somebody has reported without a gap, for a report that is complete up to
    `until`: whoever begins within a day of another goes on with what that one began.
    """
    begun = [
        kept.since
        for kept in reports
        if kept.since is not None and kept.since <= until and until - kept.until <= SILENT_AFTER
    ]
    return min([*begun, until])


def merged_marks(marks: Iterable[UseMark], now: datetime) -> tuple[UseMark, ...]:
    """Give what is kept of all that is known of versions, by version, newest first: one mark to a
    kind and subject, of each kind the newest few, none that is old or cannot be shown.

    In whatever order reports arrive, what is kept is the same.
    """
    found: dict[tuple[str, UseKind, str], UseMark] = {}
    for mark in marks:
        if mark.is_legible and now - mark.last_at <= MARKS_LAST:
            key = (mark.version_id, mark.kind, mark.subject)
            found[key] = mark.joined(found[key]) if key in found else mark
    kept = Counter[tuple[str, UseKind]]()
    newest = []
    for mark in newest_first(found.values()):
        kept[mark.version_id, mark.kind] += 1
        if kept[mark.version_id, mark.kind] <= MOST_MARKS:
            newest.append(mark)
    return tuple(newest)


def newest_first(marks: Iterable[UseMark]) -> tuple[UseMark, ...]:
    """Give marks by version, each version's newest first; those of one instant by their words."""
    by_words = sorted(marks, key=lambda mark: (mark.kind, mark.subject))
    by_time = sorted(by_words, key=lambda mark: mark.last_at, reverse=True)
    return tuple(sorted(by_time, key=lambda mark: mark.version_id))


def refusal_subject(reason: str, address: str | None) -> str:
    """Give the subject of a denial: its reason, and the address where that is known."""
    return reason if address is None else f"{reason} {address}"


def hour_of(at: datetime) -> datetime:
    """Give the hour, in UTC, in which the `times` of a mark are counted."""
    return at.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
