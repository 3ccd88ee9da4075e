"""Which rows a list of writes needs, found without asking the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import assert_never

from reconciler.model.keys import KeyAddress
from reconciler.model.resources import ResourceAddress
from reconciler.model.secret_writes import (
    BeginSecret,
    CloseOperation,
    CommitAttempt,
    ConfirmSecret,
    Retarget,
)
from reconciler.model.writes import (
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
)

ResourceId = tuple[str, str, str]
"""Kind, workspace (empty where there is none) and name."""


@dataclass(slots=True, kw_only=True)
class Wanted:
    """Ids of rows, by table; each a set of tuples as `sql_among` takes them."""

    operations: set[tuple[str]] = field(default_factory=set)
    keys: set[tuple[str]] = field(default_factory=set)
    successors: set[tuple[str]] = field(default_factory=set)
    """Keys whose successors are wanted too."""
    versions: set[tuple[str]] = field(default_factory=set)
    addresses: set[tuple[str, str]] = field(default_factory=set)
    paths: set[tuple[str, str]] = field(default_factory=set)
    resources: set[ResourceId] = field(default_factory=set)

    def add(self, write: Write) -> None:
        """Note what one write needs."""
        match write:
            case BeginSecret():
                self._add_begin(write)
            case UpdateKey() | HoldKey() | RemoveKey() | ReleaseKey():
                self._add_key(write)
            case CommitAttempt() | ConfirmSecret() | CloseOperation():
                self.operations.add((write.operation_id,))
            case Retarget():
                self.operations.add((write.operation_id,))
                self.versions.add((write.interrupted,))
            case RetireVersion() | RecordDestroyed() | RevokeVersion():
                self.versions.add((write.version_id,))
            case PutResource() | RemoveResource() | RecordEvent():
                self._add_resource(write)
            case _:
                assert_never(write)

    def _add_key(self, write: UpdateKey | HoldKey | RemoveKey | ReleaseKey) -> None:
        self.keys.add((write.key_id,))
        if isinstance(write, UpdateKey):
            self._add_address(write.address)
        if isinstance(write, HoldKey):
            self.successors.add((write.key_id,))

    def _add_resource(self, write: PutResource | RemoveResource | RecordEvent) -> None:
        if isinstance(write, RecordEvent):
            return
        address = write.resource.address if isinstance(write, PutResource) else write.address
        self.resources.add(resource_id(address))

    def _add_begin(self, write: BeginSecret) -> None:
        operation = write.operation
        self.keys.add((operation.key_id,))
        if operation.supersedes is not None:
            self.keys.add((operation.supersedes,))
        self.paths.add((operation.sink_id, operation.sink_path))
        address = write.moved_to if write.new_key is None else write.new_key.address
        if address is not None:
            self._add_address(address)

    def _add_address(self, address: KeyAddress) -> None:
        self.addresses.add((address.workspace, address.name))


def wanted_by(writes: Iterable[Write]) -> Wanted:
    """Give all that a commit's writes need."""
    wanted = Wanted()
    for write in writes:
        wanted.add(write)
    return wanted


def resource_id(address: ResourceAddress) -> ResourceId:
    """Give a resource's id as the table holds it."""
    return (address.kind.value, address.workspace or "", address.name)
