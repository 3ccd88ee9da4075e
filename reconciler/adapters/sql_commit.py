"""One commit on SQL: fence, first answer, lock, read, decide, write, audit, remember the answer.

The order is the rule: nothing is read before the lease is locked and found ours; the head of the
audit chain is locked before anything else is read, so commits happen one after the other; a commit
that was done before is answered from its row and changes nothing.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import assert_never

from sqlalchemy import Connection, insert, select

from reconciler.adapters.sql_audit import Author, Chain
from reconciler.adapters.sql_endings import write_version
from reconciler.adapters.sql_flush import flush
from reconciler.adapters.sql_keys import write_key
from reconciler.adapters.sql_loading import load
from reconciler.adapters.sql_records import json_text
from reconciler.adapters.sql_resources import write_resource
from reconciler.adapters.sql_run_tables import commits
from reconciler.adapters.sql_secrets import write_secret
from reconciler.adapters.sql_wanted import wanted_by
from reconciler.adapters.sql_work import Work
from reconciler.model.secret_writes import (
    BeginSecret,
    CloseOperation,
    CommitAttempt,
    ConfirmSecret,
    Retarget,
)
from reconciler.model.writes import (
    Commit,
    Committed,
    HoldKey,
    PutResource,
    RecordDestroyed,
    RecordEvent,
    ReleaseKey,
    RemoveKey,
    RemoveResource,
    RetireVersion,
    RevokeVersion,
    UpdateKey,
    Write,
    WriteRefusal,
)


def require_fence(commit: Commit) -> None:
    """Refuse a commit without a lease unless it is an emergency or the first policy."""
    if commit.fence is not None:
        return
    for write in commit.writes:
        is_first = isinstance(write, PutResource) and write.base is None
        if not is_first and not isinstance(write, HoldKey | ReleaseKey | RevokeVersion):
            raise ValueError(f"{type(write).__name__} needs a fence")


def answered_before(connection: Connection, commit_id: str) -> Committed | None:
    """Give the answer of a commit that was done before."""
    row = connection.execute(select(commits).where(commits.c.commit_id == commit_id)).one_or_none()
    if row is None:
        return None
    words = json.loads(row.refusals)
    return Committed(
        at=row.at,
        refusals=tuple(None if word is None else WriteRefusal(word) for word in words),
        audit_sequence=row.audit_sequence,
        audit_head=row.audit_head,
    )


def run_commit(connection: Connection, commit: Commit, chain: Chain, now: datetime) -> Committed:
    """Do a commit's writes in order, under the lock of the chain's head."""
    work = Work(now=now, actor=commit.actor)
    author = Author(
        at=now,
        actor=commit.actor,
        revision=commit.revision,
        plan_digest=commit.plan_digest,
        run_id=None if commit.fence is None else commit.fence.run_id,
    )
    load(connection, work, wanted_by(commit.writes))
    refusals = tuple(_do(work, write, chain, author) for write in commit.writes)
    flush(connection, work)
    chain.store(connection)
    answer = Committed(
        at=now, refusals=refusals, audit_sequence=chain.sequence, audit_head=chain.head
    )
    _remember(connection, commit.commit_id, answer)
    return answer


def _do(work: Work, write: Write, chain: Chain, author: Author) -> WriteRefusal | None:
    work.next_event = chain.sequence + 1
    refusal = _dispatch(work, write)
    if refusal is None and not isinstance(write, CommitAttempt):
        chain.append(write.note, author, subject=_subject(work, write))
    return refusal


def _dispatch(work: Work, write: Write) -> WriteRefusal | None:
    match write:
        case BeginSecret() | CommitAttempt() | Retarget() | ConfirmSecret() | CloseOperation():
            return write_secret(work, write)
        case UpdateKey() | RemoveKey() | HoldKey() | ReleaseKey():
            return write_key(work, write)
        case RetireVersion() | RecordDestroyed() | RevokeVersion():
            return write_version(work, write)
        case PutResource() | RemoveResource():
            return write_resource(work, write)
        case RecordEvent():
            return None
        case _:
            assert_never(write)


def _subject(work: Work, write: Write) -> str | None:
    """Give the key that an event is about, so that its history survives a rename."""
    match write:
        case UpdateKey() | RemoveKey() | HoldKey() | ReleaseKey():
            return write.key_id
        case BeginSecret():
            return write.operation.key_id
        case CommitAttempt() | Retarget() | ConfirmSecret() | CloseOperation():
            return work.operations[write.operation_id]["key_id"]
        case RetireVersion() | RecordDestroyed() | RevokeVersion():
            return work.versions[write.version_id]["key_id"]
        case PutResource() | RemoveResource() | RecordEvent():
            return None
        case _:
            assert_never(write)


def _remember(connection: Connection, commit_id: str, answer: Committed) -> None:
    row = {
        "commit_id": commit_id,
        "at": answer.at,
        "refusals": json_text(answer.refusals),
        "audit_sequence": answer.audit_sequence,
        "audit_head": answer.audit_head,
    }
    connection.execute(insert(commits), [row])
