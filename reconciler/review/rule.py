"""What a rule is: one function, and beside it the texts for whoever meets its findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from enum import StrEnum

from reconciler.model.severity import Severity
from reconciler.model.verdict import Dimension
from reconciler.review.said import Said
from reconciler.review.scene import Scene


class Subject(StrEnum):
    """What a rule looks at; the first digit of its id."""

    CHANGE = "change"
    """AK1xx: what a plan changes."""
    MANIFEST = "manifest"
    """AK2xx: what is declared, whether it changes or not."""
    STATE = "state"
    """AK3xx: what the store and the time say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What is said of a rule beside its function."""

    id: str
    title: str
    severity: Severity
    why: str
    mend: str
    at_worst: Severity | None = None
    """How grave its gravest case is; None: no case is graver than the others."""
    practice: str | None = None
    """The console page's best practice that it is, in the page's words."""
    standing: bool = False
    """Whether what it finds comes with time, and so is of no change."""
    by_use: bool = False
    """Whether it says what verifiers saw: when and how often, in other words in every plan."""
    of_keys: bool = True
    """False where it speaks of resources, for which there are no waivers."""
    follows: frozenset[Dimension] = frozenset()
    """Of which access its findings follow: a key that gains none of it has none that are new."""
    refused_as: tuple[str, ...] = ()
    """Codes under which a plan or a manifest is refused instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Texts):
    """One rule: what it asks, how grave its findings are, why, and what to do."""

    check: Callable[[Scene], Iterable[Said]] | None = None
    """None for what is refused before a review begins, or asked with the findings of all others."""

    @property
    def gravest(self) -> Severity:
        """Give how grave its gravest case is, where the policy has no word of its own."""
        return self.at_worst or self.severity

    @property
    def subject(self) -> Subject:
        """Give what it looks at."""
        return {"1": Subject.CHANGE, "2": Subject.MANIFEST, "3": Subject.STATE}[self.id[2]]

    @property
    def page(self) -> str:
        """Give its page, from the repository's top."""
        return f"docs/reference/rules/{self.id}.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared(Texts):
    """The texts of a rule, waiting for its function."""

    def __call__(self, check: Callable[[Scene], Iterable[Said]]) -> Rule:
        """Make the rule of the function."""
        texts = {field.name: getattr(self, field.name) for field in fields(self)}
        return Rule(**texts, check=check)
