"""The wire form of what keys share: `Workspace`, `NetworkSet`, `ScopeCatalog`.

Compatibility: `keyrec/v1`; fields are only added, each optional with what its absence meant.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.manifest.schema_lists import (
    Allowlist,
    DefaultMetadata,
    Manifest,
    NamedMetadata,
    Wire,
)
from reconciler.manifest.schema_texts import LevelName, Line, Name, Principal, ResourceName
from reconciler.manifest.schema_values import Duration, ExpirationField, Range


class DefaultRotationWire(Wire):
    """The schedule of keys whose manifests say nothing about it."""

    every: Annotated[
        Duration | None,
        Field(default=None, title="Every", description="Rotate by schedule.", examples=["30d"]),
    ]
    overlap: Annotated[
        Duration | None,
        Field(
            default=None,
            title="Overlap",
            description="How long the previous secret still works.",
            examples=["24h"],
        ),
    ]


class DefaultsWire(Wire):
    """What a key of the workspace gets where its manifest is silent."""

    owner: Annotated[
        Line | None,
        Field(default=None, title="Owner", description="Who answers.", examples=["team-payments"]),
    ]
    expiration: Annotated[
        ExpirationField | None,
        Field(
            default=None,
            title="Expiration",
            description="Counted from the key's creation.",
            examples=["90d"],
        ),
    ]
    allowlist: Annotated[
        Allowlist | None,
        Field(
            default=None,
            title="IP allowlist",
            description="Addresses, ranges and named networks the keys may be used from.",
        ),
    ]
    rotation: Annotated[DefaultRotationWire, Field(default=DefaultRotationWire(), title="Rotation")]


class WorkspaceSpecWire(Wire):
    """Who may change the workspace's keys, and their defaults."""

    admins: Annotated[
        list[Principal],
        Field(
            default_factory=list,
            title="Admins",
            description="Who may apply changes of the workspace's keys, beside platform admins.",
            examples=[["local:alice"]],
        ),
    ]
    defaults: Annotated[DefaultsWire, Field(default=DefaultsWire(), title="Defaults")]


class WorkspaceWire(Manifest):
    """One workspace; only a platform admin may apply a change of it."""

    kind: Annotated[Literal["Workspace"], Field(title="Kind")]
    metadata: Annotated[NamedMetadata, Field(title="Metadata")]
    spec: Annotated[WorkspaceSpecWire, Field(default=WorkspaceSpecWire(), title="Specification")]


class NetworkMetadata(NamedMetadata):
    """The network's name, and whose it is."""

    workspace: Annotated[
        Name | None,
        Field(
            default=None,
            title="Workspace",
            description="Its admins own the network and its keys alone may use it; "
            "without one it is for all, and a platform admin's.",
        ),
    ]


class NetworkSpecWire(Wire):
    """Where the network is."""

    ranges: Annotated[
        list[Range],
        Field(
            min_length=1,
            title="Ranges",
            description="Addresses and ranges.",
            examples=[["203.0.113.0/24"]],
        ),
    ]


class NetworkSetWire(Manifest):
    """A named list of addresses and ranges, for allowlists."""

    kind: Annotated[Literal["NetworkSet"], Field(title="Kind")]
    metadata: Annotated[NetworkMetadata, Field(title="Metadata")]
    spec: Annotated[NetworkSpecWire, Field(title="Specification")]


class CatalogSpecWire(Wire):
    """What there is to grant."""

    resources: Annotated[
        dict[ResourceName, Annotated[list[LevelName], Field(min_length=1)]],
        Field(
            min_length=1,
            title="Resources",
            description="For each resource its levels, the weakest first; "
            "a resource of the built-in catalogue is replaced.",
            examples=[{"Invoices": ["read", "change"]}],
        ),
    ]


class ScopeCatalogWire(Manifest):
    """More resources and levels than the built-in ones; a platform admin's."""

    kind: Annotated[Literal["ScopeCatalog"], Field(title="Kind")]
    metadata: Annotated[DefaultMetadata, Field(title="Metadata")]
    spec: Annotated[CatalogSpecWire, Field(title="Specification")]
