"""The central nouns: a declared key, a stored key, and the versions of its secret.

`KeyFields` is what a manifest says about a key; a spec is an address with fields, a record is what
the store holds under the same address. Equal fingerprints of fields mean nothing to update. No
value here can hold a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from reconciler.model.canonical import Document, fingerprint
from reconciler.model.lifetime import Expiration, Retirement, VersionState, format_duration
from reconciler.model.scopes import ScopeGrant
from reconciler.model.source import FieldPlace, SourceRef

DEFAULT_OVERLAP = timedelta(hours=24)
RESTORED_HOLD = "removed before the store was restored from an older copy"
"""The reason of a hold that lasts until manifests are applied, which remove the key again; nobody
else may give it.
"""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class KeyAddress:
    """Workspace and name: the identity of a key in manifests."""

    workspace: str
    name: str

    def __str__(self) -> str:
        """Give `workspace/name`."""
        return f"{self.workspace}/{self.name}"

    @property
    def order(self) -> tuple[str, str]:
        """Give what sorts addresses as they sort themselves, at a tenth of the cost."""
        return self.workspace, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """When the secret is renewed, and how long the previous one still works."""

    generation: int = 1
    every: timedelta | None = None
    overlap: timedelta = DEFAULT_OVERLAP
    retire: Retirement = Retirement.AFTER_OVERLAP


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFields:
    """Everything that a manifest declares about a key, defaults filled in, in one normal form."""

    environment: str
    sink_path: str
    """Relative to the sink's mount and prefix; the template already applied."""
    scopes: tuple[ScopeGrant, ...] = ()
    """Sorted by resource, one grant each."""
    allowlist: tuple[str, ...] | None = None
    """Sorted entries: canonical ranges, or `network:<name>`; None means not restricted."""
    ranges: tuple[str, ...] | None = None
    """The allowlist with its networks resolved, collapsed; what access is decided by."""
    expiration: Expiration = Expiration.NONE
    active: bool = True
    protected: bool = False
    rotation: Rotation = Rotation()
    reissue: int = 1
    owner: str | None = None
    description: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    """Sorted by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpec:
    """One declared key."""

    address: KeyAddress
    fields: KeyFields
    source: SourceRef
    """Where its document starts."""
    previous_name: str | None = None
    adopts_record: bool = False
    """Whether the live record of its address may be taken over from another manager or nobody."""
    adopts_version: int | None = None
    """At which sink version a stranger's value may stand that is written over once."""
    places: tuple[FieldPlace, ...] = ()
    """Where single fields stand; only where they are known."""

    def where(self, field: str) -> SourceRef:
        """Give the place of a field, or of the document where the field's is not known."""
        for name, line, column in self.places:
            if name == field:
                end_line = max(self.source.end_line, line)
                return SourceRef(file=self.source.file, line=line, column=column, end_line=end_line)
        return self.source


class KeyStatus(StrEnum):
    """Whether a record is the live one of its address."""

    LIVE = "live"
    SUPERSEDED = "superseded"
    """Replaced by a reissue; its last secret works until its deadline."""
    REMOVED = "removed"
    """A tombstone: id, name, last characters and history stay for ever."""


class RemovalReason(StrEnum):
    """The console page's four reasons, and removal by a disappeared manifest."""

    INTEGRATION_REMOVED = "integration-removed"
    SYSTEM_RETIRED = "system-retired"
    CREATED_BY_MISTAKE = "created-by-mistake"
    POLICY = "policy"
    UNDECLARED = "undeclared"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRemoval:
    """A declared, permanent removal; stays in git as a record and is a no-op once done."""

    address: KeyAddress
    reason: RemovalReason
    source: SourceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An emergency stop that apply respects until it is released."""

    reason: str
    by: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVersion:
    """One secret of a key, as the store knows it: never the secret, here not even its hash."""

    version_id: str
    state: VersionState
    sink_id: str
    sink_path: str
    sink_version: int | None
    """The version number in the sink, None while no write was confirmed or observed."""
    custody: str
    """Fingerprint of who can read this copy: the sorted age recipients, or empty for Vault."""
    last_characters: str
    created_at: datetime
    confirmed_at: datetime | None = None
    retire_at: datetime | None = None
    """For a retiring version: until when it is accepted. None waits: for evidence that nobody
    uses it, or for the end of a repair."""
    overlap_until: datetime | None = None
    """For a retiring version that waits for evidence: until when it is accepted in any case."""
    last_used_at: datetime | None = None
    """When a verifier last saw it, to the minute; None where none did."""
    retired_at: datetime | None = None
    leaked: bool = False
    copy_destroyed_at: datetime | None = None
    """When its copy in the sink was destroyed."""

    def is_accepted(self, now: datetime) -> bool:
        """Whether verification accepts it at `now`, as far as the version itself goes."""
        return self.state.is_accepted(retire_at=self.retire_at, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One key as the store holds it."""

    key_id: str
    address: KeyAddress
    manager: str | None
    status: KeyStatus
    fields: KeyFields
    record_version: int
    """Rises by one with every change of the row; what conditional writes compare."""
    created_at: datetime
    expires_at: datetime | None
    hold: Hold | None = None
    superseded_by: str | None = None
    rotated_at: datetime | None = None
    """When the current version was confirmed; schedules count from here."""
    stored_fingerprint: str | None = None
    """The hash of the fields as it was stored with them; None where it was not read."""
    versions: tuple[KeyVersion, ...] = ()
    """Oldest first; those that are retired with no copy left in the sink may be absent."""

    @property
    def current(self) -> KeyVersion | None:
        """Give the current version, if there is one."""
        return next((v for v in self.versions if v.state is VersionState.CURRENT), None)

    @property
    def last_characters(self) -> str | None:
        """Give the last characters of the newest version that is not retired, else the newest."""
        live = [v for v in self.versions if v.state is not VersionState.RETIRED]
        chosen = live or list(self.versions)
        current = self.current
        if current is not None:
            return current.last_characters
        return chosen[-1].last_characters if chosen else None

    def is_expired(self, now: datetime) -> bool:
        """Whether the key's time is over."""
        return self.expires_at is not None and now >= self.expires_at

    def is_open(self, now: datetime) -> bool:
        """Whether it is active and its time is not over; a hold is another matter."""
        return self.fields.active and not self.is_expired(now)


def fields_document(fields: KeyFields) -> Document:
    """Give the canonical form of a key's fields.

    Compatibility: fingerprints of it are stored; fields are only added where their default means
    what their absence meant, and then left out of the document while they have that default.
    """
    document: dict[str, Document] = {
        "environment": fields.environment,
        "sinkPath": fields.sink_path,
        "scopes": {g.resource: g.level for g in fields.scopes},
        "allowlist": None if fields.allowlist is None else list(fields.allowlist),
        "ranges": None if fields.ranges is None else list(fields.ranges),
        "expiration": fields.expiration.value,
        "active": fields.active,
        "protected": fields.protected,
        "generation": fields.rotation.generation,
        "every": None if fields.rotation.every is None else format_duration(fields.rotation.every),
        "overlap": format_duration(fields.rotation.overlap),
        "reissue": fields.reissue,
        "owner": fields.owner,
        "description": fields.description,
        "labels": dict(fields.labels),
    }
    if fields.rotation.retire is not Retirement.AFTER_OVERLAP:
        document["retire"] = fields.rotation.retire.value
    return document


def fields_fingerprint(fields: KeyFields) -> str:
    """Give the hash of a key's fields."""
    return fingerprint(fields_document(fields))
