"""The audit chain: what happened, in order, each event bound to all before it.

Compatibility: an event's hash is SHA-256 over the canonical bytes of its document, which holds the
previous hash; the first event's previous hash is 64 zeros. Events never hold secrets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.canonical import Document, fingerprint, instant
from reconciler.model.source import SourceRef

GENESIS = "0" * 64
BY_HAND = "requested"
"""The reason of what a person asked for at the command line, where they gave no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditNote:
    """What a write wants to have said about it."""

    event: str
    """Kebab-case name, such as `key-created`, `secret-confirmed`, `policy-changed`."""
    address: str
    reason: str
    """Why, in one of planning's words, or in a person's own."""
    source: SourceRef | None = None
    detail: tuple[tuple[str, str], ...] = ()
    """More facts by name, sorted: version ids, fields that changed, counts. Never a secret."""

    def __post_init__(self) -> None:
        """Sort the facts: what the hash covers knows no order, and each name once."""
        object.__setattr__(self, "detail", tuple(sorted(self.detail)))
        if len({name for name, _ in self.detail}) < len(self.detail):
            raise ValueError("each fact of an event has a name of its own")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One link of the chain."""

    sequence: int
    """From 1, without gaps."""
    at: datetime
    actor: str
    revision: str | None
    """Git commit of the manifests, where there is one."""
    plan_digest: str | None
    run_id: str | None
    note: AuditNote
    previous_hash: str
    hash: str
    is_damaged: bool = False
    """Its stored row cannot be read as an event; beside number and address nothing is in it."""


def event_document(event: AuditEvent) -> Document:
    """Give what is hashed: everything but the hash itself."""
    note, source = event.note, event.note.source
    return {
        "schema": 1,
        "sequence": event.sequence,
        "at": instant(event.at),
        "actor": event.actor,
        "revision": event.revision,
        "planDigest": event.plan_digest,
        "runId": event.run_id,
        "event": note.event,
        "address": note.address,
        "reason": note.reason,
        "source": None if source is None else str(source),
        "detail": dict(note.detail),
        "previousHash": event.previous_hash,
    }


def event_hash(event: AuditEvent) -> str:
    """Give the hash that the event must carry."""
    return fingerprint(event_document(event))
