"""The form of a review in a saved plan."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from reconciler.model.severity import Severity
from reconciler.model.verdict import Dimension, Verdict


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, use_attribute_docstrings=True)


class ShiftForm(_Form):
    """What one dimension of access gains and loses, in words."""

    dimension: Dimension
    gained: list[str]
    lost: list[str]


class AccessForm(_Form):
    """What a change does to who can do what."""

    verdict: Verdict
    """`WIDEN`, `NARROW`, `MIXED` or `NEUTRAL`."""
    shifts: list[ShiftForm]
    """Dimensions that change, of scopes, origins, time, liveness, custody and admins."""
    disruptions: list[str]
    """How a live caller may break; empty where none can."""
    touched: list[str]
    """For a resource: the keys that it changes."""
    afterwards: str
    """For a key whose access changes: all that its holder can do then; else empty."""
    remains: str
    """What a secret that is replaced can still do, and for how long; else empty."""


class SourceForm(_Form):
    """A place in a manifest; lines and columns count from 1."""

    file: str
    line: int
    column: int
    end_line: int = 0
    """Last line of the document; 0 where it is not known."""


class WaiverForm(_Form):
    """A waiver of a finding."""

    name: str
    owner: str
    """Who answers for it."""
    expires: date
    """The last day on which it counts, in UTC."""
    reason: str
    counts: bool
    """False for one that this plan brings: it does not help yet."""


class FindingForm(_Form):
    """What a rule found."""

    rule: str
    """The rule's id; its page is docs/reference/rules/ID.md."""
    severity: Severity
    kind: Literal["key", "resource"]
    """What the address is of."""
    address: str
    workspace: str | None
    message: str
    mend: str
    source: SourceForm | None
    is_of_change: bool
    """Whether the plan changes the thing; only then can the finding refuse it."""
    waiver: WaiverForm | None
    """The stored waiver that accepts it, or one for it that this plan brings."""
