"""What a platform admin does about a store that is not the one that the sink remembers.

First every secret that the anchor lists is ended again, and a key that was removed meanwhile is put
on hold: maintenance would give it a new secret. Then, by choice, every key gets a new
secret, or the store is accepted as it is. Only at the end is it written down and the anchor set: a
run that was killed in between leaves an apply that still refuses, and can simply be run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from reconciler.apply.anchor import put_anchor
from reconciler.apply.disagreement import Disagreement, disagreement, require_platform_admin
from reconciler.apply.outcome import ApplyReport, OutcomeStatus
from reconciler.apply.session import Session
from reconciler.apply.transactions import Transactions
from reconciler.errors import SinkUnavailable
from reconciler.model.anchor import REMEMBERED, EndedFor, EndedVersion, anchor_of
from reconciler.model.audit import AuditNote
from reconciler.model.chain import Head
from reconciler.model.keys import KeyRecord, KeyStatus
from reconciler.model.writes import HoldKey, RecordEvent, RevokeVersion, Write
from reconciler.planning.actions import MaintenanceKind, Reason
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import MaintenanceItem, Plan

ADDRESS = "audit/anchor"
"""What the events of an acknowledgement are about."""
HELD_FOR = "removed before the store was restored from an older copy"
"""A hold that lasts until manifests are applied, which remove the key again."""
BEGUN, DONE = "acknowledgement-begun", "audit-acknowledged"


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
    begun = _begin(session, transactions, found)
    report = _empty_report(session)
    if answer is Answer.ROTATE_ALL:
        report = _rotate_all(session, found, begun)
    if report.count(OutcomeStatus.APPLIED) == len(report.outcomes):
        _finish(session, transactions, found, answer)
    sequence, head = session.doors.store.audit_head()
    return replace(report, audit_sequence=sequence, audit_head=head)


def _begin(session: Session, transactions: Transactions, found: Disagreement) -> int:
    """End again what the anchor lists, and say that it began; the number of that event.

    An acknowledgement of the same anchor that was begun before goes on.
    """
    writes: list[Write] = [_ending(e) for e in found.to_end]
    writes += [_hold(record) for record in _removed_since(session, found)]
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


def _rotate_all(session: Session, found: Disagreement, begun: int) -> ApplyReport:
    """Give every live key of the manager a new secret; those that have one since are left."""
    plan_request = session.read_again()
    recovered = session.recover(plan_request.observed)
    if recovered:
        plan_request = session.read_again()
    plan = _plan(session, plan_request, found, begun)
    return session.execute(plan, plan_request.observed, recovered)


def _plan(session: Session, plan_request: PlanRequest, found: Disagreement, begun: int) -> Plan:
    observed = plan_request.observed
    events = {e.sequence: e.at for e in session.doors.store.history(ADDRESS)}
    ended = _ended_keys(session, found)
    records = [
        r
        for r in sorted(observed.live.values(), key=lambda r: r.address)
        if r.key_id not in ended
        and not r.is_expired(observed.read_at)
        and (r.current is None or (r.rotated_at or r.created_at) < events[begun])
    ]
    items = tuple(session.threads.map(lambda r: _item(session, r), records))
    return Plan(
        manager=observed.manager,
        now=observed.read_at,
        target=plan_request.target,
        revision=plan_request.desired.revision,
        maintenance=items,
    )


def _ended_keys(session: Session, found: Disagreement) -> dict[str, KeyRecord]:
    """Give the keys that were removed after the copy was made: they want no new secret."""
    removed = (
        session.doors.store.presented(e.version_id)
        for e in (found.seen.anchor.ended if found.seen.anchor else ())
        if e.why is EndedFor.REMOVAL
    )
    return {stored.record.key_id: stored.record for stored in removed if stored is not None}


def _removed_since(session: Session, found: Disagreement) -> Iterator[KeyRecord]:
    """Give those of them that nothing keeps from being brought back by maintenance."""
    for record in _ended_keys(session, found).values():
        if record.status is KeyStatus.LIVE and record.hold is None:
            yield record


def _hold(record: KeyRecord) -> HoldKey:
    note = AuditNote(event="key-held", address=str(record.address), reason=HELD_FOR)
    return HoldKey(key_id=record.key_id, reason=HELD_FOR, note=note)


def _item(session: Session, record: KeyRecord) -> MaintenanceItem:
    """Give the rotation of one key; the sink is ahead of the store, so its path is looked at."""
    path = record.fields.sink_path
    return MaintenanceItem(
        address=str(record.address),
        kind=MaintenanceKind.ROTATE,
        reason=Reason.STORE_RESTORED,
        path=path,
        found=session.doors.sink.observe(path).version,
        workspace=record.address.workspace,
        record=record,
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


def _empty_report(session: Session) -> ApplyReport:
    return ApplyReport(run_id=session.lease.run_id, plan_digest="")
