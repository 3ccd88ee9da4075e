"""A secret to be made: for which key, at which path, and why. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.credentials.minting import Minted
from reconciler.model.journal import Operation, OperationKind
from reconciler.model.keys import KeyAddress
from reconciler.model.policy import HashProfile
from reconciler.model.secret_writes import NewKey, NewVersion, PathOverride
from reconciler.model.source import SourceRef
from reconciler.ports import Entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """What the making of every secret of a run shares."""

    token_prefix: str
    profile: HashProfile
    sink_id: str
    custody: str
    entropy: Entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretWork:
    """One secret to be made: for which key, at which path, and why."""

    address: KeyAddress
    actions: tuple[str, ...]
    kind: OperationKind
    key_id: str
    environment: str
    path: str
    expected: int
    """The path's last known version."""
    generation: int
    overlap: timedelta
    reason: str
    created_at: datetime | None
    """The key's; None for a key that transaction A creates."""
    expires_at: datetime | None
    base: int | None = None
    new_key: NewKey | None = None
    supersedes: str | None = None
    moved_to: KeyAddress | None = None
    source: SourceRef | None = None
    is_maintenance: bool = False
    resumed: Operation | None = None
    """The open operation that this work goes on with."""
    recorded: int | None = None
    """Where the path's current secret is, as the store knows it: below `expected` where the path
    was deleted outside and counts its versions from 1 again."""
    override: PathOverride | None = None
    """Why the path may be written over where it is not at its recorded version."""
    landed: int | None = None
    """For a resumed operation: the sink version at which the interrupted secret was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A work whose version is drawn, with what step 2 needs once transaction A has committed."""

    work: SecretWork
    operation_id: str
    minted: Minted
    version: NewVersion
