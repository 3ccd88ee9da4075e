"""What a verifier asks of the store, in our own words: a few reads, and two writes that it can do
without.

A role that may only read is enough to verify; a read replica does, as long as it keeps up. Errors
of all methods: `StoreUnavailable` and `StoreOutdated`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from reconciler.model.policy import HashProfile
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.uses import UseReport
from reconciler.ports import StoredVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreMark:
    """Which state of the store an answer is of."""

    store_id: str
    sequence: int
    """Number of the newest audit event: every change of a key raises it in the same transaction."""
    head: str
    """Hash of that event; another one under the same number is another history."""
    now: datetime
    """The database's time."""
    behind: timedelta = timedelta(0)
    """By how much the answer may be older than `now`: the lag of a read replica."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What became different since an earlier mark."""

    mark: StoreMark
    key_ids: frozenset[str] | None
    """The keys that changed; None: any may have."""
    catalog: ScopeCatalog | None = None
    """The catalogue in force, where it may have changed."""
    hashing: HashProfile | None = None
    """How new hashes are made by the stored policy, where that may have changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """Versions as the store holds them at one mark."""

    mark: StoreMark
    versions: Mapping[str, StoredVersion]
    """By version id; unknown ids are left out. A record names this one version alone."""
    damaged: frozenset[str] = frozenset()
    """Ids whose rows cannot be read: to be refused as unknown, and told to the operator."""


class VerificationStore(Protocol):
    """The issuer's memory, as those who only ask about presented keys see it."""

    def changes(self, since: StoreMark | None) -> Changes:
        """Say what changed since a mark; everything where there is none."""

    def issued(self, version_ids: Sequence[str]) -> Issued:
        """Give these versions with their keys and hashes, whatever their states."""

    def replace_hash(self, version_id: str, *, old: str, new: str) -> bool:
        """Store another hash of the same secret where the old one still stands; whether it did."""

    def report_uses(self, report: UseReport) -> None:
        """Remember when, from where and for what secrets were presented."""

    def wait(self, seconds: float) -> bool:
        """Return when something may have changed, at the latest after so many seconds; whether
        anything was heard. A store that cannot tell is polled anyway. Never raises.
        """

    def stop_waiting(self) -> None:
        """Let whoever waits return, now and from now on."""

    def close(self) -> None:
        """Give connections back."""
