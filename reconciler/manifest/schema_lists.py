"""What the wire models are made of beyond single values: the base, names, and the allowlist.

Compatibility: `keyrec/v1`; fields are only added, each optional with what its absence meant.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic.alias_generators import to_camel

from reconciler.manifest.codes import Code
from reconciler.manifest.refusal import refuse, text_value
from reconciler.manifest.schema_texts import NAME_PATTERN, Name, Text, whole
from reconciler.manifest.schema_values import RANGE_SCHEMA, range_value
from reconciler.manifest.snippets import quoted

NETWORK_PREFIX = "network:"
"""What a reference to a network starts with, once read."""

_NAME = re.compile(NAME_PATTERN, re.ASCII)


class Wire(BaseModel):
    """What all wire models share: nothing unknown, nothing converted."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=to_camel, defer_build=True
    )


class Manifest(Wire):
    """What all manifests share."""

    api_version: Annotated[
        Literal["keyrec/v1"],
        Field(title="API version", description="The form this manifest is written in."),
    ]


class DefaultMetadata(Wire):
    """The name of something that there is one of."""

    name: Annotated[
        Literal["default"], Field(title="Name", description="There is one; it is named default.")
    ]


class NamedMetadata(Wire):
    """A name, with words about it."""

    name: Annotated[Name, Field(title="Name", description="Unique among all of its kind.")]
    description: Annotated[
        Text | None, Field(default=None, title="Description", description="What it is for.")
    ]


KeyNameField: TypeAlias = Annotated[Name, Field(title="Name", description="The key's name.")]
KeyWorkspaceField: TypeAlias = Annotated[
    Name, Field(title="Workspace", description="The key's workspace.")
]
"""Which key is meant, where a manifest speaks of one that it does not declare."""


def _entry(value: object) -> str:
    """Take a range in canonical form, or a reference to a network as `network:<name>`."""
    if not isinstance(value, dict):
        return range_value(value)
    if set(value) != {"network"}:
        refuse(
            Code.BAD_RANGE,
            "an allowlist entry is a range, or a mapping with the one key network",
            "write a range such as 203.0.113.0/24, or network: and the name of a NetworkSet",
        )
    name = text_value(value["network"], "a network's name")
    if _NAME.fullmatch(name) is None:
        refuse(
            Code.BAD_NAME,
            f"{quoted(name)} is not a name",
            "write the name of a NetworkSet, such as network: ci-runners",
        )
    return f"{NETWORK_PREFIX}{name}"


_NETWORK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Named network",
    "required": ["network"],
    "additionalProperties": False,
    "properties": {
        "network": {
            "type": "string",
            "title": "Network",
            "pattern": whole(NAME_PATTERN),
            "description": "The name of a NetworkSet.",
        }
    },
}

Entry: TypeAlias = Annotated[
    str,
    PlainValidator(_entry),
    WithJsonSchema({"title": "Allowlist entry", "anyOf": [RANGE_SCHEMA, _NETWORK_SCHEMA]}),
]

Allowlist: TypeAlias = Annotated[list[Entry], Field(min_length=1)]
"""Entries in canonical form; never empty, for nobody knows what an empty one would mean."""
