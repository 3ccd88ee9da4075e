"""The reference of manifests: as many kinds, fields and refusals as the program has."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconciler.manifest.codes import Code
from reconciler.manifest.json_schema import ALL_KINDS, file_name, schemas
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


EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_reference_fit_together() -> None:
    """Each is read, and all of them beside each other."""
    state = desired(*(file(text, f"keys/{i}.yaml") for i, text in enumerate(EXAMPLES)))
    assert len(EXAMPLES) == len(KINDS)
    assert (len(state.keys), len(state.removals), len(state.resources)) == (1, 1, 5)


def test_every_example_is_legal_to_an_editor() -> None:
    """Those of the reference and those under examples, by the schema of all kinds."""
    validator = Draft202012Validator(SCHEMAS[ALL_KINDS])
    files = sorted((ROOT / "examples").rglob("*.yaml"))
    for text in [*EXAMPLES, *(path.read_text(encoding="utf-8") for path in files)]:
        for document in yaml.safe_load_all(text):
            if isinstance(document, dict) and document.get("kind") in KINDS:
                validator.validate(document)
