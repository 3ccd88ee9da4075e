"""What is checked when a key does not work, and how one check went.

Values alone. Checks of the decision stand in its order; evidence is looked at beside them and
decides nothing about access.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.credentials.verdict import DenialReason
from reconciler.model.line_change import LineChange, WantedField


class CheckName(StrEnum):
    """What is checked, in order; the values are shown and part of JSON output."""

    COPIED_VALUE = "copied value"
    ENVIRONMENT = "environment"
    KNOWN_ID = "known id"
    SECRET = "secret"  # noqa: S105 - the name of a check
    LEAK = "leak"
    REMOVAL = "removal"
    ACTIVE = "active"
    HOLD = "hold"
    EXPIRATION = "expiration"
    VERSION = "version"
    ADDRESS = "address"
    SCOPE = "scope"


class EvidenceName(StrEnum):
    """What is looked at beside the decision; the values are shown and part of JSON output."""

    ROLE = "role"
    ORIGINS = "real origins"
    RANGES = "ranges"
    COMPLETE_KEY = "complete key"
    LAST_USE = "last use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of an explanation."""

    name: CheckName | EvidenceName
    passed: bool | None
    """None where it was not checked: an earlier check failed, or nothing was asked."""
    message: str
    advice: str = ""
    reason: DenialReason | None = None
    """For which reason access is denied, where a check of the decision failed."""
    wanted: WantedField | None = None
    """What the key's manifest should say, where that is the advice."""
    change: LineChange | None = None
    """The line to write, where the manifest is at hand."""
