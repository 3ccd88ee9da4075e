"""What each write does to the state in memory: first every condition, then every effect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from reconciler.model.secret_writes import (
    BeginSecret,
    CloseOperation,
    CommitAttempt,
    ConfirmSecret,
    Retarget,
)
from reconciler.model.writes import (
    Commit,
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
from tests.fakes import store_keys, store_secrets
from tests.fakes.store_state import State
from tests.fakes.store_transaction import Transaction


def require_fence(commit: Commit) -> None:
    """Only emergencies and the first policy need no lease."""
    unfenced = (HoldKey, ReleaseKey, RevokeVersion)
    for write in commit.writes:
        is_first_policy = isinstance(write, PutResource) and write.base is None
        if commit.fence is None and not isinstance(write, unfenced) and not is_first_policy:
            raise ValueError(f"{type(write).__name__} needs a fence")


def apply_write(state: State, write: Write, *, now: datetime, actor: str) -> WriteRefusal | None:
    """Change the state, or say why not and leave it as it is."""
    return _RULES[type(write)](Transaction(state, now, actor), write)


def subject_of(state: State, write: Write) -> str | None:
    """Give the key that a write is about; None for resources."""
    match write:
        case UpdateKey() | RemoveKey() | HoldKey() | ReleaseKey():
            return write.key_id
        case BeginSecret():
            return write.operation.key_id
        case CommitAttempt() | Retarget() | ConfirmSecret() | CloseOperation():
            return state.operations[write.operation_id].key_id
        case RetireVersion() | RecordDestroyed() | RevokeVersion():
            return state.versions[write.version_id].key_id
        case PutResource() | RemoveResource() | RecordEvent():
            return None


_RULES: dict[type, Callable[[Transaction, Any], WriteRefusal | None]] = {
    PutResource: store_keys.put_resource,
    RemoveResource: store_keys.remove_resource,
    UpdateKey: store_keys.update_key,
    BeginSecret: store_secrets.begin_secret,
    CommitAttempt: store_secrets.commit_attempt,
    Retarget: store_secrets.retarget,
    ConfirmSecret: store_secrets.confirm_secret,
    CloseOperation: store_secrets.close_operation,
    RetireVersion: store_keys.retire_version,
    RemoveKey: store_keys.remove_key,
    RecordDestroyed: store_keys.record_destroyed,
    HoldKey: store_keys.hold_key,
    ReleaseKey: store_keys.release_key,
    RevokeVersion: store_keys.revoke_version,
    RecordEvent: lambda at, write: None,
}
