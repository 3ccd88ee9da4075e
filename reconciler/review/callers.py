"""Whom a change cuts off, as far as verifiers saw them: the last use, and what is kept out.

What was seen in the last thirty days counts. Where nothing of it is excluded, that is said too, but
only where verifiers have looked for a week at least and kept all that they saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.model.allowlist import Address
from reconciler.model.keys import KeyRecord, KeySpec
from reconciler.model.moments import ago, day, moment
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.uses import SILENT_AFTER, UseKind
from reconciler.model.verdict import Dimension
from reconciler.review.origins import Ranges, networks_of
from reconciler.review.privilege import covered
from reconciler.review.usage import LastUse, Usage

RECENT = timedelta(days=30)
"""What was seen longer ago says nothing about callers of today."""
_LONG_ENOUGH = timedelta(days=7)
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """What was seen of a key that a narrowing takes away."""

    subjects: tuple[tuple[str, datetime], ...]
    """Each with when it was seen last, newest first."""
    total: int
    """How many were seen, those that stay too."""
    none_since: datetime | None
    """Where nothing seen is taken away: since when that is known."""

    @property
    def words(self) -> str:
        """Name them, each with when it was seen last."""
        named = [f"{subject} (last {moment(at)})" for subject, at in self.subjects[:_MOST_NAMED]]
        left = len(self.subjects) - len(named)
        return ", ".join([*named, *([f"{left} more"] if left else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """What is known of those who use a key that is changed."""

    now: datetime
    last: LastUse | None = None
    """The last use of any secret that ends with the key."""
    unused_since: datetime | None = None
    """Where no use is known at all: since when that is known."""
    excluded: Mapping[Dimension, Excluded] = field(default_factory=dict)

    @property
    def last_words(self) -> str:
        """Say when it was last used, behind what the change does; empty where nobody knows."""
        if self.last is not None:
            return f"; last used {self.last.words_at(self.now)}"
        return (
            "" if self.unused_since is None else f"; no use was seen since {day(self.unused_since)}"
        )

    def words_of(self, dimension: Dimension) -> str:
        """Say who is excluded, behind what is lost of a dimension; empty where nobody knows."""
        found = self.excluded.get(dimension)
        if found is None:
            return ""
        if found.subjects:
            subject, at = found.subjects[0]
            count = f"{len(found.subjects)} of {found.total} {_SEEN[dimension]} in the last 30 days"
            return f"; among them {count}, the last {subject}, {ago(at, self.now)}"
        if found.none_since is None:
            return ""
        return f"; {_NOBODY[dimension]} since {day(found.none_since)}"


_SEEN = {Dimension.ORIGINS: "addresses seen", Dimension.SCOPES: "scopes exercised"}
_NOBODY = {
    Dimension.ORIGINS: "nobody was seen there",
    Dimension.SCOPES: "none of them was exercised",
}


def callers_of(
    record: KeyRecord, spec: KeySpec | None, usage: Usage, catalog: ScopeCatalog
) -> Callers:
    """Give what is known of those who use a stored key; `spec`: what it becomes, `catalog`: what
    grants will mean then.
    """
    last = usage.last_use(usage.family(record))
    return Callers(
        now=usage.observed.read_at,
        last=last,
        unused_since=None if last is not None else _known_since(record, usage),
        excluded={} if spec is None else excluded_by(record, spec, usage, catalog),
    )


def excluded_by(
    record: KeyRecord, spec: KeySpec, usage: Usage, catalog: ScopeCatalog
) -> dict[Dimension, Excluded]:
    """Give what was seen of a key and is allowed no more, of each dimension that has evidence."""
    return {
        Dimension.ORIGINS: _excluded_origins(record, spec.fields.ranges, usage),
        Dimension.SCOPES: _excluded_scopes(record, covered(spec.fields, catalog), usage),
    }


def excluded_scopes(record: KeyRecord, usage: Usage, catalog: ScopeCatalog) -> Excluded:
    """Give what was exercised of a key that stays as it is, and means less under a catalogue."""
    return _excluded_scopes(record, covered(record.fields, catalog), usage)


def _excluded_origins(record: KeyRecord, after: Ranges, usage: Usage) -> Excluded:
    seen = usage.origins(usage.secrets(record), usage.observed.read_at - RECENT)
    allowed = [a for a in seen if holds(record.fields.ranges, a)]
    lost = tuple((str(a), seen[a]) for a in allowed if not holds(after, a))
    return _excluded(record, lost, len(allowed), usage, UseKind.ORIGIN)


def _excluded_scopes(
    record: KeyRecord, after: frozenset[tuple[str, str]], usage: Usage
) -> Excluded:
    seen = usage.scopes(usage.secrets(record), usage.observed.read_at - RECENT)
    before = covered(record.fields, usage.observed.catalog)
    allowed = [s for s in seen if s in before]
    lost = tuple((":".join(s), seen[s]) for s in allowed if s not in after)
    return _excluded(record, lost, len(allowed), usage, UseKind.SCOPE)


def _excluded(
    record: KeyRecord,
    lost: tuple[tuple[str, datetime], ...],
    total: int,
    usage: Usage,
    kind: UseKind,
) -> Excluded:
    is_sure = not lost and usage.tells_all(usage.secrets(record), kind)
    since = _known_since(record, usage) if is_sure else None
    return Excluded(subjects=lost, total=total, none_since=since)


def holds(ranges: Ranges, address: Address) -> bool:
    """Whether an allowlist admits an address; the ranges are read once for all that ask."""
    return any(n.version == address.version and address in n for n in networks_of(ranges))


def _known_since(record: KeyRecord, usage: Usage) -> datetime | None:
    """Give since when all recent uses are known until now; None for less than a week."""
    now, since = usage.observed.read_at, usage.since(record)
    if since is None or usage.until is None or now - usage.until > SILENT_AFTER:
        return None
    since = max(since, now - RECENT)
    return since if now - since >= _LONG_ENOUGH else None
