"""In what order store and sink are written when a secret is made. The one protocol; no other path.

1. Draw the secret in memory, hash it; commit the version as provisional with its operation and its
   first attempt (transaction A).  A crash here leaves an accepted hash that nobody holds.
2. Send one check-and-set write (`delivery`).  A crash here leaves an open operation.
3. Confirm: provisional becomes current, the old secret begins to retire (transaction B).
Steps 1 and 3 take many keys at a time; hashing and step 2 run in parallel. While the secrets of one
batch are on their way, the next one may be drawn and begun (`overlapping`).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from reconciler.apply.answers import failed_work, secret_outcome
from reconciler.apply.delivery import Claim, Courier, Delivery, Sending
from reconciler.apply.entries import beginning, ending
from reconciler.apply.outcome import Outcome
from reconciler.apply.transactions import Transactions
from reconciler.apply.work import Mint, SecretWork, Started
from reconciler.credentials.hashing import hash_key
from reconciler.credentials.minting import mint
from reconciler.errors import HashingFailed
from reconciler.model.secret_writes import NewVersion
from reconciler.model.writes import WriteRefusal
from reconciler.ports import SecretPayload

Sent: TypeAlias = tuple[Started, "Future[Delivery] | WriteRefusal"]
"""A secret with what becomes of it, or with why the store did not take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A batch whose secrets are being drawn; nothing of it is stored yet."""

    secrets: tuple[Future[Started | Outcome], ...]

    def wait(self) -> None:
        """Return when all of them are hashed, or could not be."""
        for future in self.secrets:
            future.exception()

    def drop(self) -> None:
        """Draw no more of them."""
        for future in self.secrets:
            future.cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A batch that transaction A has committed and whose secrets are on their way."""

    outcomes: tuple[Outcome | None, ...]
    """What is known by now; None for what is on its way."""
    sent: tuple[Sent, ...]

    def drop(self) -> None:
        """Send no more of it, and return when nothing of it is on its way."""
        sent = [future for _, future in self.sent if isinstance(future, Future)]
        under_way = [future for future in sent if not future.cancel()]
        for future in under_way:
            future.exception()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretMaker:
    """Runs the three steps for batches of works."""

    mint: Mint
    transactions: Transactions
    courier: Courier
    threads: Executor

    def make(self, works: Sequence[SecretWork]) -> tuple[Outcome, ...]:
        """Make all secrets of one batch; one outcome per work, in order.

        Raises:
            LeaseLost: another run took over; open operations wait for the next run.
            StoreUnavailable, CommitUnknown: a transaction could not be run; likewise.
        """
        return self.finish(self.begin(self.draw(works)))

    def draw(self, works: Sequence[SecretWork]) -> Drawn:
        """Have all secrets of one batch drawn and hashed by the threads, and wait for none."""
        return Drawn(secrets=tuple(self.threads.submit(self._draw, work) for work in works))

    def begin(self, drawn: Drawn) -> Begun:
        """Run transaction A of one batch, and have the threads deliver what it has committed.

        Raises: as `make`; nothing was sent.
        """
        secrets = [future.result() for future in drawn.secrets]
        started = [s for s in secrets if isinstance(s, Started)]
        outcomes = tuple(None if isinstance(s, Started) else s for s in secrets)
        return Begun(outcomes=outcomes, sent=self._begin(started))

    def finish(self, begun: Begun) -> tuple[Outcome, ...]:
        """Wait for one batch's deliveries and run transaction B; one outcome per work, in order.

        Raises: as `make`.
        """
        answers = [(s, f if isinstance(f, WriteRefusal) else f.result()) for s, f in begun.sent]
        made = iter(self._finish(answers))
        return tuple(next(made) if outcome is None else outcome for outcome in begun.outcomes)

    def _begin(self, started: Sequence[Started]) -> tuple[Sent, ...]:
        if not started:
            return ()
        begun = self.transactions.run([beginning(s) for s in started])
        sent: list[Sent] = []
        try:
            for s, refusal in zip(started, begun.refusals, strict=True):
                sent.append((s, self._sent(s, begun.at) if refusal is None else refusal))
        except BaseException:
            Begun(outcomes=(), sent=tuple(sent)).drop()
            raise
        return tuple(sent)

    def _sent(self, started: Started, at: datetime) -> Future[Delivery]:
        return self.threads.submit(self.courier.deliver, self._sending(started, at))

    def _draw(self, work: SecretWork) -> Started | Outcome:
        """Draw and hash one secret; the outcome of a work whose secret cannot be hashed."""
        minted = mint(
            self.mint.entropy, prefix=self.mint.token_prefix, environment=work.environment
        )
        try:
            secret_hash = hash_key(
                minted.api_key, entropy=self.mint.entropy, profile=self.mint.profile
            )
        except HashingFailed as error:
            return failed_work(work, error)
        version = NewVersion(
            version_id=minted.version_id,
            secret_hash=secret_hash,
            sink_id=self.mint.sink_id,
            sink_path=work.path,
            custody=self.mint.custody,
            last_characters=minted.last_characters,
        )
        resumed = work.resumed
        operation_id = self.mint.entropy.identifier() if resumed is None else resumed.operation_id
        return Started(work=work, operation_id=operation_id, minted=minted, version=version)

    def _sending(self, started: Started, at: datetime) -> Sending:
        work = started.work
        address = work.moved_to or work.address
        expires_at = work.expires_at
        if work.new_key is not None:
            expires_at = work.new_key.fields.expiration.after(at)
        earlier = (
            frozenset(a.expected for a in work.resumed.attempts) if work.resumed else frozenset()
        )
        return Sending(
            operation_id=started.operation_id,
            path=work.path,
            payload=SecretPayload(
                api_key=started.minted.api_key,
                key_id=work.key_id,
                version_id=started.minted.version_id,
                workspace=address.workspace,
                name=address.name,
                environment=work.environment,
                created_at=work.created_at or at,
                expires_at=expires_at,
            ),
            secret_hash=started.version.secret_hash,
            expected=work.expected,
            claim=Claim(
                attempts=earlier | {work.expected},
                unclear=earlier,
                sink_id=self.mint.sink_id,
                owners=frozenset(k for k in (work.key_id, work.supersedes) if k is not None),
                recorded=work.recorded,
            ),
        )

    def _finish(
        self, results: Sequence[tuple[Started, Delivery | WriteRefusal]]
    ) -> tuple[Outcome, ...]:
        """Run transaction B for all that arrived or were blocked, and say what became of each."""
        writes = [(s, w) for s, r in results if (w := ending(s, r)) is not None]
        answers: dict[str, WriteRefusal | None] = {}
        if writes:
            committed = self.transactions.run([write for _, write in writes])
            answers = {
                s.operation_id: refusal
                for (s, _), refusal in zip(writes, committed.refusals, strict=True)
            }
        return tuple(secret_outcome(s, r, answers.get(s.operation_id)) for s, r in results)
