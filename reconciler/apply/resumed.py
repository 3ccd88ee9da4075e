"""What became of operations that earlier runs left open, in the words of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from reconciler.apply.answers import blocked_words, refusal_words
from reconciler.apply.outcome import Outcome, OutcomeStatus
from reconciler.errors import KeyrecError
from reconciler.model.journal import Operation, OperationState
from reconciler.model.keys import KeyRecord
from reconciler.model.secret_writes import CloseOperation, ConfirmSecret
from reconciler.model.states import ObservedState
from reconciler.model.writes import WriteRefusal
from reconciler.planning.actions import MaintenanceKind

Ending: TypeAlias = CloseOperation | ConfirmSecret


def unfinished(
    observed: ObservedState, operations: Sequence[Operation], error: KeyrecError
) -> list[Outcome]:
    """Say of open operations that the sink could not be used for them."""
    records = {r.key_id: r for r in observed.records}
    return [failed_outcome(operation, records, error) for operation in operations]


def not_attempted(observed: ObservedState, operations: Sequence[Operation]) -> list[Outcome]:
    """Say of open operations that the run was stopped before them."""
    records = {r.key_id: r for r in observed.records}
    return [_outcome(o, records, OutcomeStatus.NOT_ATTEMPTED) for o in operations]


def ended_outcome(operation: Operation, records: dict[str, KeyRecord], ending: Ending) -> Outcome:
    """Give the outcome of an operation that was brought to an end without a new secret."""
    blocked = isinstance(ending, CloseOperation) and ending.state is OperationState.BLOCKED
    if blocked:
        seen = int(dict(ending.note.detail)["seenVersion"])
        return _outcome(
            operation,
            records,
            OutcomeStatus.BLOCKED,
            *blocked_words(operation.sink_path, seen=seen, known=operation.attempts[-1].expected),
        )
    version = ending.sink_version if isinstance(ending, ConfirmSecret) else None
    return _outcome(operation, records, OutcomeStatus.APPLIED, sink_version=version)


def left_out(operation: Operation, records: dict[str, KeyRecord], refusal: WriteRefusal) -> Outcome:
    """Give the outcome of an operation whose end the store refused."""
    return _outcome(operation, records, OutcomeStatus.FAILED, *refusal_words(refusal))


def failed_outcome(
    operation: Operation, records: dict[str, KeyRecord], error: KeyrecError
) -> Outcome:
    """Give the outcome of an operation that an error has kept from its end."""
    return _outcome(operation, records, OutcomeStatus.FAILED, error.message, error.advice)


def _outcome(
    operation: Operation,
    records: dict[str, KeyRecord],
    status: OutcomeStatus,
    message: str = "",
    advice: str = "",
    *,
    sink_version: int | None = None,
) -> Outcome:
    record = records.get(operation.key_id)
    return Outcome(
        address=operation.key_id if record is None else str(record.address),
        actions=(MaintenanceKind.RESUME.value,),
        status=status,
        message=message,
        advice=advice,
        path=operation.sink_path,
        sink_version=sink_version,
        is_maintenance=True,
    )
