"""The JSON Schemas: equal to the committed files, valid, and of one mind with the reader."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from referencing import Registry

from reconciler.manifest.json_schema import ALL_KINDS, BASE, file_name, schema_text, schemas
from reconciler.manifest.schema import KINDS
from reconciler.model.scopes import BUILT_IN_CATALOG
from tests.manifest.manifests import HEAD
from tests.manifest.test_desired import DEFAULTS, FULL, NETWORK, POLICY
from tests.manifest.test_refusals import CASES
from tests.strategies import api_keys

ROOT = Path(__file__).parents[2]
SCHEMAS = schemas()


def validator(name: str) -> Draft202012Validator:
    """Give the validator of one schema; it fetches nothing."""
    return Draft202012Validator(SCHEMAS[name], registry=Registry())


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_schema_is_the_one_that_the_models_give(name) -> None:
    """Whoever changes a kind runs `keyrec schema` again."""
    committed = ROOT / "schemas" / "v1" / name
    assert committed.read_text(encoding="utf-8") == schema_text(SCHEMAS[name])


def test_no_schema_of_a_kind_that_is_gone_is_committed() -> None:
    """A kind that goes takes its file along; the plan has a schema of its own."""
    committed = {path.name for path in (ROOT / "schemas" / "v1").iterdir()}
    assert committed - {"plan.schema.json"} == set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_against_the_2020_12_meta_schema(name) -> None:
    """Editors and other validators can read it."""
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"{BASE}{name}"


def test_every_kind_has_a_schema_of_its_own() -> None:
    """And all manifests share one that tells them apart."""
    assert set(SCHEMAS) == {ALL_KINDS, file_name("Config"), *map(file_name, KINDS)}
    assert file_name("NetworkSet") == "network-set.schema.json"
    kinds = SCHEMAS[ALL_KINDS]["properties"]["kind"]["enum"]
    assert kinds == list(KINDS)


def _properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every property of every section with its name."""
    for section in (schema, *schema.get("$defs", {}).values()):
        yield from section.get("properties", {}).items()


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_title(kind) -> None:
    """An editor shows people words, not names of classes."""
    for name, field in _properties(SCHEMAS[file_name(kind)]):
        assert field.get("title"), name
        assert "Wire" not in json.dumps(field)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_is_no_section_is_described(kind) -> None:
    """A field says what it is for where people meet it."""
    for name, field in _properties(SCHEMAS[file_name(kind)]):
        if "$ref" not in field and name not in {"kind", *dict(BUILT_IN_CATALOG.resources)}:
            assert field.get("description"), name


def _examples(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Give every schema that has examples, with each of them."""
    if isinstance(node, dict):
        if "examples" in node and isinstance(node["examples"], list):
            yield from ((node, example) for example in node["examples"])
        for value in node.values():
            yield from _examples(value)
    elif isinstance(node, list):
        for value in node:
            yield from _examples(value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_is_legal(kind) -> None:
    """What an editor offers can be written."""
    for schema, example in _examples(SCHEMAS[file_name(kind)]):
        Draft202012Validator(schema).validate(example)


LEGAL = [HEAD, FULL, DEFAULTS, NETWORK, POLICY + "spec: {guards: {maxRemovalShare: 0.2}}\n"]


@pytest.mark.parametrize("text", LEGAL, ids=range(len(LEGAL)))
def test_what_the_reader_accepts_the_schema_accepts(text) -> None:
    """Read as YAML 1.2 editors read it."""
    validator(ALL_KINDS).validate(yaml.safe_load(text))


@settings(max_examples=40, deadline=None)
@given(api_keys())
def test_any_legal_key_is_legal_to_the_schema(manifest) -> None:
    """Both its own schema and the one of all kinds."""
    validator(ALL_KINDS).validate(manifest)
    validator(file_name("ApiKey")).validate(manifest)


SEEN_BY_EDITORS = {
    "an unknown kind",
    "another API version",
    "missing fields",
    "an unknown field",
    "a section that is a text",
    "a name of capitals",
    "a name of 64 characters",
    "an environment with a dash",
    "an expiration nobody offers",
    "no as a flag",
    "a number as a duration",
    "generation 0",
    "an empty allowlist",
    "a host name as range",
    "an entry that is another mapping",
    "a path that climbs",
    "a label's name with a space",
    "a label that is a number",
    "a principal without a colon",
    "a network without ranges",
    "a catalogue of another name",
    "a resource without levels",
    "a reason nobody offers",
    "a policy with everything wrong",
    "an address of a Vault that is plain http to another machine",
    "claims that keyrec judges itself",
    "an audience and claims with blanks around them",
}


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.wrong in SEEN_BY_EDITORS], ids=lambda c: c.wrong
)
def test_an_editor_sees_what_a_schema_can_say(case) -> None:
    """The schema refuses it too; the command line stays the authority for all else."""
    [text] = case.files
    assert list(validator(ALL_KINDS).iter_errors(yaml.load(text, _Core)))


class _Core(yaml.SafeLoader):
    """Reads plain scalars as editors do: `no` is a text."""


_Core.yaml_implicit_resolvers = {
    first: [
        (tag, regexp)
        for tag, regexp in resolvers
        if tag != "tag:yaml.org,2002:bool" or first in "tf"
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def test_the_names_of_cases_are_those_of_the_table() -> None:
    """No case is left out by a typing error."""
    assert {case.wrong for case in CASES} >= SEEN_BY_EDITORS
