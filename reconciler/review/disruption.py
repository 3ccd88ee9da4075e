"""How a change may break a live caller: what it takes away, and what a caller has to do in time.

Security asks who gains access, operations who loses it: a review answers both. Where verifiers saw
who calls, it is said behind what they lose.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from reconciler.model.lifetime import format_duration
from reconciler.model.verdict import Dimension, Shift
from reconciler.planning.actions import Action
from reconciler.planning.plan import Change
from reconciler.review.callers import Callers

SHORT_OVERLAP = timedelta(hours=1)
"""Whoever reads the path less often than this may present a secret that has ended."""

_LOSSES = {
    Dimension.SCOPES: "requests that need {} are denied at once",
    Dimension.ORIGINS: "callers from {} are refused at once",
    Dimension.TIME: "it works {}",
}
_OF_THE_NEW = {
    **_LOSSES,
    Dimension.SCOPES: "requests that need {} are denied to the new secret",
    Dimension.ORIGINS: "callers from {} are refused with the new secret",
}
"""Where the replaced secret goes on as it was."""


def disruptions(
    change: Change, shifts: tuple[Shift, ...], callers: Callers | None
) -> tuple[str, ...]:
    """Say how a caller that works today may break; None for callers: nobody gets in today."""
    broken = () if callers is None else _found(change, shifts, callers)
    return (*broken, *_of_strangers(change))


def _of_strangers(change: Change) -> Iterator[str]:
    secret = change.secret
    if secret is not None and secret.adopts is not None:
        yield f"whoever reads {secret.path} gets the secret of this key instead of what they read"


def _found(change: Change, shifts: tuple[Shift, ...], callers: Callers) -> Iterator[str]:
    if Action.REMOVE in change.actions:
        yield f"removed: every secret of it is refused at once{callers.last_words}"
        return
    if Action.DEACTIVATE in change.actions:
        yield f"deactivated: every secret of it is refused at once{callers.last_words}"
        return
    losses = _OF_THE_NEW if keeps_the_old(change) else _LOSSES
    for shift in shifts:
        words = losses.get(shift.dimension)
        if words is not None and shift.lost:
            seen = callers.words_of(shift.dimension)
            yield f"{words.format(', '.join(shift.lost))}{seen}"
    yield from _of_secret(change, callers)


def remains(change: Change, old: str) -> str:
    """Say what the secret that is replaced can still do; `old`: what its key could do until now.

    One of the same key can do what the key can; one of a key that is replaced keeps what it had.
    """
    secret = change.secret
    if secret is None or secret.from_version is None or secret.previous_works_for is None:
        return ""
    if not _outlasts(change):
        return ""
    if Action.REISSUE in change.actions:
        return f"the replaced secret, with {old}, for {secret.previous_works_for}"
    return f"the previous secret, for {secret.previous_works_for}"


def keeps_the_old(change: Change) -> bool:
    """Whether a key is replaced that goes on working as it is for the overlap."""
    return Action.REISSUE in change.actions and _outlasts(change)


def _outlasts(change: Change) -> bool:
    """Whether a secret that is replaced goes on working for an overlap."""
    if change.spec is None or Action.DEACTIVATE in change.actions:
        return False
    return change.spec.fields.rotation.overlap > timedelta(0)


def _of_secret(change: Change, callers: Callers) -> Iterator[str]:
    """Say what consumers have to do in time because the secret is another."""
    spec, secret = change.spec, change.secret
    if spec is None or secret is None or change.record is None:
        return
    overlap = spec.fields.rotation.overlap
    if secret.left_path is not None:
        yield (
            f"consumers have to read {secret.path}: what they read at {secret.left_path} works "
            f"for {format_duration(overlap)} more{callers.last_words}"
        )
    elif overlap < SHORT_OVERLAP:
        words = f"consumers have {format_duration(overlap)} to read the new secret"
        yield f"{words}{callers.last_words}"
