"""Writes that end versions on SQL: bookkeeping after a deadline, a leak, a destroyed copy."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from reconciler.adapters.sql_work import Work
from reconciler.model.lifetime import VersionState
from reconciler.model.writes import RecordDestroyed, RetireVersion, RevokeVersion, WriteRefusal

VersionWrite: TypeAlias = RetireVersion | RecordDestroyed | RevokeVersion


def write_version(work: Work, write: VersionWrite) -> WriteRefusal | None:
    """Do one write of a version, or say why not."""
    if work.versions.get(write.version_id) is None:
        return WriteRefusal.NOT_FOUND
    match write:
        case RetireVersion():
            return _retire(work, write)
        case RecordDestroyed():
            return _record_destroyed(work, write)
        case RevokeVersion():
            return _revoke(work, write)
        case _:
            assert_never(write)


def _retire(work: Work, write: RetireVersion) -> WriteRefusal | None:
    version = work.versions[write.version_id]
    # One that waits for evidence has no deadline; that there is some was judged by the plan.
    deadline = version["retire_at"] or version["overlap_until"]
    is_retiring = version["state"] is VersionState.RETIRING
    if not is_retiring or deadline is None or deadline > work.now:
        return WriteRefusal.NOT_DUE
    work.retire_now(version)
    work.settle(version["key_id"])
    return None


def _record_destroyed(work: Work, write: RecordDestroyed) -> WriteRefusal | None:
    version = work.versions[write.version_id]
    if version["state"] is not VersionState.RETIRED:
        return WriteRefusal.NOT_DUE
    if version["copy_destroyed_at"] is None:
        work.versions.change(write.version_id)["copy_destroyed_at"] = work.now
    return None


def _revoke(work: Work, write: RevokeVersion) -> WriteRefusal | None:
    version = work.versions[write.version_id]
    row = work.retire_now(version)
    row["leaked"] = row["leaked"] or write.leaked
    work.settle(version["key_id"])
    return None
