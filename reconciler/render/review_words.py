"""What is said of access and of waivers, in the words that people read, for every form to draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reconciler.model.review import Acceptance
from reconciler.model.source import Revision
from reconciler.model.verdict import Assessment
from reconciler.render.words import SHORT_COMMIT, counted
from reconciler.review.catalogue import rules_behind

BEFORE_WORDS: Final = "was so before:"
"""Above findings that the plan does not bring, of a thing that it changes."""
TO_GO_ON: Final = (
    "Nothing that is written in a request lifts this: change the manifests, or let a platform "
    "admin accept the finding of this key by a waiver that is merged and applied first, by itself."
)
"""Below the findings that refuse a plan."""
ELSEWHERE_WORDS: Final = "Findings of what this plan does not change"


class Effect(StrEnum):
    """What a line about access says."""

    GAINS = "gains"
    LOSES = "loses"
    AFTERWARDS = "afterwards"
    REMAINS = "still works"
    BREAKS = "may break"
    TOUCHES = "touches"


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectLine:
    """One thing that a change does to access."""

    effect: Effect
    words: tuple[str, ...]
    """Foreign texts; addresses of keys where it touches them."""
    of: str = ""
    """What is gained or lost, in our own words."""


def rule_words(code: str) -> str:
    """Name the rule behind the code of a refusal or a problem, ` (AK114)`; empty where none is."""
    ids = rules_behind(code)
    return f" ({', '.join(ids)})" if ids else ""


def made_from(revision: Revision, shown: Callable[[str], str]) -> str:
    """Say what a plan was made from, for a page; `shown` draws the commit."""
    if revision.commit is None:
        source = "a working tree"
    else:
        source = f"commit {shown(revision.commit[:SHORT_COMMIT])}"
    return f"{source}, with changes that are not committed" if revision.dirty else source


def touched_words(addresses: Sequence[str], most: int, shown: Callable[[str], str]) -> str:
    """Count keys and name the first of them; `shown` draws an address."""
    named = ", ".join(map(shown, addresses[:most]))
    rest = len(addresses) - most
    more = f" and {rest} more" if rest > 0 else ""
    return f"{counted(len(addresses), 'key')}: {named}{more}"


def effect_lines(assessment: Assessment | None) -> Iterator[EffectLine]:
    """Walk over all that an assessment says, in the order of showing."""
    if assessment is None:
        return
    for shift in assessment.shifts:
        of = shift.dimension.words
        if shift.gained:
            yield EffectLine(effect=Effect.GAINS, words=shift.gained, of=of)
        if shift.lost:
            yield EffectLine(effect=Effect.LOSES, words=shift.lost, of=of)
    rest = (
        (Effect.AFTERWARDS, (assessment.afterwards,)),
        (Effect.REMAINS, (assessment.remains,)),
        *((Effect.BREAKS, (words,)) for words in assessment.disruptions),
        (Effect.TOUCHES, assessment.touched),
    )
    for effect, words in rest:
        if any(words):
            yield EffectLine(effect=effect, words=words)


def gains_words(assessment: Assessment | None) -> str:
    """Give all that is gained in one foreign text, for a row that has no room for lines."""
    gains = (line for line in effect_lines(assessment) if line.effect is Effect.GAINS)
    return "; ".join(f"{line.of}: {', '.join(line.words)}" for line in gains)


def waiver_words(
    waiver: Acceptance,
    shown: Callable[[str], str],
    *,
    named: Callable[[str], str] | None = None,
) -> str:
    """Say who accepts a finding until when, and why; one that does not count yet says so.

    `shown` draws each foreign text, `named` the waiver's name where that looks different.
    """
    who = (named or shown)(f"waiver/{waiver.name}")
    of = f" of {shown(waiver.owner)}" if waiver.owner else ""
    why = f": {shown(waiver.reason)}" if waiver.reason else ""
    until = f"until {waiver.expires.isoformat()}"
    if waiver.counts:
        return f"accepted by {who}{of} {until}{why}"
    return f"{who}{of} accepts it from the next apply on {until} and does not help here{why}"
