"""What is known beside the decision: who asks, where the secret lies, what verifiers have seen.

Here stand the values, and the checks of the workspace role and of the lost key. Denied origins are
looked at in `origins.py`, last uses in `uptake.py`. None of it says whether a key is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.credentials.checks import Check, EvidenceName
from reconciler.model.keys import KeyAddress, KeyRecord, KeyStatus, KeyVersion
from reconciler.model.uses import UseMark
from reconciler.model.workspaces import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and what the store says of them."""

    principal: Principal | None
    """None where nobody is known by what the policy wants."""
    may_change: bool
    admins: tuple[Principal, ...]
    """Of the key's workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of a key beside the version that is asked about."""

    records: tuple[KeyRecord, ...] = ()
    """All of its address, of every status, newest first."""
    marks: tuple[UseMark, ...] = ()
    """What verifiers saw of their versions, newest first for each."""
    uses_until: datetime | None = None
    """Up to when verifiers have reported; None where none reports."""
    asker: Asker | None = None


def check_role(address: KeyAddress, asker: Asker | None, *, matters: bool) -> Check:
    """Say who may change the key; it `matters` where a scope is missing."""
    name, workspace = EvidenceName.ROLE, address.workspace
    if asker is None:
        return Check(name=name, passed=None, message="who may change the key was not looked up")
    named = ", ".join(asker.admins) or "nobody"
    if asker.principal is None:
        message = f"who runs this is not known; admins of the workspace {workspace}: {named}"
        return Check(name=name, passed=None, message=message)
    if asker.may_change:
        message = f"{asker.principal} may change keys of the workspace {workspace}"
        return Check(name=name, passed=True if matters else None, message=message)
    return Check(
        name=name,
        passed=False if matters else None,
        message=f"{asker.principal} is no admin of the workspace {workspace}; its admins: {named}",
        advice="ask one of them, or a platform admin, to apply the change" if matters else "",
    )


def check_complete_key(record: KeyRecord | None, *, is_proven: bool) -> Check:
    """Say whether the complete key is at hand, and where the secret lies if it is not."""
    name = EvidenceName.COMPLETE_KEY
    if is_proven:
        message = "the complete key was presented: it is not lost"
        return Check(name=name, passed=True, message=message)
    if record is None or record.status is not KeyStatus.LIVE:
        return Check(name=name, passed=None, message="it cannot be told which key it would be")
    rotate = f"run `keyrec rotate {record.address}` and update the integration"
    current = record.current
    if current is None or not _has_copy(current):
        message = "a complete key cannot be shown again, and no copy of it is known in the sink"
        return Check(name=name, passed=False, message=message, advice=rotate)
    lies = f"{current.sink_path} (…{current.last_characters}, version {current.sink_version})"
    return Check(
        name=name,
        passed=None,
        message=f"a complete key cannot be shown again; the secret lies at {lies}",
        advice=f"where it is lost and that path cannot be read: {rotate}",
    )


def _has_copy(version: KeyVersion) -> bool:
    return version.sink_version is not None and version.copy_destroyed_at is None
