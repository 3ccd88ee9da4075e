"""What became of each action, and of the whole run. Nothing here can hold a secret."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.errors import ExitCode


class OutcomeStatus(StrEnum):
    """The end of one action."""

    APPLIED = "applied"
    FAILED = "failed"
    """It was tried and something outside said no or nothing; the next run goes on with it."""
    BLOCKED = "blocked"
    """It cannot go on without a person: a stranger wrote to the path."""
    NOT_ATTEMPTED = "not-attempted"
    """The run ended before it: interrupted, or its lease was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one change or one item of maintenance."""

    address: str
    actions: tuple[str, ...]
    """Words of `Action` or `MaintenanceKind`."""
    status: OutcomeStatus
    message: str = ""
    advice: str = ""
    path: str | None = None
    sink_version: int | None = None
    """Where a new secret is now, in the sink."""
    is_maintenance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyReport:
    """What became of the whole run."""

    run_id: str
    plan_digest: str
    outcomes: tuple[Outcome, ...] = ()
    warnings: tuple[str, ...] = ()
    interrupted: bool = False
    is_incomplete: bool = False
    """Whether something was left undone that a warning names and no outcome."""
    audit_sequence: int = 0
    audit_head: str = ""
    """Hash of the newest audit event, for whoever keeps it elsewhere."""

    def count(self, status: OutcomeStatus) -> int:
        """Count the outcomes that ended so."""
        return sum(1 for outcome in self.outcomes if outcome.status is status)

    @property
    def exit_code(self) -> ExitCode:
        """Give the exit code: interrupted, partly applied, or done."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        applied = self.count(OutcomeStatus.APPLIED)
        if applied == len(self.outcomes) and not self.is_incomplete:
            return ExitCode.DONE
        return ExitCode.PARTIAL
