"""What verifiers have reported of a key, beside what its record says: when it was last used, from
where and for what, and why a replaced secret still waits for its end.

Whether that one may end is decided in `planning/evidence.py`; here it is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.model.canonical import instant
from reconciler.model.keys import KeyRecord, KeyVersion
from reconciler.model.lifetime import VersionState, format_duration
from reconciler.model.moments import distance, moment
from reconciler.model.uses import UseKind, UseMark
from reconciler.planning.evidence import may_end, quiet_from
from reconciler.render.style import escape
from reconciler.render.words import counted

MOST_SHOWN = 5
"""How many origins, scopes and denials are shown of a version: the newest."""
_WORDS = {UseKind.ORIGIN: "from", UseKind.SCOPE: "for", UseKind.DENIED: "denied"}
_NAMES = {UseKind.ORIGIN: "origins", UseKind.SCOPE: "scopes", UseKind.DENIED: "denials"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What verifiers have reported, beside last uses."""

    until: datetime | None = None
    """Up to when all uses are known; None where no verifier has ever reported."""
    since: datetime | None = None
    """Since when they have reported without a gap; None where that is not known."""
    marks: Mapping[str, tuple[UseMark, ...]] = field(default_factory=dict)
    """By version id, newest first."""


class Waiting(StrEnum):
    """What a replaced secret without a deadline waits for."""

    OVERLAP = "overlap"
    USE = "use"
    """It was used too lately."""
    REPORTS = "reports"
    """Verifiers have not reported far enough."""
    APPLY = "apply"
    """Nothing but the next run of apply."""


NOTHING_SEEN = Seen()
_SHORT = {Waiting.USE: "still used", Waiting.REPORTS: "no reports", Waiting.APPLY: "unused"}


def known_text(seen: Seen) -> str:
    """Say of which time all uses are known."""
    if seen.until is None:
        return "no verifier has ever reported"
    begun = "" if seen.since is None else f"from {moment(seen.since)} "
    return f"all uses are known {begun}up to {moment(seen.until)}"


def last_use(record: KeyRecord) -> datetime | None:
    """Give the latest use of any version of the key."""
    return max((v.last_used_at for v in record.versions if v.last_used_at), default=None)


def last_use_text(used: datetime | None, now: datetime, seen: Seen) -> str:
    """Say how long ago it was: `3 min ago`, `never`, or `unknown` where nobody ever reported."""
    if used is None:
        return "unknown" if seen.until is None else "never"
    return distance(used, now)


def waits_for(version: KeyVersion, record: KeyRecord, now: datetime, seen: Seen) -> Waiting | None:
    """Say what a version waits for before it ends; None for one that waits for no evidence."""
    quiet = quiet_from(version, record)
    if version.state is not VersionState.RETIRING or version.overlap_until is None or quiet is None:
        return None
    if now < version.overlap_until:
        return Waiting.OVERLAP
    if may_end(version, record, now=now, uses_until=seen.until):
        return Waiting.APPLY
    return Waiting.USE if now < quiet else Waiting.REPORTS


def waiting_word(record: KeyRecord, now: datetime, seen: Seen) -> str:
    """Say in two words why a replaced secret outlives its overlap; empty where none does."""
    found = (waits_for(version, record, now, seen) for version in record.versions)
    return ", ".join(dict.fromkeys(_SHORT[w] for w in found if w in _SHORT))


def use_lines(record: KeyRecord, now: datetime, seen: Seen) -> Iterator[str]:
    """Give what is known of the uses of each version, oldest version first."""
    for version in record.versions:
        lines = list(_version_lines(version, record, now, seen))
        if lines or version.last_used_at is not None:
            told = last_use_text(version.last_used_at, now, seen)
            yield f"  {escape(version.version_id)} last used: {told}"
            yield from lines


def _version_lines(
    version: KeyVersion, record: KeyRecord, now: datetime, seen: Seen
) -> Iterator[str]:
    for kind, word in _WORDS.items():
        marks = _newest(version, kind, seen)
        if marks:
            yield f"    {word:<7} {', '.join(_mark_text(m, now) for m in marks)}"
    waiting = waits_for(version, record, now, seen)
    if waiting is not None:
        yield f"    waits   {_waiting_text(waiting, version, record, seen)}"


def _newest(version: KeyVersion, kind: UseKind, seen: Seen) -> list[UseMark]:
    marks = seen.marks.get(version.version_id, ())
    return [mark for mark in marks if mark.kind is kind][:MOST_SHOWN]


def _mark_text(mark: UseMark, now: datetime) -> str:
    ago = distance(mark.last_at, now)
    if mark.kind is not UseKind.DENIED:
        return f"{escape(mark.subject)} ({ago})"
    reason, address = mark.refusal
    origin = f" {escape(address)}" if address else ""
    return f"{escape(reason)}{origin} ({ago}, {counted(mark.times, 'time')} in that hour)"


def _waiting_text(waiting: Waiting, version: KeyVersion, record: KeyRecord, seen: Seen) -> str:
    overlap, quiet = format_duration(record.fields.rotation.overlap), quiet_from(version, record)
    if waiting is Waiting.OVERLAP:
        return f"for its overlap, then until nobody has used it for {overlap}"
    if waiting is Waiting.USE:
        return f"until nobody has used it for {overlap}"
    if waiting is Waiting.APPLY:
        return "for the next apply, which ends it"
    if seen.until is None or quiet is None:
        return "for verifiers: none has ever reported, so it may be in use"
    return f"for verifiers: they reported up to {moment(seen.until)}, {moment(quiet)} is needed"


def uses_document(
    version: KeyVersion, record: KeyRecord, now: datetime, seen: Seen
) -> dict[str, object]:
    """Give what is known of a version's uses for JSON, without its marks."""
    waiting = waits_for(version, record, now, seen)
    return {
        "last_used_at": instant(version.last_used_at),
        "overlap_until": instant(version.overlap_until),
        "waits_for": None if waiting is None else waiting.value,
    }


def marks_document(version: KeyVersion, seen: Seen) -> dict[str, object]:
    """Give the newest marks of a version for JSON."""
    return {
        name: [_mark_document(mark) for mark in _newest(version, kind, seen)]
        for kind, name in _NAMES.items()
    }


def _mark_document(mark: UseMark) -> dict[str, object]:
    last = {"last_at": instant(mark.last_at), "times": mark.times}
    if mark.kind is UseKind.ORIGIN:
        return {"address": mark.subject, **last}
    if mark.kind is UseKind.SCOPE:
        return {"scope": mark.subject, **last}
    reason, address = mark.refusal
    return {"reason": reason, "address": address, **last}
