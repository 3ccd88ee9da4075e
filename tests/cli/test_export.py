"""`keyrec export`: manifests of what the store holds, on stdout or as new files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from sqlite3 import connect

import pytest
import yaml

from tests.fakes.command_line import CommandLine

HELLO = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata:
  name: hello-dev
  workspace: demo
  owner: team-demo
  description: "The first key; change it and plan again"
spec:
  environment: dev
  scopes:
    Reviews: read
  expiration: 30d
  rotation:
    every: 7d
    overlap: 1h
"""
OTHER = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: other-dev, workspace: demo, owner: "no"}
spec: {environment: dev, active: false}
"""


def say_in_store(line: CommandLine, statement: str) -> None:
    """Change the store's tables by hand, as an import does."""
    with closing(connect(line.folder / ".keyrec/keys.db")) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.fixture
def two(applied: CommandLine) -> CommandLine:
    """Give a store with a second key."""
    applied.write("keys/demo/other-dev.yaml", OTHER)
    assert applied("apply", "--auto-approve").code == 0
    return applied


def names(text: str) -> Iterator[str]:
    """Give the names of what a stream of manifests declares."""
    for document in yaml.safe_load_all(text):
        yield f"{document['kind']} {document['metadata']['name']}"


def test_the_own_keys_are_printed_as_one_stream(two: CommandLine) -> None:
    """By address, and nothing else."""
    answer = two("export")
    assert answer.code == 0
    assert answer.out.startswith(HELLO)
    assert list(names(answer.out)) == ["ApiKey hello-dev", "ApiKey other-dev"]
    assert answer.err == ""


def test_resources_come_first_where_they_are_asked_for(two: CommandLine) -> None:
    """Policy and workspaces of the same manager."""
    assert list(names(two("export", "--with-resources").out)) == [
        "Policy default",
        "Workspace demo",
        "ApiKey hello-dev",
        "ApiKey other-dev",
    ]
    only = two("export", "--with-resources", "--target", "workspace/*", "--target", "demo/o*")
    assert list(names(only.out)) == ["Workspace demo", "ApiKey other-dev"]


def test_a_selection_is_exported_alone(two: CommandLine) -> None:
    """By globs over addresses, as everywhere."""
    assert list(names(two("export", "--target", "demo/o*").out)) == ["ApiKey other-dev"]
    assert list(names(two("export", "--exclude", "demo/o*").out)) == ["ApiKey hello-dev"]


def test_an_export_into_a_folder_plans_as_nothing(two: CommandLine) -> None:
    """A new repository that says the same."""
    answer = two("export", "--with-resources", "--out", "copy")
    assert answer.out.splitlines() == [
        "copy/keys/policy.yaml",
        "copy/keys/workspaces.yaml",
        "copy/keys/demo/hello-dev.yaml",
        "copy/keys/demo/other-dev.yaml",
    ]
    two.change("keyrec.yaml", "manifests: [keys]", "manifests: [copy/keys]")
    assert two("plan").out.startswith("No changes. 2 keys match.")


def test_nothing_is_written_over(two: CommandLine) -> None:
    """Not one of the files, where one of them is there."""
    before = (two.folder / "keys/demo/hello-dev.yaml").read_bytes()
    two.write("copy/keys/demo/other-dev.yaml", "mine")
    answer = two("export", "--out", "copy")
    assert answer.code == 3
    assert "copy/keys/demo/other-dev.yaml is there already." in answer.err
    assert not (two.folder / "copy/keys/demo/hello-dev.yaml").exists()
    answer = two("export", "--out", ".")
    assert (answer.code, "and 1 more" in answer.err) == (3, True)
    assert (two.folder / "keys/demo/hello-dev.yaml").read_bytes() == before


def test_a_folder_that_cannot_be_written_to_is_said(two: CommandLine) -> None:
    """Exit 3, with the system's reason."""
    two.write("copy", "a file")
    answer = two("export", "--out", "copy")
    assert answer.code == 3
    assert "cannot be written" in answer.err


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (("--manager", "others"), ["hello-dev"]),
        (("--unmanaged",), ["other-dev"]),
        (("--all",), ["hello-dev", "other-dev"]),
    ],
)
def test_keys_of_others_are_marked_to_be_adopted(
    two: CommandLine, flags: tuple[str, ...], found: list[str]
) -> None:
    """Planning the export takes them over and does nothing else."""
    say_in_store(two, "UPDATE keys SET manager = 'others' WHERE name = 'hello-dev'")
    say_in_store(two, "UPDATE keys SET manager = NULL WHERE name = 'other-dev'")
    documents = list(yaml.safe_load_all(two("export", *flags).out))
    assert [d["metadata"]["name"] for d in documents] == found
    assert all(d["metadata"]["adopt"] is True for d in documents)
    two("export", *flags, "--out", "copy")
    for name in ("hello-dev", "other-dev"):
        (two.folder / f"keys/demo/{name}.yaml").unlink()
    two.change("keyrec.yaml", "manifests: [keys]", "manifests: [keys, copy/keys]")
    plan = two("plan", "-json").json
    assert [change["actions"] for change in plan["changes"]] == [["adopt"]] * len(found)
    assert two("apply", "--auto-approve").code == 0
    assert two("plan").out.startswith("No changes.")


def test_removed_keys_are_not_exported(two: CommandLine) -> None:
    """A tombstone is no key."""
    two.write(
        "keys/demo/other-dev.yaml",
        "apiVersion: keyrec/v1\nkind: KeyRemoval\n"
        "metadata: {name: other-dev, workspace: demo}\nspec: {reason: policy}\n",
    )
    assert two("apply", "--auto-approve").code == 0
    assert list(names(two("export", "--all").out)) == ["ApiKey hello-dev"]


def test_nothing_to_export_is_an_error(applied: CommandLine) -> None:
    """An empty file would pass for a copy."""
    for flags in (("--manager", "nobody-here"), ("--unmanaged",), ("--target", "x/*")):
        answer = applied("export", *flags)
        assert (answer.code, answer.out) == (1, "")
        assert "nothing of this to export" in answer.err


def test_one_owner_is_named_at_most(applied: CommandLine) -> None:
    """Exit 3."""
    answer = applied("export", "--unmanaged", "--all")
    assert answer.code == 3
    assert "exclude each other" in answer.err


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE keys SET name = '../../../evil'", "is not a name"),
        ("UPDATE keys SET workspace = '..'", "is not a name"),
        ("UPDATE keys SET description = 'a' || char(8232)", "U+2028 is not allowed"),
        ("UPDATE keys SET description = 'a' || char(133) || 'b'", "U+0085 is not allowed"),
        ("UPDATE keys SET owner = 'Zk3QpX91mTrv8LbYw2NcD7sHf5Jg'", "looks like a secret"),
        ('UPDATE keys SET labels = \'[["a b","c"]]\'', "is not a label's name"),
        ("UPDATE keys SET sink_path = 'demo/../x'", "is not a path"),
    ],
)
def test_what_no_manifest_can_say_is_refused_before_anything_is_written(
    applied: CommandLine, statement: str, words: str
) -> None:
    """A name that was imported by hand leads to no file; a secret is not repeated."""
    say_in_store(applied, statement)
    answer = applied("export", "--out", "copy")
    assert answer.code == 3
    assert words in answer.err
    assert "Zk3QpX91" not in answer.both
    assert not (applied.folder / "copy").exists()
    assert not (applied.folder.parent / "evil.yaml").exists()
