"""`keyrec validate`: offline, all problems at once."""

from __future__ import annotations

import pytest

from tests.fakes.command_line import CommandLine

WORKSPACE = "apiVersion: keyrec/v1\nkind: Workspace\nmetadata: {name: demo}\n"
KEY = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: hello-dev, workspace: demo}
spec: {environment: dev, expiration: 31d}
"""


@pytest.fixture
def broken(keyrec: CommandLine) -> CommandLine:
    """Give a folder with one problem, and no configuration."""
    keyrec.write("keys/a.yaml", WORKSPACE)
    keyrec.write("keys/b.yaml", KEY)
    return keyrec


def test_a_problem_is_shown_at_its_place_with_its_mend(broken: CommandLine) -> None:
    """The line, a caret and what to write instead; exit code 3."""
    answer = broken("validate")
    assert answer.code == 3
    assert 'keys/b.yaml:4:38: error: "31d" is not an expiration' in answer.out
    assert "mend: choose one of none, 1h" in answer.out
    assert "1 problem in 1 file." in answer.out


def test_valid_manifests_are_counted(broken: CommandLine) -> None:
    """People see that something was looked at."""
    broken.change("keys/b.yaml", "31d", "30d")
    answer = broken("validate")
    assert (answer.code, answer.out) == (0, "2 documents in 2 files are valid.\n")


def test_named_files_are_looked_at_alone(broken: CommandLine) -> None:
    """A hook passes the files that changed."""
    assert broken("validate", "keys/a.yaml").out == "1 document in 1 file is valid.\n"
    assert broken("validate", "keys/b.yaml").code == 3


def test_files_of_another_folder_are_named_from_what_they_share(broken: CommandLine) -> None:
    """A path outside of the working directory is no obstacle."""
    (broken.folder.parent / "elsewhere").mkdir()
    answer = broken("-C", "../elsewhere", "validate", str(broken.folder / "keys"))
    assert answer.code == 3
    assert "keys/b.yaml:4:38" in answer.out


def test_json_sarif_and_github_name_the_same_place(broken: CommandLine) -> None:
    """Programs, code scanning and a job's log get the problem at file, line and column."""
    place = broken("validate", "-json").json["problems"][0]["source"]
    assert (place["file"], place["line"], place["column"]) == ("keys/b.yaml", 4, 38)
    result = broken("validate", "--format", "sarif").json["runs"][0]["results"][0]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"]) == (4, 38)
    annotation = broken("validate", "--format", "github").out
    assert annotation.startswith("::error file=keys/b.yaml,line=4,col=38,")


def test_nothing_to_look_at_is_an_error(keyrec: CommandLine) -> None:
    """A mistyped folder is not silently valid."""
    answer = keyrec("validate")
    assert answer.code == 1
    assert "keys" in answer.err


def test_a_store_that_cannot_be_reached_does_not_matter(broken: CommandLine) -> None:
    """It is offline."""
    broken.change("keys/b.yaml", "31d", "30d")
    broken.set(KEYREC_STORE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert broken("validate").code == 0
