"""The wire form of what declares one key: `ApiKey`.

Compatibility: `keyrec/v1`; fields are only added, each optional with what its absence meant.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.manifest.schema_lists import Allowlist, Manifest, Wire
from reconciler.manifest.schema_texts import Environment, LabelName, Line, Name, PathText, Text
from reconciler.manifest.schema_values import (
    Counter,
    Duration,
    ExpirationField,
    Flag,
    RetirementField,
)
from reconciler.model.lifetime import Retirement
from reconciler.model.scopes import BUILT_IN_CATALOG


class RotationWire(Wire):
    """When the secret is renewed, and how long the previous one still works."""

    generation: Annotated[
        Counter,
        Field(default=1, title="Generation", description="Raise it to rotate now; never lower it."),
    ]
    every: Annotated[
        Duration | None,
        Field(
            default=None,
            title="Every",
            description="Rotate by schedule, with a fixed jitter for each key.",
            examples=["30d"],
        ),
    ]
    overlap: Annotated[
        Duration | None,
        Field(
            default=None,
            title="Overlap",
            description="How long the previous secret still works; 24h where nothing is said.",
            examples=["24h"],
        ),
    ]
    retire: Annotated[
        RetirementField,
        Field(
            default=Retirement.AFTER_OVERLAP,
            title="Retire",
            description="What ends the previous secret: its overlap, or when-unused: its overlap "
            "and then the verifiers' word that nobody uses it any more.",
        ),
    ]


class SecretWire(Wire):
    """Where the secret is written."""

    path: Annotated[
        PathText | None,
        Field(
            default=None,
            title="Path",
            description="A place in the sink, under the workspace's own prefix; "
            "by default the policy's template.",
            examples=["payments/prod/billing-sync"],
        ),
    ]
    adopt: Annotated[
        Counter | None,
        Field(
            default=None,
            title="Adopt",
            description="The version that somebody else left at the path in the sink: "
            "it may be written over, once.",
            examples=[7],
        ),
    ]


class KeyMetadata(Wire):
    """Which key this is, and who answers for it."""

    name: Annotated[
        Name,
        Field(
            title="Name",
            description="Unique in its workspace: one key per system and environment.",
            examples=["billing-sync-prod"],
        ),
    ]
    workspace: Annotated[
        Name,
        Field(
            title="Workspace",
            description="The workspace the key belongs to, declared or already in the store.",
            examples=["payments"],
        ),
    ]
    previous_name: Annotated[
        Name | None,
        Field(
            default=None,
            title="Previous name",
            description="Renames a key: it keeps its id and history, and gets a new secret.",
            examples=["billing-sync"],
        ),
    ]
    adopt: Annotated[
        Flag,
        Field(
            default=False,
            title="Adopt",
            description="Takes a key of that name over that the store holds for another manager, "
            "or for nobody.",
        ),
    ]
    owner: Annotated[
        Line | None,
        Field(
            default=None,
            title="Owner",
            description="Who answers for the key.",
            examples=["team-payments"],
        ),
    ]
    description: Annotated[
        Text | None,
        Field(
            default=None,
            title="Description",
            description="What the key is for.",
            examples=["Pulls invoices into the ledger"],
        ),
    ]
    labels: Annotated[
        dict[LabelName, Line],
        Field(
            default_factory=dict,
            max_length=64,
            title="Labels",
            description="Names and values of your own.",
            examples=[{"system": "billing-sync"}],
        ),
    ]


class KeySpecWire(Wire):
    """What the key may do, from where, until when."""

    environment: Annotated[
        Environment,
        Field(
            title="Environment",
            description="Part of the key's text; never changes without a reissue.",
            examples=["prod"],
        ),
    ]
    scopes: Annotated[
        dict[str, str],
        Field(
            default_factory=dict,
            title="Scopes",
            description="The granted level for each resource of the API; none grants nothing.",
            examples=[{"Reviews": "read", "Webhooks": "change"}],
            json_schema_extra={
                "properties": {
                    resource: {"type": "string", "title": resource, "examples": list(levels)}
                    for resource, levels in BUILT_IN_CATALOG.resources
                }
            },
        ),
    ]
    allowlist: Annotated[
        Allowlist | None,
        Field(
            default=None,
            title="IP allowlist",
            description="Addresses, ranges and named networks the key may be used from; "
            "absent means from anywhere.",
            examples=[["203.0.113.0/24", {"network": "ci-runners"}]],
        ),
    ]
    expiration: Annotated[
        ExpirationField | None,
        Field(
            default=None,
            title="Expiration",
            description="Counted from creation; never changes without a reissue.",
            examples=["90d"],
        ),
    ]
    active: Annotated[
        Flag,
        Field(default=True, title="Active", description="Whether the key can be used."),
    ]
    protected: Annotated[
        Flag,
        Field(
            default=False,
            title="Protected",
            description="Removing a protected key takes two applies: the first sets false.",
        ),
    ]
    rotation: Annotated[RotationWire, Field(default=RotationWire(), title="Rotation")]
    reissue: Annotated[
        Counter,
        Field(
            default=1,
            title="Reissue",
            description="Raise it to replace the key by a new one with a new id and expiration.",
        ),
    ]
    secret: Annotated[SecretWire, Field(default=SecretWire(), title="Secret")]


class ApiKeyWire(Manifest):
    """One API key."""

    kind: Annotated[Literal["ApiKey"], Field(title="Kind")]
    metadata: Annotated[KeyMetadata, Field(title="Metadata")]
    spec: Annotated[KeySpecWire, Field(title="Specification")]
