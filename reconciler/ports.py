"""The doors to the outside, in our own words.

Adapters translate data and errors, and decide nothing. Every method says which errors it raises;
anything else that escapes an adapter is a fault of the adapter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from reconciler.model.sink_values import (
    CheckAndSetRefused,
    CheckResult,
    PathSeen,
    SecretPayload,
    SinkContent,
)

if TYPE_CHECKING:
    from reconciler.model.anchor import EndedVersion
    from reconciler.model.audit import AuditEvent
    from reconciler.model.journal import Fence, Lease
    from reconciler.model.keys import KeyAddress, KeyRecord, KeyVersion
    from reconciler.model.policy import SinkKind
    from reconciler.model.resources import Resource
    from reconciler.model.source import Revision
    from reconciler.model.states import ObservedState
    from reconciler.model.uses import UseMark, UseReport
    from reconciler.model.writes import Commit, Committed

__all__ = [
    "CheckAndSetRefused",
    "CheckResult",
    "Clock",
    "Entropy",
    "Identity",
    "KeyStore",
    "ManifestFile",
    "ManifestSource",
    "PathSeen",
    "SecretPayload",
    "SecretSink",
    "SinkContent",
    "StoredVersion",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """What a presented key is checked against."""

    record: KeyRecord
    version: KeyVersion
    secret_hash: str


class KeyStore(Protocol):
    """The issuer's memory. All methods raise `StoreUnavailable`; all but `migrate` raise
    `StoreOutdated` where the tables are not this program's.
    """

    def check(self) -> None:
        """Return where the tables are there and of this program's version; else StoreOutdated."""

    def migrate(self) -> bool:
        """Bring the tables to this program's form; whether it did; StoreOutdated where newer."""

    def bring_back(self, form: int, *, actor: str) -> bool:
        """Bring the tables back to an older form, audited, for an older program; whether anything
        was done. What only the newer form could say is lost. ConfigInvalid: no such form.
        """

    def seed(self, policy: Resource, *, actor: str) -> bool:
        """Store the first policy; False, and nothing done, where the store already holds one."""

    def now(self) -> datetime:
        """Give the database's time."""

    def observe(self, manager: str, *, whole: frozenset[KeyAddress] = frozenset()) -> ObservedState:
        """Read everything of one manager in one transaction; foreign records of the addresses
        `whole` with all that is known of them.
        """

    def fingerprint(self) -> str | None:
        """Give what any change of the store changes, uses apart; None where only reading tells."""

    def presented(self, version_id: str) -> StoredVersion | None:
        """Give the version with its key, whatever their states; None where the id is unknown."""

    def find(self, address: KeyAddress) -> tuple[KeyRecord, ...]:
        """Give all records of the address, whosever and as whatever, newest first, and whole."""

    def family(self, key_ids: frozenset[str]) -> tuple[KeyRecord, ...]:
        """Give these keys and all that they replaced, whatever their names; else as `find`."""

    def late_attempts(self, sink_id: str, path: str) -> frozenset[int]:
        """Give the versions that abandoned operations expected of a path: writes may land late."""

    def addresses(self, name: str) -> tuple[KeyAddress, ...]:
        """Give the addresses of live records with that name, sorted."""

    def commit(self, commit: Commit) -> Committed:
        """Run one transaction.

        Raises:
            LeaseLost: the fence does not hold; nothing was written.
            StoreUnavailable: definitely nothing was written.
            CommitUnknown: the outcome is not known; run the same commit again.
        """

    def report_uses(self, report: UseReport) -> None:
        """Remember when secrets were last presented: never earlier than what is known already.
        Unknown versions are left out. Needs no lease, and no change of a key waits for it.
        """

    def use_marks(self, version_ids: frozenset[str]) -> tuple[UseMark, ...]:
        """Give what verifiers saw of these versions, by version, newest first."""

    def acquire_lease(self, manager: str, *, holder: str, run_id: str) -> Lease | None:
        """Take the lease where it is free; the epoch rises. None where another run holds it."""

    def lease(self, manager: str) -> Lease | None:
        """Give the lease row, held or run out; None where it was never taken or was released."""

    def renew_lease(self, fence: Fence) -> Lease:
        """Extend it by its time to live; LeaseLost where it is not ours or has run out."""

    def release_lease(self, fence: Fence) -> None:
        """Give it back; nothing happens where it is not ours."""

    def end_lease(self, manager: str, *, actor: str) -> Lease | None:
        """End whoever holds it, audited; the ended lease, None where nobody held it."""

    def history(self, address: str) -> tuple[AuditEvent, ...]:
        """Give the audit events of an address, oldest first."""

    def audit_head(self) -> tuple[int, str]:
        """Give the newest event's sequence and hash; 0 and 64 zeros before the first."""

    def event_hash(self, sequence: int) -> str | None:
        """Give the hash of the event of that number; None where there is none."""

    def ended_versions(self, since: datetime) -> tuple[EndedVersion, ...]:
        """Give all versions ended for a leak or a removal since an instant, newest first."""

    def events(self) -> Iterator[AuditEvent]:
        """Give the whole audit chain in order; ValueError where an event cannot be read."""

    def close(self) -> None:
        """Give connections back."""


class SecretSink(Protocol):
    """Where secrets are kept. Errors of all methods that reach out: `SinkUnavailable` (nothing was
    done), `SinkDenied`, `SinkMisconfigured`, `LoginFailed`.
    """

    @property
    def kind(self) -> SinkKind:
        """Which technology."""

    @property
    def custody(self) -> str:
        """Fingerprint of who can read what is written now; empty where the sink decides."""

    def identity(self) -> str:
        """Give the sink's own stable id; a digest and a policy are bound to it."""

    def preflight(self) -> tuple[CheckResult, ...]:
        """Check, without any side effect, that writes would work and would last."""

    def write(
        self, path: str, payload: SecretPayload, *, expected: int
    ) -> int | CheckAndSetRefused:
        """Send one check-and-set write; the new version number where it was done.

        Raises:
            SinkOutcomeUnknown: it may have been done.
        """

    def observe(self, path: str) -> PathSeen:
        """Give the path's version, and its value where reading is allowed."""

    def destroy(self, path: str, versions: Sequence[int]) -> None:
        """Destroy these versions for ever, never the path's version count; repeatable."""

    def read_anchor(self) -> tuple[int, str]:
        """Give the anchor's version and text; 0 and empty where there is none, its version count
        and empty where somebody has deleted it.
        """

    def write_anchor(self, text: str, *, expected: int) -> int | CheckAndSetRefused:
        """Write the anchor (it holds no secret) by check-and-set.

        Raises:
            SinkOutcomeUnknown: it may have been done.
        """

    def close(self) -> None:
        """End connections; revoke a token that was obtained here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """One file of manifests."""

    path: str
    """Relative to the repository, forward slashes."""
    content: bytes


class ManifestSource(Protocol):
    """Where manifests come from: a folder or a git revision. Errors: `SourceUnavailable`."""

    def files(self) -> Iterable[ManifestFile]:
        """Give all manifest files (`.yaml`, `.yml`), sorted by path."""

    def revision(self) -> Revision:
        """Say which revision they are."""

    def content_id(self) -> str | None:
        """Name all files and their bytes without reading them; None where only reading tells."""


class Identity(Protocol):
    """Who applies."""

    def principal(self) -> str:
        """Give the principal, such as `local:alice`; IdentityRefused where nobody is known."""


class Clock(Protocol):
    """Wall time."""

    def now(self) -> datetime:
        """Give the time, aware, in UTC."""


class Entropy(Protocol):
    """Chance; the only source of secrets and ids."""

    def base62(self, length: int) -> str:
        """Draw that many uniform base62 digits from the operating system."""

    def identifier(self) -> str:
        """Draw a new unique id: a version 4 UUID, 36 characters."""
