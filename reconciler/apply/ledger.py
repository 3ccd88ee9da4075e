"""What became of every change and every item of a plan: each is told once, none is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.apply.outcome import Outcome, OutcomeStatus
from reconciler.errors import KeyrecError
from reconciler.planning.actions import MaintenanceKind
from reconciler.planning.plan import Change, MaintenanceItem, Plan

Subject: TypeAlias = Change | MaintenanceItem


@dataclass(slots=True, kw_only=True)
class Ledger:
    """The outcomes of one execution, and what has none yet.

    Open operations are not in it: they are brought to their end, and told of, before.
    """

    plan: Plan
    on_outcome: Callable[[Outcome], None]
    outcomes: list[Outcome] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """What is worth saying, and no trouble of any key."""
    _pending: dict[int, Subject] = field(default_factory=dict)
    """By identity: two of them may have the same address."""

    def __post_init__(self) -> None:
        """Begin with everything that the plan holds."""
        for change in self.plan.changes:
            self._pending[id(change)] = change
        for item in self.plan.maintenance:
            if item.kind is not MaintenanceKind.RESUME:
                self._pending[id(item)] = item

    def tell(self, subject: Subject | None, outcome: Outcome) -> None:
        """Say what became of it; None stands for what the plan holds no line of."""
        self.drop(subject)
        self.outcomes.append(outcome)
        self.on_outcome(outcome)

    def applied(self, subject: Subject) -> None:
        """Say that it is done."""
        self.tell(subject, outcome_about(subject, OutcomeStatus.APPLIED))

    def failed(self, subject: Subject, message: str, advice: str) -> None:
        """Say why it is not done."""
        self.tell(subject, outcome_about(subject, OutcomeStatus.FAILED, message, advice))

    def blocked(self, subject: Subject, message: str, advice: str) -> None:
        """Say what a person has to decide about."""
        self.tell(subject, outcome_about(subject, OutcomeStatus.BLOCKED, message, advice))

    def drop(self, subject: Subject | None) -> None:
        """Expect nothing more about it."""
        self._pending.pop(id(subject), None)

    def tell_the_rest(self) -> None:
        """Name everything that was not begun."""
        for subject in list(self._pending.values()):
            self.tell(subject, outcome_about(subject, OutcomeStatus.NOT_ATTEMPTED))


def outcome_about(
    subject: Subject, status: OutcomeStatus, message: str = "", advice: str = ""
) -> Outcome:
    """Give the outcome of a change or an item."""
    if isinstance(subject, Change):
        return Outcome(
            address=subject.address,
            actions=tuple(a.value for a in subject.actions),
            status=status,
            message=message,
            advice=advice,
        )
    return Outcome(
        address=subject.address,
        actions=(subject.kind.value,),
        status=status,
        message=message,
        advice=advice,
        path=subject.path,
        is_maintenance=True,
    )


def words_of(error: KeyrecError) -> tuple[str, str]:
    """Give an error's sentence and advice."""
    return error.message, error.advice
