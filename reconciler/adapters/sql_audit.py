"""The audit chain on SQL: appended under the lock of its head, read in order.

Whoever appends has locked the one row of `meta`; so sequences have no gaps and every event is bound
to the one before it. The head is read from `meta`, not from the events: a chain that was cut at its
end is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from types import UnionType
from typing import Any, cast

from sqlalchemy import Connection, RowMapping, func, or_, select, type_coerce, update
from sqlalchemy.engine.interfaces import Dialect

from reconciler.adapters.sql_doorbell import CHANNEL
from reconciler.adapters.sql_putting import put_new
from reconciler.adapters.sql_records import json_text, source_of, source_text
from reconciler.adapters.sql_tables import audit, keys, meta
from reconciler.adapters.sql_types import Instant
from reconciler.model.audit import AuditEvent, AuditNote, event_hash

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
        put_new(connection, audit, self._rows)
        head = update(meta).values(audit_sequence=self.sequence, audit_head=self.head)
        if connection.dialect.name == "postgresql":
            # Verifiers hear of it when it is committed.
            head = head.returning(func.pg_notify(CHANNEL, ""))
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
    is_its = or_(audit.c.address == address, audit.c.subject.in_(its_keys))
    wanted = select(*_COLUMNS).where(is_its).order_by(audit.c.sequence)
    return tuple(event_of(row) for row in connection.execute(wanted).mappings())


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some events, and where the next page goes on: the last row's number, whatever it is."""

    events: tuple[AuditEvent, ...] = ()
    last: Any = None


def read_page(connection: Connection, after: Any) -> Page:
    """Give the events that follow a number, a page of them; from the first one where it is None.

    Events with a number below 1 are given too: nobody but a forger writes them.
    """
    wanted = select(*_COLUMNS).order_by(audit.c.sequence).limit(PAGE)
    if after is not None:
        wanted = wanted.where(audit.c.sequence > after)
    rows = connection.execute(wanted).mappings().all()
    last = rows[-1]["sequence"] if rows else None
    return Page(events=tuple(event_of(row) for row in rows), last=last)


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


class _AsStored(Instant):
    """An instant as the database gives it: what is damaged is found event by event."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Leave it."""
        del dialect, coltype
        return lambda value: value


_COLUMNS = tuple(
    type_coerce(column, _AsStored()).label("at") if column is audit.c.at else column
    for column in audit.c
    if column is not audit.c.subject
)
_TEXTS = ("actor", "event", "address", "reason", "previous_hash", "hash")
_TEXTS_OR_NULL = ("revision", "plan_digest", "run_id")


def event_of(row: RowMapping) -> AuditEvent:
    """Read one event; a row that nobody but a forger can have written is damaged."""
    try:
        event = _read_event(row)
        event_hash(event)
    except (ValueError, TypeError, AttributeError):
        return _damaged(row["sequence"], row["address"])
    return event


def _damaged(number: Any, address: Any) -> AuditEvent:
    """Give what stands for a row that cannot be read."""
    note = AuditNote(event="", address=address if isinstance(address, str) else "", reason="")
    return AuditEvent(
        sequence=number if isinstance(number, int) else 0,
        at=datetime.min.replace(tzinfo=timezone.utc),
        actor="",
        revision=None,
        plan_digest=None,
        run_id=None,
        note=note,
        previous_hash="",
        hash="",
        is_damaged=True,
    )


def _read_event(row: RowMapping) -> AuditEvent:
    for name in _TEXTS:
        _require(row[name], str)
    for name in _TEXTS_OR_NULL:
        _require(row[name], str | None)
    _require(row["sequence"], int)
    note = AuditNote(
        event=row["event"],
        address=row["address"],
        reason=row["reason"],
        source=source_of(row["source"]),
        detail=tuple(_pair(name, value) for name, value in json.loads(row["detail"])),
    )
    if json_text(note.detail) != row["detail"]:
        raise ValueError("the facts stand in their one form")
    return AuditEvent(
        sequence=row["sequence"],
        at=_moment(row["at"]),
        actor=row["actor"],
        revision=row["revision"],
        plan_digest=row["plan_digest"],
        run_id=row["run_id"],
        note=note,
        previous_hash=row["previous_hash"],
        hash=row["hash"],
    )


def _pair(name: Any, value: Any) -> tuple[str, str]:
    _require(name, str)
    _require(value, str)
    return name, value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is None:
        raise ValueError("an instant of the chain is aware")
    return cast("datetime", moment.astimezone(timezone.utc))


def _require(value: Any, kind: type | UnionType) -> None:
    if not isinstance(value, kind):
        raise TypeError("a column holds what keyrec never writes")
