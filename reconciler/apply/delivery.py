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
from reconciler.model.secret_writes import CommitAttempt
from reconciler.ports import CheckAndSetRefused, KeyStore, PathSeen, SecretPayload, SecretSink

ROUNDS = 5
"""Writes sent at most for one secret in one run; the next run goes on."""
LONGEST_WAIT = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a path looks like where nobody but keyrec wrote to it."""

    attempts: frozenset[int]
    """All committed attempts of the operation, those of interrupted versions too."""
    unclear: frozenset[int]
    """Those of them that may have landed: no definite refusal came, or nobody waited for one."""
    owners: frozenset[str]
    """The key, and the one that it replaces: whose secrets may be read there."""
    sink_id: str
    recorded: int | None = None
    """Where the store knows the current secret to be at this path."""

    def explains(self, seen: PathSeen) -> bool:
        """Whether only our own writes can have brought the path to this version.

        Version 0 holds nothing that could be overwritten: the path was never written, or was
        deleted outside. A version that is there unchanged may hold anything; one that came since
        is not ours where it readably holds no secret, or one of another key.
        """
        if seen.version in {0, self.recorded} or seen.version in self.attempts:
            return True
        others = seen.content is not None and seen.content.key_id not in self.owners
        is_landed = seen.version - 1 in self.unclear
        return is_landed and not (others or seen.is_foreign)

    def is_next(self, seen: PathSeen) -> bool:
        """Whether the path is where one of the attempts, or a write that it competes with, led."""
        return seen.version - 1 in self.attempts

    def attempting(self, expected: int) -> Claim:
        """Give the claim with one more committed attempt."""
        return replace(self, attempts=self.attempts | {expected})

    def unanswered(self, expected: int) -> Claim:
        """Give the claim where nobody knows what became of an attempt."""
        return replace(self, unclear=self.unclear | {expected})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A secret whose first attempt is committed."""

    operation_id: str
    path: str
    payload: SecretPayload
    secret_hash: str
    expected: int
    """The committed attempt that may be sent now."""
    claim: Claim
    """What explains a version of the path."""
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
            unanswered = sending.claim.unanswered(sending.expected)
            return self._look(replace(sending, claim=unanswered, may_be_read=True))
        except KeyrecError as error:
            return Undelivered(error=error)
        if isinstance(answer, CheckAndSetRefused):
            return self._look(sending)
        return Delivered(sink_version=answer)

    def _look(self, sending: Sending) -> Delivery | Sending:
        """Observe the path and decide: there, explained by our attempts, or a stranger's."""
        try:
            seen = self.sink.observe(sending.path)
            if holds_version(seen, sending.payload.version_id, sending.secret_hash):
                return Delivered(sink_version=seen.version)
            explained = is_explained(
                sending.claim, seen, store=self.transactions.store, path=sending.path
            )
        except KeyrecError as error:
            return Undelivered(error=error)
        if not explained:
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
        return replace(sending, expected=version, claim=sending.claim.attempting(version))


def is_explained(claim: Claim, seen: PathSeen, *, store: KeyStore, path: str) -> bool:
    """Whether only keyrec can have brought the path to this version.

    A late write of a key that had the path before, and was removed while it was on its way, is
    ours too: the store knows its version, its path and the hash of its secret; and where values
    cannot be read, what it expected of the path.

    Raises:
        KeyrecError: the store cannot be asked, or a stored hash cannot be used.
    """
    if claim.explains(seen):
        return True
    if not claim.is_next(seen) or seen.is_foreign:
        return False
    if seen.content is None:
        return seen.version - 1 in store.late_attempts(claim.sink_id, path)
    stored = store.presented(seen.content.version_id)
    if stored is None or stored.version.sink_path != path:
        return False
    return holds_version(seen, stored.version.version_id, stored.secret_hash)


def holds_version(seen: PathSeen, version_id: str, secret_hash: str) -> bool:
    """Whether the path readably holds this version: its id and, proven by the hash, its secret.

    Raises:
        HashingFailed: the stored hash cannot be used.
    """
    content = seen.content
    if content is None or content.version_id != version_id:
        return False
    return verify(secret_hash, content.api_key)
