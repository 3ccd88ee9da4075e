"""What happens after a crash: every open operation is brought to its end before anything new.

The secret died with the process that made it. Where the key has ended meanwhile, the operation is
abandoned. Where the path readably holds the version, it is confirmed. Where the path is explained
by our attempts, a new version takes the operation over; the interrupted one stays accepted until
the new one is confirmed, then retires. One that leaked has ended, but is followed all the same: it
may be what the path holds. Anything else is a stranger's write: blocked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.apply.delivery import Claim, holds_version, is_explained
from reconciler.apply.effects import recorded_version
from reconciler.apply.outcome import Outcome
from reconciler.apply.resumed import Ending, ended_outcome, failed_outcome, left_out
from reconciler.apply.steps import SecretMaker
from reconciler.apply.work import SecretWork
from reconciler.errors import KeyrecError
from reconciler.model.audit import AuditNote
from reconciler.model.journal import Operation, OperationState
from reconciler.model.keys import KeyRecord, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.secret_writes import CloseOperation, ConfirmSecret
from reconciler.model.states import ObservedState
from reconciler.planning.actions import MaintenanceKind
from reconciler.ports import KeyStore, PathSeen, SecretSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Finishes what earlier runs left open."""

    store: KeyStore
    sink: SecretSink
    maker: SecretMaker

    def finish(self, observed: ObservedState, operations: Sequence[Operation]) -> list[Outcome]:
        """Bring the operations to an end; one outcome each.

        Raises:
            LeaseLost: another run took over.
            StoreUnavailable: the store could not be reached.
        """
        records = {r.key_id: r for r in observed.records}
        looked = list(
            self.maker.threads.map(
                lambda operation: self._look(operation, records.get(operation.key_id), observed),
                operations,
            )
        )
        endings = [(o, r) for o, r in looked if isinstance(r, CloseOperation | ConfirmSecret)]
        works = [r for _, r in looked if isinstance(r, SecretWork)]
        failures = [failed_outcome(o, records, r) for o, r in looked if isinstance(r, KeyrecError)]
        ended = self._end(endings, records)
        return [*ended, *(self.maker.make(works) if works else ()), *failures]

    def _look(
        self, operation: Operation, record: KeyRecord | None, observed: ObservedState
    ) -> tuple[Operation, Ending | SecretWork | KeyrecError]:
        """Decide how one operation ends; only reads the sink."""
        if record is None or _has_ended(record, observed):
            return operation, _abandoned(operation, record)
        if operation.sink_id != self.maker.mint.sink_id:
            return operation, _abandoned(operation, record)
        try:
            seen = self.sink.observe(operation.sink_path)
            if self._is_there(operation, seen):
                return operation, _confirmed(operation, record, seen.version)
            explained = is_explained(
                _claim(operation, record), seen, store=self.store, path=operation.sink_path
            )
        except KeyrecError as error:
            return operation, error
        if not explained:
            return operation, _blocked(operation, record, seen.version)
        return operation, _resumed(operation, record, seen.version)

    def _is_there(self, operation: Operation, seen: PathSeen) -> bool:
        if seen.content is None:
            return False
        stored = self.store.presented(operation.target)
        if stored is None or stored.version.state is not VersionState.PROVISIONAL:
            return False
        return holds_version(seen, operation.target, stored.secret_hash)

    def _end(
        self, endings: Sequence[tuple[Operation, Ending]], records: dict[str, KeyRecord]
    ) -> list[Outcome]:
        if not endings:
            return []
        committed = self.maker.transactions.run([ending for _, ending in endings])
        return [
            ended_outcome(operation, records, ending)
            if refusal is None
            else left_out(operation, records, refusal)
            for (operation, ending), refusal in zip(endings, committed.refusals, strict=True)
        ]


def _has_ended(record: KeyRecord, observed: ObservedState) -> bool:
    """Whether no secret is wanted any more: the key was removed, replaced, or has expired."""
    return record.status is not KeyStatus.LIVE or record.is_expired(observed.read_at)


def _provisional(operation: Operation, record: KeyRecord | None) -> list[str]:
    """Give the operation's versions that are still provisional."""
    mine = {operation.target, *(a.version_id for a in operation.attempts)}
    versions = () if record is None else record.versions
    return [
        v.version_id
        for v in versions
        if v.version_id in mine and v.state is VersionState.PROVISIONAL
    ]


def _abandoned(operation: Operation, record: KeyRecord | None) -> CloseOperation:
    return CloseOperation(
        operation_id=operation.operation_id,
        state=OperationState.ABANDONED,
        dispositions=tuple((v, VersionState.RETIRING) for v in _provisional(operation, record)),
        note=_note("secret-abandoned", operation, record),
    )


def _blocked(operation: Operation, record: KeyRecord, seen: int) -> CloseOperation:
    return CloseOperation(
        operation_id=operation.operation_id,
        state=OperationState.BLOCKED,
        dispositions=tuple((v, VersionState.RETIRING) for v in _provisional(operation, record)),
        note=_note("secret-blocked", operation, record, seenVersion=str(seen)),
    )


def _claim(operation: Operation, record: KeyRecord) -> Claim:
    """Give what explains a version of the operation's path."""
    owners = (operation.key_id, operation.supersedes)
    attempts = frozenset(a.expected for a in operation.attempts)
    return Claim(
        attempts=attempts,
        unclear=attempts,
        sink_id=operation.sink_id,
        owners=frozenset(k for k in owners if k is not None),
        recorded=_recorded(operation, record),
    )


def _recorded(operation: Operation, record: KeyRecord) -> int | None:
    """Give where the current secret is at an open operation's path; None where the operation began
    below: its path was found there, and so is at the recorded version no more.
    """
    recorded = recorded_version(record, operation.sink_path)
    began = operation.attempts[0].expected if operation.attempts else recorded
    is_left = recorded is not None and began is not None and began < recorded
    return None if is_left else recorded


def _confirmed(operation: Operation, record: KeyRecord, version: int) -> ConfirmSecret:
    return ConfirmSecret(
        operation_id=operation.operation_id,
        version_id=operation.target,
        sink_version=version,
        note=_note("secret-confirmed", operation, record, sinkVersion=str(version)),
    )


def _resumed(operation: Operation, record: KeyRecord, seen: int) -> SecretWork:
    return SecretWork(
        address=record.address,
        actions=(MaintenanceKind.RESUME.value,),
        kind=operation.kind,
        key_id=operation.key_id,
        environment=record.fields.environment,
        path=operation.sink_path,
        expected=seen,
        generation=operation.generation,
        overlap=operation.overlap,
        reason=operation.reason,
        source=operation.source,
        created_at=record.created_at,
        expires_at=record.expires_at,
        supersedes=operation.supersedes,
        recorded=_recorded(operation, record),
        is_maintenance=True,
        resumed=operation,
        landed=_landed(operation, seen),
    )


def _landed(operation: Operation, seen: int) -> int | None:
    """Give the sink version of the interrupted secret where it can be no other one's."""
    makers = {a.version_id for a in operation.attempts if a.expected + 1 == seen}
    return seen if makers == {operation.target} else None


def _note(event: str, operation: Operation, record: KeyRecord | None, **detail: str) -> AuditNote:
    address = operation.key_id if record is None else str(record.address)
    facts = {"versionId": operation.target, "path": operation.sink_path, **detail}
    return AuditNote(
        event=event,
        address=address,
        reason=operation.reason,
        source=operation.source,
        detail=tuple(sorted(facts.items())),
    )
