"""What is asked for: which plan, and how a run is to be carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from reconciler.bootstrap import doors
from reconciler.planning.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWish:
    """Which plan is asked for."""

    revision: str | None = None
    selection: Selection = field(default_factory=Selection)
    allowed_removals: int | None = None
    no_new_access: bool = False
    brief: bool = False
    """Whether nobody reads more of a plan without changes than that there are none."""
    cached: bool = False
    """Whether what is known of a file's bytes stands for reading it."""
    shared: bool = False
    """Whether another process may read some of the files; not where we are somebody's library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTerms:
    """How a run is to be carried out."""

    approved_digest: str | None = None
    maintenance_only: bool = False
    parallelism: int = doors.PARALLELISM
    lock_timeout: timedelta = timedelta(seconds=60)
