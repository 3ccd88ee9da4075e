"""A plan under judgement: what every guard looks at."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.planning.actions import Action, Reason
from reconciler.planning.pairing import Pair, PlanRequest
from reconciler.planning.plan import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardQuestion:
    """A plan under judgement."""

    request: PlanRequest
    pairs: tuple[Pair, ...]
    changes: tuple[Change, ...]

    @property
    def endings(self) -> tuple[Change, ...]:
        """Give the changes that the removal guard counts."""
        return tuple(c for c in self.changes if ends_a_key(c))


def ends_a_key(change: Change) -> bool:
    """Whether the removal guard counts it: removals, and deactivations for want of a manifest."""
    if not change.is_key:
        return False
    undeclared = Action.DEACTIVATE in change.actions and change.reason is Reason.UNDECLARED
    return Action.REMOVE in change.actions or undeclared
