"""The reference of manifests: as many kinds, fields and refusals as the program has."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.manifest.codes import Code
from reconciler.manifest.json_schema import file_name, schemas
from reconciler.manifest.schema import KINDS
from tests.manifest.manifests import desired, file

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "manifests.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
SCHEMAS = schemas()


def rows(section: str) -> list[str]:
    """Give the first cells of a section's table."""
    return re.findall(r"^\| `([^`]+)` \|", SECTIONS[section], re.MULTILINE)


def fields(schema: dict[str, Any], section: dict[str, Any], at: str = "") -> Iterator[str]:
    """Give the dotted paths of all fields that are no sections."""
    for name, field in section.get("properties", {}).items():
        reference = field.get("$ref")
        if reference is None:
            yield f"{at}{name}"
        else:
            yield from fields(schema, schema["$defs"][reference.split("/")[-1]], f"{at}{name}.")


@pytest.mark.parametrize("kind", [*KINDS, "Config"])
def test_every_field_of_a_kind_is_described_and_no_other(kind) -> None:
    """In the order of the schema."""
    schema = SCHEMAS[file_name(kind)]
    assert rows(kind) == list(fields(schema, schema))[2:]


def test_every_refusal_is_described_and_no_other() -> None:
    """In the order of the program."""
    assert rows("Refusals") == [code.value for code in Code]


def test_the_examples_of_the_reference_fit_together() -> None:
    """Each is read, and all of them beside each other."""
    examples = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    state = desired(*(file(text, f"keys/{i}.yaml") for i, text in enumerate(examples)))
    assert len(examples) == len(KINDS)
    assert (len(state.keys), len(state.removals), len(state.resources)) == (1, 1, 4)
