"""How grave something is that a review says."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """From the gravest down; `info` never fails a plan."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Give its place, 0 for the gravest: what a sort puts first."""
        return _RANKS[self]

    def reaches(self, threshold: Severity) -> bool:
        """Whether it is as grave as the threshold, or graver."""
        return self.rank <= threshold.rank


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
