"""The wire form of what ends one key: `KeyRemoval`.

Compatibility: `keyrec/v1`; fields are only added, each optional with what its absence meant.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.manifest.schema_lists import KeyNameField, KeyWorkspaceField, Manifest, Wire
from reconciler.manifest.schema_values import ReasonField


class RemovalMetadata(Wire):
    """Which key is removed."""

    name: KeyNameField
    workspace: KeyWorkspaceField


class RemovalSpecWire(Wire):
    """Why the key is removed."""

    reason: Annotated[
        ReasonField,
        Field(title="Reason", description="Why it is gone for ever.", examples=["system-retired"]),
    ]


class KeyRemovalWire(Manifest):
    """A permanent removal; it may stay in git as a record."""

    kind: Annotated[Literal["KeyRemoval"], Field(title="Kind")]
    metadata: Annotated[RemovalMetadata, Field(title="Metadata")]
    spec: Annotated[RemovalSpecWire, Field(title="Specification")]
