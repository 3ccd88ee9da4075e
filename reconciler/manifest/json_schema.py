"""JSON Schemas for editors: drawn from the wire models, pleasant to complete from.

The rule that lives here: how the models' own schemas are put together and tidied. They say less
than `keyrec validate`: rules across documents cannot be expressed. The files under `schemas/v1/`
hold exactly these; a test compares them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from reconciler.config.document import ConfigDocument
from reconciler.manifest.schema import KINDS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
BASE: Final = "https://keyrec.dev/schemas/v1/"
"""Where the schemas are named; nothing is fetched from there."""

ALL_KINDS: Final = "manifest.schema.json"


def schemas() -> dict[str, dict[str, Any]]:
    """Give every schema by its file name: one for each kind, and one that tells kinds apart."""
    kinds: dict[str, type[BaseModel]] = {**KINDS, "Config": ConfigDocument}
    files = {file_name(kind): _kind_schema(kind, model) for kind, model in kinds.items()}
    return {ALL_KINDS: _manifest_schema(KINDS), **files}


def file_name(kind: str) -> str:
    """Give the name of a kind's schema file, such as `api-key.schema.json`."""
    dashed = "".join(f"-{c.lower()}" if c.isupper() else c for c in kind)
    return f"{dashed.removeprefix('-')}.schema.json"


def schema_text(schema: Mapping[str, Any]) -> str:
    """Write a schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


class _Drawing(GenerateJsonSchema):
    """Draws schemas from the wire models; their defaults are the model's own values."""

    def encode_default(self, dft: Any) -> Any:
        """Write a default as a manifest would; that of a whole section says nothing."""
        if isinstance(dft, BaseModel):
            return None
        return dft.value if isinstance(dft, Enum) else super().encode_default(dft)


_FIRST = ("$schema", "$id", "title", "description", "type", "required", "properties")


def _kind_schema(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    """Give the schema of one kind, complete in itself."""
    head = {"$schema": DIALECT, "$id": f"{BASE}{file_name(kind)}"}
    return _ordered({**_drawn(kind, model), **head})


def _ordered(schema: dict[str, Any]) -> dict[str, Any]:
    """Put first what a reader looks for first, and definitions last."""
    definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    first = {key: schema[key] for key in _FIRST if key in schema}
    rest = {key: value for key, value in schema.items() if key != "$defs"}
    return {**first, **rest, **definitions}


def _manifest_schema(kinds: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """Give the schema that tells kinds apart by `kind`, so that an editor names one mistake."""
    definitions: dict[str, Any] = {}
    for kind, model in kinds.items():
        drawn = _drawn(kind, model)
        definitions.update(drawn.pop("$defs", {}))
        definitions[kind] = _ordered(drawn)
    return {
        "$schema": DIALECT,
        "$id": f"{BASE}{ALL_KINDS}",
        "title": "keyrec manifest",
        "description": "One document of a keyrec manifest file.",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": {"const": "keyrec/v1", "title": "API version"},
            "kind": {"enum": list(kinds), "title": "Kind", "description": "What is declared."},
        },
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"const": kind}}},
                "then": {"$ref": f"#/$defs/{kind}"},
            }
            for kind in kinds
        ],
        "$defs": definitions,
    }


def _drawn(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    drawn = model.model_json_schema(schema_generator=_Drawing)
    definitions = {_plain(n): _ordered(_tidy(d)) for n, d in drawn.pop("$defs", {}).items()}
    return {**_tidy(drawn), "title": kind, **({"$defs": definitions} if definitions else {})}


def _tidy(node: Any) -> Any:
    """Take out what only a program would want to read, and the names of classes."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _tidy(value) for key, value in node.items() if not _is_noise(key, value)}
    branches = kept.get("anyOf")
    if isinstance(branches, list):
        left = [b for b in branches if b != {"type": "null"}]
        kept = {**left[0], **_without(kept, "anyOf")} if len(left) == 1 else kept
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = _plain(kept["$ref"])
    if isinstance(kept.get("title"), str):
        kept["title"] = _plain(kept["title"])
    if "patternProperties" in kept:
        kept["additionalProperties"] = False
    return kept


def _without(node: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name != key}


def _plain(name: str) -> str:
    """Give a section's name without what marks its class."""
    return name.removesuffix("Wire")


def _is_noise(key: str, value: object) -> bool:
    """Whether a default is none, or that of a whole section."""
    return key == "default" and value is None
