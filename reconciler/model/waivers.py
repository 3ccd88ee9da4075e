"""A finding that somebody accepts, for one key and one rule, with a reason and an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timezone

from reconciler.model.keys import KeyAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """What is accepted, why, by whom and until when; a platform admin's to apply."""

    name: str
    rule: str
    """Id of the rule, such as `AK203`."""
    key: KeyAddress
    reason: str
    owner: str
    expires: date
    """The last day on which it counts, in UTC."""

    def is_expired(self, now: datetime) -> bool:
        """Whether its last day is over at `now` (aware)."""
        return now.astimezone(timezone.utc).date() > self.expires
