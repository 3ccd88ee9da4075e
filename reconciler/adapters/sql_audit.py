"""The audit chain on SQL: appended under the lock of its head, read in order.

Whoever appends has locked the one row of `meta`; so sequences have no gaps and every event is bound
to the one before it. The head is read from `meta`, not from the events: a chain that was cut at its
end is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, or_, select, update

from reconciler.adapters.sql_records import json_text, source_of, source_text
from reconciler.adapters.sql_tables import audit, key_versions, keys, meta
from reconciler.model.anchor import EndedFor, EndedVersion
from reconciler.model.audit import AuditEvent, AuditNote, event_hash
from reconciler.model.keys import KeyStatus

PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """What all events of one transaction have in common."""

    at: datetime
    actor: str
    revision: str | None = None
    plan_digest: str | None = None
    run_id: str | None = None


class Chain:
    """The end of the chain, with the events that this transaction adds."""

    def __init__(self, *, sequence: int, head: str) -> None:
        """Go on from the locked head."""
        self.sequence = sequence
        self.head = head
        self._rows: list[dict[str, Any]] = []

    def append(self, note: AuditNote, author: Author, *, subject: str | None) -> None:
        """Bind one more event to the chain."""
        event = AuditEvent(
            sequence=self.sequence + 1,
            at=author.at,
            actor=author.actor,
            revision=author.revision,
            plan_digest=author.plan_digest,
            run_id=author.run_id,
            note=note,
            previous_hash=self.head,
            hash="",
        )
        event = replace(event, hash=event_hash(event))
        self.sequence, self.head = event.sequence, event.hash
        self._rows.append(_row(event, subject))

    def store(self, connection: Connection) -> None:
        """Write the added events and the new head."""
        if not self._rows:
            return
        connection.execute(insert(audit), self._rows)
        head = update(meta).values(audit_sequence=self.sequence, audit_head=self.head)
        connection.execute(head)


def lock_chain(connection: Connection) -> Chain:
    """Wait for every other transaction that changes something, and give the chain's end."""
    wanted = select(meta.c.audit_sequence, meta.c.audit_head).with_for_update()
    row = connection.execute(wanted).one()
    return Chain(sequence=row.audit_sequence, head=row.audit_head)


def read_head(connection: Connection) -> tuple[int, str]:
    """Read the newest event's sequence and hash."""
    row = connection.execute(select(meta.c.audit_sequence, meta.c.audit_head)).one()
    return row.audit_sequence, row.audit_head


def read_history(connection: Connection, address: str) -> tuple[AuditEvent, ...]:
    """Give the events of an address, and those of its keys under earlier names."""
    workspace, _, name = address.partition("/")
    its_keys = select(keys.c.key_id).where(keys.c.workspace == workspace, keys.c.name == name)
    wanted = select(audit).where(or_(audit.c.address == address, audit.c.subject.in_(its_keys)))
    rows = connection.execute(wanted.order_by(audit.c.sequence)).mappings()
    return tuple(event_of(row) for row in rows)


def read_page(connection: Connection, after: int) -> Sequence[RowMapping]:
    """Give the rows of the events that follow a sequence number, a page of them."""
    wanted = select(audit).where(audit.c.sequence > after).order_by(audit.c.sequence).limit(PAGE)
    return connection.execute(wanted).mappings().all()


def read_hash(connection: Connection, sequence: int) -> str | None:
    """Give the hash of one event; None where there is none of that number."""
    wanted = select(audit.c.hash).where(audit.c.sequence == sequence)
    return connection.execute(wanted).scalar_one_or_none()


def read_ended(connection: Connection, since: datetime) -> tuple[EndedVersion, ...]:
    """Give the versions that were ended for a leak or a removal since an instant, newest first."""
    is_removed = keys.c.status == KeyStatus.REMOVED
    wanted = (
        select(key_versions.c.version_id, key_versions.c.leaked, key_versions.c.retired_at)
        .join(keys, keys.c.key_id == key_versions.c.key_id)
        .where(or_(key_versions.c.leaked, is_removed), key_versions.c.retired_at >= since)
        .order_by(key_versions.c.retired_at.desc(), key_versions.c.version_id.desc())
    )
    return tuple(
        EndedVersion(
            version_id=row.version_id,
            why=EndedFor.LEAK if row.leaked else EndedFor.REMOVAL,
            at=row.retired_at,
        )
        for row in connection.execute(wanted)
    )


def _row(event: AuditEvent, subject: str | None) -> dict[str, Any]:
    note = event.note
    return {
        "sequence": event.sequence,
        "at": event.at,
        "actor": event.actor,
        "revision": event.revision,
        "plan_digest": event.plan_digest,
        "run_id": event.run_id,
        "event": note.event,
        "address": note.address,
        "reason": note.reason,
        "source": source_text(note.source),
        "detail": json_text(note.detail),
        "previous_hash": event.previous_hash,
        "hash": event.hash,
        "subject": subject,
    }


def event_of(row: RowMapping) -> AuditEvent:
    """Read an event; ValueError where it is not of the form of one."""
    note = AuditNote(
        event=row["event"],
        address=row["address"],
        reason=row["reason"],
        source=source_of(row["source"]),
        detail=tuple((name, value) for name, value in json.loads(row["detail"])),
    )
    return AuditEvent(
        sequence=row["sequence"],
        at=row["at"],
        actor=row["actor"],
        revision=row["revision"],
        plan_digest=row["plan_digest"],
        run_id=row["run_id"],
        note=note,
        previous_hash=row["previous_hash"],
        hash=row["hash"],
    )
