"""What a rule says of one thing, before policy and waivers have their word."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.severity import Severity
from reconciler.model.source import SourceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence about one key or resource."""

    address: str
    message: str
    """One sentence without the address."""
    workspace: str | None
    source: SourceRef | None = None
    severity: Severity | None = None
    """Where this case is graver or lighter than the rule."""
