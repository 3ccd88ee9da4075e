"""The wire form of `Policy`: what is trusted.

Compatibility: `keyrec/v1`; fields are only added, each optional with what its absence meant.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.manifest.schema_addresses import VaultAddress
from reconciler.manifest.schema_authorization import AuthorizationWire
from reconciler.manifest.schema_lists import DefaultMetadata, Manifest, Wire
from reconciler.manifest.schema_rules import RuleField, SeverityOrOffField
from reconciler.manifest.schema_texts import Line, Name, PathText, Recipient, Template
from reconciler.manifest.schema_values import (
    Amount,
    ExpirationField,
    HashingField,
    PruneField,
    SeverityField,
    Share,
    SinkKindField,
)
from reconciler.model.lifetime import Expiration
from reconciler.model.policy import (
    DEFAULT_TEMPLATE,
    Guards,
    HashProfile,
    Prune,
)
from reconciler.model.severity import Severity


class GuardsWire(Wire):
    """From how many removals on a plan is refused until the count is stated."""

    max_removals: Annotated[
        Amount,
        Field(
            default=Guards().max_removals,
            title="Most removals",
            description="Removals, and deactivations by a disappeared manifest, in one plan.",
        ),
    ]
    max_removal_share: Annotated[
        Share,
        Field(
            default=Guards().max_removal_share,
            title="Largest share of removals",
            description="The same as a share of all keys, from 0 to 1.",
        ),
    ]


class ReviewWire(Wire):
    """Which findings fail a plan."""

    fail_on: Annotated[
        SeverityField,
        Field(
            default=Severity.CRITICAL,
            title="Fail on",
            description="Findings of this severity and above refuse a plan.",
        ),
    ]
    rules: Annotated[
        dict[RuleField, SeverityOrOffField],
        Field(
            default_factory=dict,
            title="Rules",
            description="How grave the findings of single rules are; off: they are not asked.",
            examples=[{"AK203": "critical", "AK117": "off"}],
        ),
    ]
    workspaces: Annotated[
        dict[Name, Annotated[dict[RuleField, SeverityOrOffField], Field(min_length=1)]],
        Field(
            default_factory=dict,
            title="Workspaces",
            description="The same for the keys of single workspaces.",
            examples=[{"sandbox": {"AK201": "low"}}],
        ),
    ]


class SinkWire(Wire):
    """Which sink is trusted; what is left out stays as the store has it."""

    kind: Annotated[
        SinkKindField | None,
        Field(default=None, title="Kind", description="age files, or Vault."),
    ]
    path: Annotated[
        Template | None,
        Field(
            default=None,
            title="Path",
            description="The template of every key's place in the sink.",
            examples=[DEFAULT_TEMPLATE],
        ),
    ]
    identity: Annotated[
        Line | None,
        Field(
            default=None,
            title="Identity",
            description="The sink's own id: Vault's cluster id, or that of the age directory.",
        ),
    ]
    mount: Annotated[
        PathText | None,
        Field(
            default=None, title="Mount", description="Vault: the KV 2 mount.", examples=["secret"]
        ),
    ]
    prefix: Annotated[
        PathText | None,
        Field(
            default=None,
            title="Prefix",
            description="Vault: the path below the mount that holds all keys.",
            examples=["api-keys"],
        ),
    ]
    address: Annotated[
        VaultAddress | None,
        Field(
            default=None,
            title="Address",
            description="Vault: the only one that is talked to, wherever a configuration points.",
            examples=["https://vault.example:8200"],
        ),
    ]
    recipients: Annotated[
        list[Recipient] | None,
        Field(
            default=None,
            min_length=1,
            title="Recipients",
            description="age: the public keys that secrets are encrypted to.",
            examples=[
                ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbcdefghijklmnopqrstuvwxyz0123456789ABCDEF"]
            ],
        ),
    ]


class PolicySpecWire(Wire):
    """What is trusted."""

    authorization: Annotated[
        AuthorizationWire, Field(default=AuthorizationWire(), title="Authorization")
    ]
    prune: Annotated[
        PruneField,
        Field(
            default=Prune.DEACTIVATE,
            title="Prune",
            description="What becomes of a key whose manifest disappeared.",
        ),
    ]
    guards: Annotated[GuardsWire, Field(default=GuardsWire(), title="Guards")]
    expirations: Annotated[
        list[ExpirationField],
        Field(
            default_factory=lambda: list(Expiration),
            min_length=1,
            title="Expirations",
            description="The expirations that keys may have; all of them by default.",
            examples=[["30d", "90d"]],
        ),
    ]
    review: Annotated[ReviewWire, Field(default=ReviewWire(), title="Review")]
    hashing: Annotated[
        HashingField,
        Field(
            default=HashProfile.TOKEN,
            title="Hashing",
            description="Parameters of argon2id: token for 256 random bits, owasp for auditors.",
        ),
    ]
    sink: Annotated[SinkWire, Field(default=SinkWire(), title="Sink")]


class PolicyWire(Manifest):
    """What is trusted; stored with the keys, changed by a platform admin alone."""

    kind: Annotated[Literal["Policy"], Field(title="Kind")]
    metadata: Annotated[DefaultMetadata, Field(title="Metadata")]
    spec: Annotated[PolicySpecWire, Field(default=PolicySpecWire(), title="Specification")]
