"""How old an answer may be: the two numbers that are promised, and those that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

POLLS_IN_A_BOUND = 2
"""The store is asked at least so often within the revocation bound."""
PATIENCE = 2.0
"""Seconds that one question waits for a row, for a hash or for a look before it is given up."""
ROW_LIFE = 300.0
"""Seconds after which a row is read again in any case: changes past keyrec raise no revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a verifier promises about ended keys."""

    revocation: timedelta = timedelta(seconds=1)
    """With the store in reach, no answer is of a state older than this."""
    max_stale: timedelta = timedelta(seconds=10)
    """Without, proven keys are answered for so long, and then none."""

    def __post_init__(self) -> None:
        """Refuse bounds that promise nothing."""
        if not timedelta(0) < self.revocation <= self.max_stale:
            raise ValueError("the revocation bound is above 0 and at most max_stale")

    @property
    def poll(self) -> float:
        """Give the seconds from one look at the store to the next."""
        return self.revocation.total_seconds() / POLLS_IN_A_BOUND
