"""Which keys `status` is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.apply.prepare import target_of
from reconciler.model.keys import KeyRecord
from reconciler.model.states import ObservedState
from reconciler.planning.rotation import RotationQuestion, rotation_reason


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyQuestion:
    """What a key has to be like to be shown; with nothing set, all are."""

    expiring: timedelta | None = None
    rotation_due: bool = False

    @property
    def is_asked(self) -> bool:
        """Whether anything was asked at all."""
        return self.expiring is not None or self.rotation_due


def asked_keys(observed: ObservedState, question: KeyQuestion) -> tuple[KeyRecord, ...]:
    """Give the live keys that any part of the question finds, by address."""
    live = sorted(observed.live.values(), key=lambda record: record.address)
    if not question.is_asked:
        return tuple(live)
    return tuple(
        record
        for record in live
        if _is_expiring(record, observed.read_at, question.expiring)
        or (question.rotation_due and _is_due(record, observed))
    )


def _is_expiring(record: KeyRecord, now: datetime, within: timedelta | None) -> bool:
    if within is None or record.expires_at is None:
        return False
    return record.expires_at <= now + within


def _is_due(record: KeyRecord, observed: ObservedState) -> bool:
    question = RotationQuestion(record=record, target=target_of(observed), now=observed.read_at)
    return rotation_reason(question) is not None
