"""The journal of secrets under way: operations, attempts, path ownership, the lease.

At most one operation is open on a sink path. An attempt is the promise to send one check-and-set
write with exactly the expected version; nothing is ever sent without one that was committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from reconciler.model.source import SourceRef

LEASE_TIME_TO_LIVE = timedelta(seconds=30)
LEASE_RENEWAL = timedelta(seconds=10)


class OperationKind(StrEnum):
    """Why a secret is being made."""

    CREATE = "create"
    ROTATE = "rotate"
    REISSUE = "reissue"
    RENAME = "rename"


class OperationState(StrEnum):
    """Where an operation ended."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    BLOCKED = "blocked"
    """A stranger wrote to the path; nothing was overwritten."""
    ABANDONED = "abandoned"
    """The key was removed, replaced or expired meanwhile, or another sink is trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One committed promise to write: `version_id` at the path with check-and-set `expected`."""

    version_id: str
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The journal's entry for one key and one path."""

    operation_id: str
    kind: OperationKind
    key_id: str
    sink_id: str
    sink_path: str
    target: str
    """Version id that the operation wants to confirm."""
    overlap: timedelta
    """How long the previous secret works after the confirmation."""
    generation: int
    """What the record's generation becomes at the confirmation."""
    supersedes: str | None = None
    """For a reissue: the key whose secrets retire at the confirmation."""
    reason: str = ""
    """The plan's reason, for the audit."""
    source: SourceRef | None = None
    state: OperationState = OperationState.OPEN
    opened_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRow:
    """What the store knows of one sink path; the row stays for ever."""

    sink_id: str
    path: str
    key_id: str
    """The key that owns the path now, or the last that did."""
    is_free: bool
    """Whether another key may take it: its owner was removed or has left it."""
    last_version: int
    """The last version number known to be in the sink; 0 for a path never written."""
    adopted_version: int | None = None
    """The version that a manifest last allowed to be written over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """What every transaction of a run repeats: it commits only while the lease is still ours."""

    manager: str
    epoch: int
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One row per manager; its epoch rises with every take-over. Times are the database's."""

    manager: str
    epoch: int
    run_id: str
    holder: str
    """Who holds it, for people: principal, host and process id."""
    acquired_at: datetime
    expires_at: datetime

    @property
    def fence(self) -> Fence:
        """Give what transactions repeat."""
        return Fence(manager=self.manager, epoch=self.epoch, run_id=self.run_id)

    def is_free(self, now: datetime) -> bool:
        """Whether another run may take it."""
        return now >= self.expires_at
