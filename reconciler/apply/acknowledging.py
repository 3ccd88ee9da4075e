"""What a platform admin does about a store that is not the one that the sink remembers.

First every secret that the anchor lists is ended again, and a key that was removed meanwhile is put
on hold: maintenance would give it a new secret. Then, by choice, every key gets a new secret, or
the store is accepted as it is and only the keys that have none left get one. Only at the end is it
written down and the anchor set: a run that was killed in between leaves an apply that still
refuses, and can simply be run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from reconciler.apply.anchor import put_anchor
from reconciler.apply.disagreement import Disagreement, disagreement, require_platform_admin
from reconciler.apply.outcome import ApplyReport, Outcome, OutcomeStatus
from reconciler.apply.session import Session
from reconciler.apply.transactions import Transactions
from reconciler.errors import KeyrecError, SinkUnavailable
from reconciler.model.anchor import REMEMBERED, EndedFor, EndedVersion, anchor_of
from reconciler.model.audit import AuditNote
from reconciler.model.chain import Head
from reconciler.model.keys import RESTORED_HOLD, KeyRecord, KeyStatus
from reconciler.model.states import ObservedState
from reconciler.model.writes import HoldKey, RecordEvent, RevokeVersion, Write
from reconciler.planning.actions import MaintenanceKind, Reason
from reconciler.planning.plan import MaintenanceItem, Plan

ADDRESS = "audit/anchor"
"""What the events of an acknowledgement are about."""
BEGUN, DONE = "acknowledgement-begun", "audit-acknowledged"
_DECIDED = {OutcomeStatus.APPLIED, OutcomeStatus.BLOCKED}
"""What does not keep it from being done: a blocked path waits for a manifest."""


class Answer(StrEnum):
    """What a person decides about the secrets of a restored store."""

    ROTATE_ALL = "rotate-all"
    ACCEPT = "accept"


def acknowledge(session: Session, answer: Answer) -> ApplyReport | None:
    """Do what was decided, under the lease of the session; None where there is nothing to do.

    Raises:
        Refused: the principal is no platform admin.
        KeyrecError: store or sink cannot be used.
    """
    plan_request = session.read_again()
    observed = plan_request.observed
    require_platform_admin(session.request.principal, observed)
    found = disagreement(session.doors.store, session.doors.sink, observed)
    if found is None:
        return None
    transactions = session.transactions()
    removed = _removed_keys(session, found)
    begun = _begin(session, transactions, found, removed)
    report = _renew(session, removed, begun if answer is Answer.ROTATE_ALL else None)
    if {o.status for o in report.outcomes} <= _DECIDED:
        _finish(session, transactions, found, answer)
    sequence, head = session.doors.store.audit_head()
    return replace(report, audit_sequence=sequence, audit_head=head)


def _begin(
    session: Session,
    transactions: Transactions,
    found: Disagreement,
    removed: Sequence[KeyRecord],
) -> int:
    """End again what the anchor lists, and say that it began; the number of that event.

    An acknowledgement of the same anchor that was begun before goes on.
    """
    writes: list[Write] = [_ending(e) for e in found.to_end]
    writes += _holds(removed)
    before = _begun_before(session, found)
    if before is None:
        writes.append(RecordEvent(note=_note(BEGUN, found)))
    if writes:
        committed = transactions.run(writes)
        return committed.audit_sequence if before is None else before
    return before or 0


def _ending(ended: EndedVersion) -> RevokeVersion:
    note = AuditNote(
        event="secret-ended-again",
        address=ADDRESS,
        reason=ended.why.value,
        detail=(("versionId", ended.version_id),),
    )
    return RevokeVersion(version_id=ended.version_id, leaked=ended.why is EndedFor.LEAK, note=note)


def _begun_before(session: Session, found: Disagreement) -> int | None:
    """Give the number of the event with which it began; only the anchor may be left to be set."""
    wanted = _note(BEGUN, found)
    history = session.doors.store.history(ADDRESS)
    return next((e.sequence for e in history if e.note == wanted), None)


def _is_told(session: Session, note: AuditNote) -> bool:
    """Whether a run that could not set the anchor any more has said already that it is done."""
    return any(e.note == note for e in session.doors.store.history(ADDRESS))


def _note(event: str, found: Disagreement, **detail: str) -> AuditNote:
    anchor = found.seen.anchor
    head = Head(sequence=0, hash="") if anchor is None else anchor.head
    facts = {"anchorSequence": str(head.sequence), "anchorHash": head.hash, **detail}
    return AuditNote(
        event=event,
        address=ADDRESS,
        reason=Reason.STORE_RESTORED.value,
        detail=tuple(sorted(facts.items())),
    )


def _renew(session: Session, removed: Sequence[KeyRecord], begun: int | None) -> ApplyReport:
    """Give live keys of the manager a new secret, but for the removed: all that have had none since
    the event `begun`, or without it those that have none left.
    """
    plan_request = session.read_again()
    recovered = [] if begun is None else session.recover(plan_request.observed)
    if recovered:
        plan_request = session.read_again()
    looked = tuple(
        session.threads.map(
            lambda record: _looked_at(session, record),
            _to_renew(session, plan_request.observed, removed, begun),
        )
    )
    left = [one for one in looked if isinstance(one, Outcome)]
    for outcome in left:
        session.watch.on_outcome(outcome)
    plan = Plan(
        manager=plan_request.observed.manager,
        now=plan_request.observed.read_at,
        target=plan_request.target,
        revision=plan_request.desired.revision,
        maintenance=tuple(one for one in looked if isinstance(one, MaintenanceItem)),
    )
    return session.execute(plan, plan_request.observed, (*recovered, *left))


def _to_renew(
    session: Session, observed: ObservedState, removed: Sequence[KeyRecord], begun: int | None
) -> list[KeyRecord]:
    """Give the keys that have had no new secret since the event `begun`; without one, those that
    have no secret: it was ended again.
    """
    events = {e.sequence: e.at for e in session.doors.store.history(ADDRESS)}
    unwanted = {r.key_id for r in removed}
    return [
        r
        for r in sorted(observed.live.values(), key=lambda r: r.address)
        if r.key_id not in unwanted
        and not r.is_expired(observed.read_at)
        and (r.current is None or _is_before(r, None if begun is None else events[begun]))
    ]


def _is_before(record: KeyRecord, moment: datetime | None) -> bool:
    return moment is not None and (record.rotated_at or record.created_at) < moment


def _removed_keys(session: Session, found: Disagreement) -> tuple[KeyRecord, ...]:
    """Give the keys that were removed after the copy was made, with what they had replaced: they
    want no new secret, and none of an older one.
    """
    listed = () if found.seen.anchor is None else found.seen.anchor.ended
    removed = frozenset(e.removed_key for e in listed if e.removed_key is not None)
    return session.doors.store.family(removed)


def _holds(removed: Iterable[KeyRecord]) -> Iterator[HoldKey]:
    """Hold those of them that nothing keeps from working, or from being brought back."""
    for record in removed:
        if record.status is not KeyStatus.REMOVED and record.hold is None:
            note = AuditNote(event="key-held", address=str(record.address), reason=RESTORED_HOLD)
            yield HoldKey(key_id=record.key_id, reason=RESTORED_HOLD, note=note)


def _looked_at(session: Session, record: KeyRecord) -> MaintenanceItem | Outcome:
    """Give the rotation of one key; the sink is ahead of the store, so its path is looked at. What
    readably is a stranger's is not written over.
    """
    path = record.fields.sink_path
    try:
        seen = session.doors.sink.observe(path)
    except KeyrecError as error:
        return _left(record, OutcomeStatus.FAILED, error.message, error.advice)
    if seen.is_foreign:
        return _left(
            record,
            OutcomeStatus.BLOCKED,
            f"{path} holds a value that keyrec did not write",
            f"take it away, or let the manifest adopt version {seen.version}: spec.secret.adopt",
        )
    return MaintenanceItem(
        address=str(record.address),
        kind=MaintenanceKind.ROTATE,
        reason=Reason.STORE_RESTORED,
        path=path,
        found=seen.version,
        workspace=record.address.workspace,
        record=record,
    )


def _left(record: KeyRecord, status: OutcomeStatus, message: str, advice: str) -> Outcome:
    return Outcome(
        address=str(record.address),
        actions=(MaintenanceKind.ROTATE.value,),
        status=status,
        message=message,
        advice=advice,
        path=record.fields.sink_path,
        is_maintenance=True,
    )


def _finish(
    session: Session, transactions: Transactions, found: Disagreement, answer: Answer
) -> None:
    """Write it down, and let the sink remember the store as it is now."""
    note = _note(DONE, found, answer=answer.value)
    if not _is_told(session, note):
        transactions.run([RecordEvent(note=note)])
    observed = session.read_again().observed
    head = Head(sequence=observed.audit_sequence, hash=observed.audit_head)
    store = session.doors.store
    anchor = anchor_of(
        observed.store_id,
        head,
        now=observed.read_at,
        ended=store.ended_versions(observed.read_at - REMEMBERED),
        earlier=found.seen.anchor,
    )
    if not put_anchor(session.doors.sink, anchor, expected=found.seen.version):
        raise SinkUnavailable(
            "the audit anchor was not written: somebody else wrote it meanwhile, or no answer came",
            advice="run keyrec audit acknowledge again",
        )
