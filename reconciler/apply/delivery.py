"""Step 2 of making a secret: one check-and-set write, and what an unclear answer is followed by.

Nothing is sent without an attempt that was committed before. After an unclear answer the path is
looked at, and only then either the version is there, or a new attempt is committed with the
version seen, or a stranger wrote and nothing more is sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.apply.transactions import Transactions
from reconciler.credentials.hashing import verify
from reconciler.errors import (
    CommitUnknown,
    Interrupted,
    KeyrecError,
    SinkOutcomeUnknown,
    SinkUnavailable,
    StoreUnavailable,
)
from reconciler.model.writes import CommitAttempt
from reconciler.ports import CheckAndSetRefused, PathSeen, SecretPayload, SecretSink

ROUNDS = 5
"""Writes sent at most for one secret in one run; the next run goes on."""
LONGEST_WAIT = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A secret whose first attempt is committed."""

    operation_id: str
    path: str
    payload: SecretPayload
    secret_hash: str
    expected: int
    """The committed attempt that may be sent now."""
    attempts: frozenset[int]
    """All committed attempts of the operation, those of interrupted versions too."""
    may_be_read: bool = False
    """Whether any write of this version may have landed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The secret is at the path, at this sink version."""

    sink_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerWrote:
    """The path is at a version that no attempt of ours explains."""

    seen: int
    may_be_read: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """The sink could not be made to say; the operation stays open for the next run."""

    error: KeyrecError


Delivery: TypeAlias = Delivered | StrangerWrote | Undelivered


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Delivers secrets; safe to use from many threads."""

    sink: SecretSink
    transactions: Transactions
    sleep: Callable[[float], None]
    stop: threading.Event

    def deliver(self, sending: Sending) -> Delivery:
        """Bring one secret to its path.

        Raises:
            LeaseLost: another run took over; nothing more was sent.
        """
        for round_number in range(ROUNDS):
            if self.stop.is_set() and round_number:
                return Undelivered(error=Interrupted("the run was interrupted"))
            result = self._send(sending, wait=0.25 * 2**round_number)
            if not isinstance(result, Sending):
                return result
            sending = result
        return Undelivered(
            error=SinkUnavailable(
                f"the sink gave no clear answer for {sending.path} in {ROUNDS} tries",
                advice="run apply again when the sink is well; it goes on where this run ended",
            )
        )

    def _send(self, sending: Sending, *, wait: float) -> Delivery | Sending:
        """Send the committed attempt once; give the sending to go on with where it is unclear."""
        try:
            answer = self.sink.write(sending.path, sending.payload, expected=sending.expected)
        except SinkUnavailable as error:
            if error.retry_after is None:
                return Undelivered(error=error)
            self.sleep(min(error.retry_after, LONGEST_WAIT))
            return sending
        except SinkOutcomeUnknown:
            self.sleep(min(wait, LONGEST_WAIT))
            return self._look(replace(sending, may_be_read=True))
        except KeyrecError as error:
            return Undelivered(error=error)
        if isinstance(answer, CheckAndSetRefused):
            return self._look(sending)
        return Delivered(sink_version=answer)

    def _look(self, sending: Sending) -> Delivery | Sending:
        """Observe the path and decide: there, explained by our attempts, or a stranger's."""
        try:
            seen = self.sink.observe(sending.path)
        except KeyrecError as error:
            return Undelivered(error=error)
        if holds_version(seen, sending.payload.version_id, sending.secret_hash):
            return Delivered(sink_version=seen.version)
        if not is_explained(seen, sending.attempts):
            return StrangerWrote(seen=seen.version, may_be_read=sending.may_be_read)
        return self._attempt_again(sending, seen.version)

    def _attempt_again(self, sending: Sending, version: int) -> Delivery | Sending:
        attempt = CommitAttempt(
            operation_id=sending.operation_id,
            version_id=sending.payload.version_id,
            expected=version,
        )
        try:
            committed = self.transactions.run([attempt])
        except (StoreUnavailable, CommitUnknown) as error:
            return Undelivered(error=error)
        if committed.refusals[0] is not None:
            return Undelivered(
                error=KeyrecError(
                    "the operation was ended by somebody else meanwhile",
                    advice="look at the key with keyrec get and keyrec history",
                )
            )
        return replace(sending, expected=version, attempts=sending.attempts | {version})


def holds_version(seen: PathSeen, version_id: str, secret_hash: str) -> bool:
    """Whether the path readably holds this version: its id and, proven by the hash, its secret."""
    content = seen.content
    if content is None or content.version_id != version_id:
        return False
    return verify(secret_hash, content.api_key)


def is_explained(seen: PathSeen, attempts: frozenset[int]) -> bool:
    """Whether only our own writes can have brought the path to this version.

    Readable content of another maker is never explained. Version 0 holds nothing that could be
    overwritten: the path was never written, or was deleted outside.
    """
    if seen.version == 0:
        return True
    return seen.version in attempts or (seen.version - 1) in attempts
