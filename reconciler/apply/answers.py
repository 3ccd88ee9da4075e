"""What became of one secret, in one sentence and one piece of advice."""

from __future__ import annotations

from typing import assert_never

from reconciler.apply.delivery import Delivered, Delivery, StrangerWrote, Undelivered
from reconciler.apply.outcome import Outcome, OutcomeStatus
from reconciler.apply.work import SecretWork, Started
from reconciler.errors import KeyrecError
from reconciler.model.writes import WriteRefusal


def secret_outcome(
    started: Started, result: Delivery | WriteRefusal, refusal: WriteRefusal | None
) -> Outcome:
    """Give the outcome of one work from its delivery and from transaction B's answer."""
    if refusal is not None:
        return outcome_of(started.work, OutcomeStatus.FAILED, *_REFUSED[refusal])
    match result:
        case Delivered():
            return outcome_of(started.work, OutcomeStatus.APPLIED, sink_version=result.sink_version)
        case StrangerWrote():
            work = started.work
            words = blocked_words(work.path, seen=result.seen, known=work.expected)
            return outcome_of(work, OutcomeStatus.BLOCKED, *words)
        case Undelivered():
            return failed_work(started.work, result.error)
        case WriteRefusal():
            return outcome_of(started.work, OutcomeStatus.FAILED, *_REFUSED[result])
        case _:
            assert_never(result)


def blocked_words(path: str, *, seen: int, known: int) -> tuple[str, str]:
    """Say that a stranger wrote to a path, and what to do: the lines that let it be written over.

    `seen` is the version of the path in the sink, `known` what keyrec took it to be.
    """
    message = f"{path} is at version {seen} in the sink, which keyrec did not write"
    advice = "find out who writes there; nothing was overwritten"
    return (
        f"{message} (it knew version {known})",
        f"{advice}. To write over it once, add to the key's manifest: {adopting_line(seen)}",
    )


def adopting_line(seen: int) -> str:
    """Give what lets a sink path at this version be written over once, in one line of YAML."""
    return f"spec: {{secret: {{adopt: {seen}}}}}"


def outcome_of(
    work: SecretWork,
    status: OutcomeStatus,
    message: str = "",
    advice: str = "",
    *,
    sink_version: int | None = None,
) -> Outcome:
    """Give the outcome of one work."""
    return Outcome(
        address=str(work.moved_to or work.address),
        actions=work.actions,
        status=status,
        message=message,
        advice=advice,
        path=work.path,
        sink_version=sink_version,
        is_maintenance=work.is_maintenance,
    )


def failed_work(work: SecretWork, error: KeyrecError) -> Outcome:
    """Give the outcome of a work that an error has kept from its end."""
    return outcome_of(work, OutcomeStatus.FAILED, error.message, error.advice)


_AGAIN = "run plan and apply again"
_REFUSED = {
    WriteRefusal.RECORD_CHANGED: ("the key changed in the store meanwhile", _AGAIN),
    WriteRefusal.ADDRESS_TAKEN: ("another key took the name meanwhile", _AGAIN),
    WriteRefusal.PATH_TAKEN: ("another key owns the sink path", "choose another secret.path"),
    WriteRefusal.OPERATION_OPEN: ("an earlier operation on its path is still open", _AGAIN),
    WriteRefusal.OPERATION_CLOSED: ("its operation was ended meanwhile", _AGAIN),
    WriteRefusal.NOT_PROVISIONAL: ("its new version was ended meanwhile", _AGAIN),
    WriteRefusal.NOT_DUE: ("it is not due any more", _AGAIN),
    WriteRefusal.HELD: ("the key was put on hold meanwhile", "keyrec release it first"),
    WriteRefusal.NOT_HELD: ("the key is not on hold", ""),
    WriteRefusal.NOT_FOUND: ("the key is not in the store any more", _AGAIN),
}


def refusal_words(refusal: WriteRefusal) -> tuple[str, str]:
    """Say in one sentence and one advice why a write was left out."""
    return _REFUSED[refusal]
