"""In what order store and sink are written when a secret is made. The one protocol; no other path.

1. Draw the secret in memory, hash it; commit the version as provisional with its operation and its
   first attempt (transaction A).  A crash here leaves an accepted hash that nobody holds.
2. Send one check-and-set write (`delivery`).  A crash here leaves an open operation.
3. Confirm: provisional becomes current, the old secret begins to retire (transaction B).
Steps 1 and 3 take many keys at a time; hashing and step 2 run in parallel.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from reconciler.apply.answers import failed_work, secret_outcome
from reconciler.apply.delivery import (
    Claim,
    Courier,
    Delivered,
    Delivery,
    Sending,
    StrangerWrote,
    Undelivered,
)
from reconciler.apply.outcome import Outcome
from reconciler.apply.transactions import Transactions
from reconciler.apply.work import Mint, SecretWork, Started
from reconciler.credentials.hashing import hash_key
from reconciler.credentials.minting import mint
from reconciler.errors import HashingFailed
from reconciler.model.audit import AuditNote
from reconciler.model.journal import Operation, OperationKind, OperationState
from reconciler.model.lifetime import VersionState
from reconciler.model.secret_writes import (
    BeginSecret,
    CloseOperation,
    ConfirmSecret,
    NewVersion,
    PathOverride,
    Retarget,
)
from reconciler.model.writes import Write, WriteRefusal
from reconciler.ports import SecretPayload


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretMaker:
    """Runs the three steps for batches of works."""

    mint: Mint
    transactions: Transactions
    courier: Courier
    threads: ThreadPoolExecutor

    def make(self, works: Sequence[SecretWork]) -> tuple[Outcome, ...]:
        """Make all secrets of one batch; one outcome per work, in order.

        Raises:
            LeaseLost: another run took over; open operations wait for the next run.
            StoreUnavailable: a transaction could not be run; likewise.
        """
        drawn = list(self.threads.map(self._draw, works))
        made = iter(self._make_drawn([d for d in drawn if isinstance(d, Started)]))
        return tuple(next(made) if isinstance(d, Started) else d for d in drawn)

    def _make_drawn(self, started: Sequence[Started]) -> tuple[Outcome, ...]:
        if not started:
            return ()
        begun = self.transactions.run([_begin(s) for s in started])
        sendings = [
            self._sending(s, begun.at)
            for s, refusal in zip(started, begun.refusals, strict=True)
            if refusal is None
        ]
        deliveries = iter(list(self.threads.map(self.courier.deliver, sendings)))
        results = [
            (s, refusal if refusal is not None else next(deliveries))
            for s, refusal in zip(started, begun.refusals, strict=True)
        ]
        return self._finish(results)

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
        writes = [(s, w) for s, r in results if (w := _finishing_write(s, r)) is not None]
        answers: dict[str, WriteRefusal | None] = {}
        if writes:
            committed = self.transactions.run([write for _, write in writes])
            answers = {
                s.operation_id: refusal
                for (s, _), refusal in zip(writes, committed.refusals, strict=True)
            }
        return tuple(secret_outcome(s, r, answers.get(s.operation_id)) for s, r in results)


def _begin(started: Started) -> Write:
    work = started.work
    if work.resumed is not None:
        return Retarget(
            operation_id=work.resumed.operation_id,
            interrupted=work.resumed.target,
            interrupted_sink_version=work.landed,
            version=started.version,
            expected=work.expected,
            note=_note(started, "secret-resumed"),
        )
    return BeginSecret(
        operation=Operation(
            operation_id=started.operation_id,
            kind=work.kind,
            key_id=work.key_id,
            sink_id=started.version.sink_id,
            sink_path=work.path,
            target=started.version.version_id,
            overlap=work.overlap,
            generation=work.generation,
            supersedes=work.supersedes,
            reason=work.reason,
            source=work.source,
        ),
        version=started.version,
        expected=work.expected,
        base=work.base,
        new_key=work.new_key,
        moved_to=work.moved_to,
        override=work.override,
        note=_note(started, _BEGIN_EVENTS[work.kind], **_adopted(work)),
    )


def _adopted(work: SecretWork) -> dict[str, str]:
    """Say for the audit which version of a stranger may be written over."""
    is_adopted = work.override is PathOverride.ADOPT
    return {"adoptedVersion": str(work.expected)} if is_adopted else {}


_BEGIN_EVENTS = {
    OperationKind.CREATE: "key-created",
    OperationKind.ROTATE: "rotation-begun",
    OperationKind.REISSUE: "key-reissued",
    OperationKind.RENAME: "key-renamed",
}


def _finishing_write(started: Started, result: Delivery | WriteRefusal) -> Write | None:
    match result:
        case Delivered():
            return ConfirmSecret(
                operation_id=started.operation_id,
                version_id=started.version.version_id,
                sink_version=result.sink_version,
                note=_note(started, "secret-confirmed", sinkVersion=str(result.sink_version)),
            )
        case StrangerWrote():
            left = VersionState.RETIRING if result.may_be_read else VersionState.RETIRED
            return CloseOperation(
                operation_id=started.operation_id,
                state=OperationState.BLOCKED,
                dispositions=(*_interrupted(started.work), (started.version.version_id, left)),
                note=_note(started, "secret-blocked", seenVersion=str(result.seen)),
            )
        case Undelivered() | WriteRefusal():
            return None
        case _:
            assert_never(result)


def _interrupted(work: SecretWork) -> tuple[tuple[str, VersionState], ...]:
    """Say what becomes of versions that earlier runs left: somebody may have read them."""
    if work.resumed is None:
        return ()
    earlier = {work.resumed.target, *(a.version_id for a in work.resumed.attempts)}
    return tuple((version_id, VersionState.RETIRING) for version_id in sorted(earlier))


def _note(started: Started, event: str, **detail: str) -> AuditNote:
    work = started.work
    facts = {"versionId": started.version.version_id, "path": work.path, **detail}
    return AuditNote(
        event=event,
        address=str(work.moved_to or work.address),
        reason=work.reason,
        source=work.source,
        detail=tuple(sorted(facts.items())),
    )
