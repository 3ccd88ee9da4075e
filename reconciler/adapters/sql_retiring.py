"""Until when a replaced version is accepted, on SQL: its deadline, evidence, or a repair's end.

A retiring version has a deadline; or it waits for evidence, and then it has the end of its overlap;
or it has neither, and waits for the open operation that repairs its path.
"""

from __future__ import annotations

from reconciler.adapters.sql_rows import OperationRow, VersionRow
from reconciler.adapters.sql_work import Work
from reconciler.model.lifetime import Retirement, VersionState
from reconciler.model.writes import overlap_deadline


def retire_later(work: Work, version: VersionRow, operation: OperationRow) -> None:
    """Let a version be accepted until the operation's overlap has passed, and longer where its key
    waits for evidence; of a version that was never confirmed there may be none.
    """
    row = work.versions.change(version["version_id"])
    key = work.keys[row["key_id"]]
    deadline = overlap_deadline(work.now, operation["overlap"], key["expires_at"])
    row["state"] = VersionState.RETIRING
    if row["confirmed_at"] is not None and key["retire"] is Retirement.WHEN_UNUSED:
        row["retire_at"], row["overlap_until"] = None, deadline
    else:
        row["retire_at"], row["overlap_until"] = deadline, None


def retire_with_operation(work: Work, version: VersionRow) -> None:
    """Let a retiring version be accepted until an operation of its key ends; one whose deadline
    has passed stays ended.
    """
    deadline = version["retire_at"]
    is_over = deadline is not None and deadline <= work.now
    if version["state"] is not VersionState.RETIRING or is_over:
        return
    row = work.versions.change(version["version_id"])
    row["retire_at"] = row["overlap_until"] = None


def waits_for_operation(version: VersionRow) -> bool:
    """Whether a repair took the version's deadline away."""
    has_none = version["retire_at"] is None and version["overlap_until"] is None
    return version["state"] is VersionState.RETIRING and has_none
