"""`keyrec schema`: the same schemas as the repository holds."""

from __future__ import annotations

import json

import pytest

from reconciler.cli.schemas import all_schemas
from tests.fakes.command_line import ROOT, CommandLine

PUBLISHED = sorted((ROOT / "schemas" / "v1").glob("*.schema.json"))


@pytest.mark.parametrize("name", ["ApiKey", "api-key", "api-key.schema.json"])
def test_a_kind_is_named_as_people_write_it(keyrec: CommandLine, name: str) -> None:
    """Kind or file name; no configuration is needed."""
    assert keyrec("schema", name).json["title"] == "ApiKey"


def test_without_a_name_the_schema_of_every_manifest_is_printed(keyrec: CommandLine) -> None:
    """The one that an editor wants."""
    assert keyrec("schema").json["title"] == "keyrec manifest"


def test_all_are_written_into_a_folder(keyrec: CommandLine) -> None:
    """For repositories whose editors work offline."""
    answer = keyrec("schema", "--out", "schemas/v1")
    written = {p.name: p.read_text() for p in (keyrec.folder / "schemas" / "v1").iterdir()}
    assert answer.code == 0
    assert written == all_schemas()


def test_one_is_written_where_one_is_named(keyrec: CommandLine) -> None:
    """And no other."""
    keyrec("schema", "plan", "--out", "x")
    assert [p.name for p in (keyrec.folder / "x").iterdir()] == ["plan.schema.json"]


def test_an_unknown_name_lists_what_there_is(keyrec: CommandLine) -> None:
    """Exit code 3."""
    answer = keyrec("schema", "Secret")
    assert answer.code == 3
    assert "api-key" in answer.err


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_a_published_schema_is_what_the_program_prints(path) -> None:
    """The repository's files are not behind."""
    assert json.loads(all_schemas()[path.name]) == json.loads(path.read_text())
