"""What verifiers saw of keys: when, from where and for what they were used, and why refused.

That something was seen is a fact, whoever reports. That nothing was seen is one only for a time in
which verifiers reported without a gap, and only where all that they saw was kept. What follows from
it for a change stands in `callers`, for keys as they are in `rules_usage`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import chain
from typing import TypeAlias, TypeVar

from reconciler.model.allowlist import Address, canonical_address
from reconciler.model.keys import KeyRecord, KeyVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.moments import ago, moment
from reconciler.model.scopes import ScopeGrant
from reconciler.model.states import ObservedState
from reconciler.model.uses import MOST_MARKS, UseKind, UseMark

Exercised: TypeAlias = tuple[str, str]
"""Resource and level that a call needed."""
_Subject = TypeVar("_Subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is kept of one version, newest first."""

    origins: Mapping[Address, datetime]
    scopes: Mapping[Exercised, datetime]
    refusals: tuple[UseMark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastUse:
    """The last use of a key: when, and from where as far as that is known."""

    at: datetime
    origin: Address | None = None

    @property
    def words(self) -> str:
        """Give `2026-11-24 11:57 UTC from 198.51.100.7`."""
        return f"{moment(self.at)}{self._whence}"

    def words_at(self, now: datetime) -> str:
        """Give `3 min ago from 198.51.100.7`."""
        return f"{ago(self.at, now)}{self._whence}"

    @property
    def _whence(self) -> str:
        return "" if self.origin is None else f" from {self.origin}"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """All that is known of uses; silent where no verifier reports."""

    observed: ObservedState

    @property
    def until(self) -> datetime | None:
        """Give up to when all uses are known."""
        return self.observed.uses_until

    @property
    def is_told(self) -> bool:
        """Whether any verifier reports."""
        return self.until is not None

    def since(self, record: KeyRecord) -> datetime | None:
        """Give since when every use of a key is known: since verifiers report without a gap, and
        since its oldest secret of which anything is kept.
        """
        since = self.observed.uses_since
        if self.until is None or since is None or not record.versions:
            return None
        return max(since, min(v.created_at for v in record.versions))

    def secrets(self, record: KeyRecord) -> tuple[KeyVersion, ...]:
        """Give the key's own secrets that are accepted, as far as these say themselves."""
        return tuple(v for v in record.versions if v.is_accepted(self.observed.read_at))

    def replaced(self, record: KeyRecord) -> tuple[KeyVersion, ...]:
        """Give the accepted secrets that were replaced: by a rotation, or with their key."""
        own = (v for v in self.secrets(record) if v.state is VersionState.RETIRING)
        others = (self.secrets(r) for r in self._superseded.get(record.key_id, ()))
        return (*own, *chain.from_iterable(others))

    def family(self, record: KeyRecord) -> tuple[KeyVersion, ...]:
        """Give every secret that ends with the key."""
        now = self.observed.read_at
        return tuple(v for v in self.known(record) if v.is_accepted(now))

    def known(self, record: KeyRecord) -> tuple[KeyVersion, ...]:
        """Give every secret of the key and of what it replaced, also those that have ended."""
        others = (r.versions for r in self._superseded.get(record.key_id, ()))
        return (*record.versions, *chain.from_iterable(others))

    def last_use(self, versions: Iterable[KeyVersion]) -> LastUse | None:
        """Give the last use of any of these secrets; None where none is known."""
        used = [(v.last_used_at, v) for v in versions if v.last_used_at is not None]
        if self.until is None or not used:
            return None
        at, version = max(used, key=lambda pair: pair[0])
        origins = self.of(version).origins
        origin = next((address for address, seen in origins.items() if seen >= at), None)
        return LastUse(at=at, origin=origin)

    def origins(self, versions: Iterable[KeyVersion], after: datetime) -> dict[Address, datetime]:
        """Give from where these were used since an instant, and when last, newest first."""
        return _latest((self.of(v).origins for v in versions), after)

    def scopes(self, versions: Iterable[KeyVersion], after: datetime) -> dict[Exercised, datetime]:
        """Give for what these were used since an instant, and when last, newest first."""
        return _latest((self.of(v).scopes for v in versions), after)

    def tells_all(self, versions: Iterable[KeyVersion], kind: UseKind) -> bool:
        """Whether the kept origins or scopes are all that there were: not so many that some were
        dropped, and no use is known that is of none of them.
        """
        for version in versions:
            seen = self.of(version)
            marks = seen.scopes if kind is UseKind.SCOPE else seen.origins
            newest = max(marks.values(), default=None)
            used = version.last_used_at
            if len(marks) >= MOST_MARKS or (used and (newest is None or newest < used)):
                return False
        return True

    def of(self, version: KeyVersion) -> Seen:
        """Give what is kept of one version."""
        return self._seen.get(version.version_id, _NOTHING)

    @cached_property
    def _seen(self) -> dict[str, Seen]:
        """Read every mark once."""
        if self.until is None:
            return {}
        versions = (v.version_id for v in chain.from_iterable(self._all_versions))
        marked = ((v, self.observed.marks.get(v, ())) for v in versions)
        return {version_id: _read(marks) for version_id, marks in marked if marks}

    @property
    def _all_versions(self) -> Iterable[tuple[KeyVersion, ...]]:
        foreign = (f.record for f in self.observed.foreign if f.record is not None)
        return (record.versions for record in (*self.observed.records, *foreign))

    @cached_property
    def _superseded(self) -> dict[str, list[KeyRecord]]:
        found: defaultdict[str, list[KeyRecord]] = defaultdict(list)
        for record in self.observed.records:
            if record.superseded_by is not None:
                found[record.superseded_by].append(record)
        return dict(found)


@lru_cache(maxsize=16384)
def _address(text: str) -> Address | None:
    """Read an address once for all the keys that were used from there."""
    return canonical_address(text)


def _read(marks: Iterable[UseMark]) -> Seen:
    origins: dict[Address, datetime] = {}
    scopes: dict[Exercised, datetime] = {}
    refusals: list[UseMark] = []
    for mark in sorted(marks, key=lambda m: m.last_at, reverse=True):
        address = _address(mark.subject) if mark.kind is UseKind.ORIGIN else None
        if address is not None:
            origins.setdefault(address, mark.last_at)
        elif mark.kind is UseKind.SCOPE:
            grant = ScopeGrant.read(mark.subject)
            scopes.setdefault((grant.resource, grant.level), mark.last_at)
        elif mark.kind is UseKind.DENIED:
            refusals.append(mark)
    return Seen(origins=origins, scopes=scopes, refusals=tuple(refusals))


_NOTHING = Seen(origins={}, scopes={}, refusals=())


def _latest(of: Iterable[Mapping[_Subject, datetime]], after: datetime) -> dict[_Subject, datetime]:
    """Give the later of each, newest first."""
    found: dict[_Subject, datetime] = {}
    for seen in of:
        for subject, at in seen.items():
            if at >= after:
                found[subject] = max(at, found.get(subject, at))
    return dict(sorted(found.items(), key=lambda pair: pair[1], reverse=True))
