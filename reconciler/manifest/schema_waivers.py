"""The wire form of `Waiver`: a finding that somebody accepts.

Compatibility: `keyrec/v1`; fields are only added, each optional with what its absence meant.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.manifest.schema_lists import (
    KeyNameField,
    KeyWorkspaceField,
    Manifest,
    NamedMetadata,
    Wire,
)
from reconciler.manifest.schema_rules import Day, RuleField
from reconciler.manifest.schema_texts import Line


class WaivedKeyWire(Wire):
    """Which key."""

    workspace: KeyWorkspaceField
    name: KeyNameField


class WaiverSpecWire(Wire):
    """What is accepted, why, by whom and until when."""

    rule: Annotated[
        RuleField,
        Field(title="Rule", description="The id of the rule.", examples=["AK203"]),
    ]
    key: Annotated[WaivedKeyWire, Field(title="Key", description="One key, exactly.")]
    reason: Annotated[
        Line,
        Field(
            title="Reason",
            description="Why the finding is accepted.",
            examples=["The partner has no fixed addresses"],
        ),
    ]
    owner: Annotated[
        Line, Field(title="Owner", description="Who accepts it.", examples=["team-security"])
    ]
    expires: Annotated[
        Day,
        Field(
            title="Expires",
            description="The last day on which it counts, in UTC.",
            examples=["2027-01-31"],
        ),
    ]


class WaiverWire(Manifest):
    """A finding that is accepted for one key; a platform admin's to apply."""

    kind: Annotated[Literal["Waiver"], Field(title="Kind")]
    metadata: Annotated[NamedMetadata, Field(title="Metadata")]
    spec: Annotated[WaiverSpecWire, Field(title="Specification")]
