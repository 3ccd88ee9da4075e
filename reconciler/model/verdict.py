"""What the review says about one key or resource: values, nothing is decided here.

Compatibility: they stand in plans as JSON; words are never given another meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Thing: TypeAlias = tuple[bool, str]
"""Whether it is a key, and its address: a key of a workspace `network` is named as a network is."""


class Verdict(StrEnum):
    """What a change does to somebody's access."""

    WIDEN = "WIDEN"
    MIXED = "MIXED"
    """Wider in one way and narrower in another."""
    NARROW = "NARROW"
    NEUTRAL = "NEUTRAL"

    @property
    def gives_access(self) -> bool:
        """Whether anybody can do anything that was not possible before."""
        return self in {Verdict.WIDEN, Verdict.MIXED}

    @property
    def rank(self) -> int:
        """Give its place, 0 for what is to be read first."""
        return list(Verdict).index(self)


def verdict_of(*, widens: bool, narrows: bool) -> Verdict:
    """Give the one word for both directions."""
    if widens:
        return Verdict.MIXED if narrows else Verdict.WIDEN
    return Verdict.NARROW if narrows else Verdict.NEUTRAL


class Dimension(StrEnum):
    """In which way access is wide or narrow, in the order of showing."""

    SCOPES = "scopes"
    ORIGINS = "origins"
    TIME = "time"
    LIVENESS = "liveness"
    CUSTODY = "custody"
    """Who can read the secret: where it is written, and for whom it is encrypted."""
    ADMINS = "admins"
    """Who may change the key."""

    @property
    def words(self) -> str:
        """Give what people read in the place of the id."""
        return _WORDS.get(self, self.value)


_WORDS = {
    Dimension.ORIGINS: "addresses",
    Dimension.LIVENESS: "access",
    Dimension.CUSTODY: "readers of the secret",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What one dimension gains and loses, in words."""

    dimension: Dimension
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What one change does to the access of one key, or of all keys that a resource touches."""

    address: str
    is_key: bool
    verdict: Verdict
    shifts: tuple[Shift, ...] = ()
    """Only dimensions that change."""
    disruptions: tuple[str, ...] = ()
    """How a live caller may break; empty where none can."""
    touched: tuple[str, ...] = ()
    """For a resource: addresses of the keys that it changes, sorted."""
    afterwards: str = ""
    """For a key whose access changes: all that its holder can do then, and whose it is."""
    remains: str = ""
    """What a secret that is replaced can still do, and for how long; empty where none can."""

    @property
    def thing(self) -> Thing:
        """Give what it is about."""
        return self.is_key, self.address

    @property
    def disrupts(self) -> bool:
        """Whether a live caller may break."""
        return bool(self.disruptions)

    @property
    def words(self) -> str:
        """Give `WIDEN`, `NARROW DISRUPT` and so on."""
        return f"{self.verdict.value} DISRUPT" if self.disrupts else self.verdict.value


def assessed(
    thing: Thing,
    shifts: tuple[Shift, ...],
    *,
    disruptions: tuple[str, ...] = (),
    touched: tuple[str, ...] = (),
    afterwards: str = "",
    remains: str = "",
) -> Assessment:
    """Give the assessment whose verdict follows from its shifts."""
    told = tuple(shift for shift in shifts if shift.gained or shift.lost)
    verdict = verdict_of(
        widens=any(shift.gained for shift in told), narrows=any(shift.lost for shift in told)
    )
    is_key, address = thing
    return Assessment(
        address=address,
        is_key=is_key,
        verdict=verdict,
        shifts=told,
        disruptions=disruptions,
        touched=touched,
        afterwards="" if verdict is Verdict.NEUTRAL else afterwards,
        remains=remains,
    )
