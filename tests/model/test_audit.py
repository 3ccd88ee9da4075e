"""Each event of the audit chain is bound to all before it."""

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest

from reconciler.model.audit import GENESIS, AuditEvent, AuditNote, event_document, event_hash
from reconciler.model.canonical import canonical_bytes
from reconciler.model.source import SourceRef

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
NOTE = AuditNote(
    event="key-created",
    address="payments/billing-sync",
    reason="Declared",
    source=SourceRef(file="keys/payments/billing-sync.yaml", line=3, column=1, end_line=20),
    detail=(("versionId", "3Xjy43zv3DDA"), ("generation", "1")),
)
EVENT = AuditEvent(
    sequence=1,
    at=NOON,
    actor="local:alice",
    revision="0123456789abcdef0123456789abcdef01234567",
    plan_digest="sha256:9f2c",
    run_id="run-1",
    note=NOTE,
    previous_hash=GENESIS,
    hash="",
)
BARE = AuditEvent(
    sequence=2,
    at=NOON,
    actor="local:alice",
    revision=None,
    plan_digest=None,
    run_id=None,
    note=AuditNote(event="key-held", address="payments/billing-sync", reason=""),
    previous_hash="f" * 64,
    hash="",
)


def test_the_hashed_bytes_of_an_event_are_pinned():
    """Every chain ever written depends on them."""
    assert canonical_bytes(event_document(EVENT)) == (
        b'{"actor":"local:alice","address":"payments/billing-sync",'
        b'"at":"2026-11-24T12:00:00.000000Z",'
        b'"detail":{"generation":"1","versionId":"3Xjy43zv3DDA"},"event":"key-created",'
        b'"planDigest":"sha256:9f2c",'
        b'"previousHash":"0000000000000000000000000000000000000000000000000000000000000000",'
        b'"reason":"Declared","revision":"0123456789abcdef0123456789abcdef01234567",'
        b'"runId":"run-1","schema":1,"sequence":1,'
        b'"source":"keys/payments/billing-sync.yaml:3:1"}'
    )
    assert event_hash(EVENT) == "26b44c9ec28a0527e8778f182f7e1e1f31af6cbbe0b8f0cae4937b31ae35870a"


def test_the_hash_of_an_event_without_manifest_and_run_is_pinned():
    """Absent facts are null, not left out."""
    assert event_hash(BARE) == "bd597a0b2913720e244847a454c7aae029d73684ced113c04dbcad5fd6a09f02"


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": 2},
        {"at": NOON + timedelta(microseconds=1)},
        {"actor": "local:bob"},
        {"revision": None},
        {"plan_digest": None},
        {"run_id": "run-2"},
        {"note": dataclasses.replace(NOTE, event="key-removed")},
        {"note": dataclasses.replace(NOTE, address="payments/other")},
        {"note": dataclasses.replace(NOTE, reason="")},
        {"note": dataclasses.replace(NOTE, source=None)},
        {"note": dataclasses.replace(NOTE, detail=())},
        {"previous_hash": "1" * 64},
    ],
    ids=str,
)
def test_changing_any_fact_of_an_event_changes_its_hash(change):
    """Nothing can be rewritten without breaking the chain."""
    assert event_hash(dataclasses.replace(EVENT, **change)) != event_hash(EVENT)


def test_the_stored_hash_is_not_part_of_what_is_hashed():
    """The hash can be checked against the event that carries it."""
    carried = dataclasses.replace(EVENT, hash=event_hash(EVENT))

    assert event_hash(carried) == carried.hash
