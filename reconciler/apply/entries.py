"""What the journal is told of one secret: begun, gone on with, confirmed, blocked. Values only."""

from __future__ import annotations

from typing import assert_never

from reconciler.apply.delivery import Delivered, Delivery, StrangerWrote, Undelivered
from reconciler.apply.work import SecretWork, Started
from reconciler.model.audit import AuditNote
from reconciler.model.journal import Operation, OperationKind, OperationState
from reconciler.model.lifetime import VersionState
from reconciler.model.secret_writes import (
    BeginSecret,
    CloseOperation,
    ConfirmSecret,
    PathOverride,
    Retarget,
)
from reconciler.model.writes import Write, WriteRefusal


def beginning(started: Started) -> Write:
    """Give the write of transaction A: a new operation, or the next version of an open one."""
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


def ending(started: Started, result: Delivery | WriteRefusal) -> Write | None:
    """Give the write of transaction B; None where the operation stays open, or never began."""
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
