"""Desired and observed: all that one revision declares, all that the store holds at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from reconciler.model.journal import Operation, PathRow
from reconciler.model.keys import KeyAddress, KeyRecord, KeyRemoval, KeySpec, KeyStatus
from reconciler.model.policy import Policy
from reconciler.model.resources import (
    Body,
    Resource,
    ResourceAddress,
    address_of,
    catalog_among,
    policy_among,
)
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.source import Revision, SourceRef
from reconciler.model.uses import UseMark
from reconciler.model.waivers import Waiver
from reconciler.model.workspaces import NetworkSet, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredResource:
    """A resource with the place of its document."""

    body: Body
    source: SourceRef

    @property
    def address(self) -> ResourceAddress:
        """Give its address."""
        return address_of(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredState:
    """Everything that one revision of the manifests declares; valid in itself."""

    manager: str
    keys: tuple[KeySpec, ...] = ()
    """Sorted by address."""
    removals: tuple[KeyRemoval, ...] = ()
    """Sorted by address."""
    resources: tuple[DeclaredResource, ...] = ()
    """Sorted by address."""
    revision: Revision = field(default_factory=Revision)
    manifest_digest: str = ""
    """SHA-256 over the paths and bytes of all manifest files, in order of path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRecord:
    """A live record that another manager owns, or nobody; touched only where it is adopted."""

    address: KeyAddress
    manager: str | None
    sink_path: str
    record: KeyRecord | None = None
    """The whole of it, where it was asked for."""
    is_busy: bool = False
    """Whether an operation is open for it, where it was asked for."""


@dataclass(frozen=True, kw_only=True)
class ObservedState:
    """Everything that the store holds of one manager, read in one transaction.

    What is looked up in it is put together once: plan, review and rights ask for every change.
    """

    store_id: str
    manager: str
    read_at: datetime
    """The database's clock; every decision about time is made with it."""
    records: tuple[KeyRecord, ...] = ()
    """Live records, and ended ones that still have a version to retire or a copy to destroy."""
    removed: frozenset[KeyAddress] = frozenset()
    """Addresses of tombstones of this manager."""
    removed_held: frozenset[KeyAddress] = frozenset()
    """Those of them whose newest tombstone was on hold and was not released since."""
    resources: tuple[Resource, ...] = ()
    """Of all managers."""
    operations: tuple[Operation, ...] = ()
    """Open ones of this manager."""
    paths: tuple[PathRow, ...] = ()
    foreign: tuple[ForeignRecord, ...] = ()
    uses_until: datetime | None = None
    """Up to when verifiers have reported all uses of secrets; None where none reports."""
    uses_since: datetime | None = None
    """Since when they have, without a gap of more than a day; None where that is not known."""
    marks: Mapping[str, tuple[UseMark, ...]] = field(default_factory=dict)
    """What verifiers saw of versions that have not ended, by version id, newest first."""
    audit_sequence: int = 0
    audit_head: str = ""

    @cached_property
    def live(self) -> dict[KeyAddress, KeyRecord]:
        """Give the live records of this manager by address."""
        return {r.address: r for r in self.records if r.status is KeyStatus.LIVE}

    @cached_property
    def policy(self) -> Policy:
        """Give the stored policy; the strictest default where there is none."""
        return policy_among(r.body for r in self.resources)

    @cached_property
    def catalog(self) -> ScopeCatalog:
        """Give the built-in catalogue with the stored one over it."""
        return catalog_among(r.body for r in self.resources)

    @cached_property
    def workspaces(self) -> dict[str, Workspace]:
        """Give the stored workspaces by name."""
        return {r.body.name: r.body for r in self.resources if isinstance(r.body, Workspace)}

    @cached_property
    def waivers(self) -> tuple[Waiver, ...]:
        """Give the stored waivers."""
        return tuple(r.body for r in self.resources if isinstance(r.body, Waiver))

    @cached_property
    def networks(self) -> tuple[NetworkSet, ...]:
        """Give the stored networks."""
        return tuple(r.body for r in self.resources if isinstance(r.body, NetworkSet))
