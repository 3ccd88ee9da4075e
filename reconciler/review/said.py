"""What a rule says of one thing, before policy and waivers have their word."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.severity import Severity
from reconciler.model.source import SourceRef
from reconciler.model.verdict import Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence about one key or resource."""

    address: str
    message: str
    """One sentence without the address."""
    workspace: str | None
    is_key: bool = True
    """False for a resource."""
    source: SourceRef | None = None
    severity: Severity | None = None
    """Where this case is graver or lighter than the rule."""
    whole: str = ""
    """All that the message cuts short: what is told apart by, before and after."""

    @property
    def thing(self) -> Thing:
        """Give what it is about."""
        return self.is_key, self.address
