"""Which keys `status` is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.apply.prepare import target_of
from reconciler.model.keys import KeyAddress, KeyRecord
from reconciler.model.states import ObservedState
from reconciler.planning.rotation import RotationQuestion, rotation_reason
from reconciler.render.concerns import Concern


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyQuestion:
    """What a key has to be like to be shown; with nothing set, all are."""

    expiring: timedelta | None = None
    rotation_due: bool = False

    @property
    def is_asked(self) -> bool:
        """Whether anything was asked at all."""
        return self.expiring is not None or self.rotation_due


def asked_keys(
    observed: ObservedState, question: KeyQuestion
) -> dict[KeyAddress, tuple[Concern, ...]]:
    """Give the live keys that any part of the question finds, by address, each with why."""
    found = {
        address: tuple(_concerns(record, observed, question))
        for address, record in sorted(observed.live.items())
    }
    return {address: why for address, why in found.items() if why or not question.is_asked}


def _concerns(
    record: KeyRecord, observed: ObservedState, question: KeyQuestion
) -> Iterator[Concern]:
    now = observed.read_at
    if _is_expiring(record, now, question.expiring):
        yield Concern.EXPIRED if record.is_expired(now) else Concern.EXPIRING
    if question.rotation_due and _is_due(record, observed):
        yield Concern.ROTATION_DUE


def _is_expiring(record: KeyRecord, now: datetime, within: timedelta | None) -> bool:
    """Whether its end is near or behind; an inactive key lets nobody in, so none is surprised."""
    if within is None or record.expires_at is None or not record.fields.active:
        return False
    return record.expires_at <= now + within


def _is_due(record: KeyRecord, observed: ObservedState) -> bool:
    question = RotationQuestion(record=record, target=target_of(observed), now=observed.read_at)
    return rotation_reason(question) is not None
