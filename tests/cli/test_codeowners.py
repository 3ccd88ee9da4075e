"""`keyrec export --codeowners`: whose review a change of which folder needs."""

from __future__ import annotations

from contextlib import closing
from sqlite3 import connect

import pytest

from tests.fakes.command_line import CommandLine

HEAD = """\
# Made by `keyrec export --codeowners` from the admins that the store holds.
# The last line that fits a file wins: put general rules above these.
"""
WORKSPACES = """\
apiVersion: keyrec/v1
kind: Workspace
metadata: {name: payments}
spec: {admins: ["local:alice", "github:bob-b", "github:no such"]}
---
apiVersion: keyrec/v1
kind: Workspace
metadata: {name: edge}
spec: {admins: ["local:carol"]}
---
apiVersion: keyrec/v1
kind: Workspace
metadata: {name: open}
spec: {admins: []}
""".replace("no such", "team/x!")


@pytest.fixture
def owned(started: CommandLine) -> CommandLine:
    """Give a store with workspaces of several admins."""
    for file in (started.folder / "keys/demo").glob("*"):
        file.unlink()
    started.write("keys/workspaces.yaml", WORKSPACES)
    answer = started("apply", "--auto-approve")
    assert answer.code == 0, answer.both
    return started


def test_a_workspaces_folder_belongs_to_its_admins(owned: CommandLine) -> None:
    """By their name at an issuer, never by a user name of a machine; who is left out is named."""
    answer = owned("export", "--codeowners")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == HEAD + (
        "# local:carol, admin of edge, has no handle here: --handle local:carol=@…\n"
        "# open has no admin of its own: only platform admins apply it.\n"
        "# github:team/x!, admin of payments, has no handle here: --handle github:team/x!=@…\n"
        "# local:alice, admin of payments, has no handle here: --handle local:alice=@…\n"
        "keys/payments/ @bob-b\n"
    )


def test_a_handle_is_said_for_each_principal(owned: CommandLine) -> None:
    """Also instead of the name at an issuer; one admin may have several, once each."""
    answer = owned(
        "export", "--codeowners",
        "--handle", "local:alice=@example/payments", "--handle", "local:alice=@al",
        "--handle", "github:bob-b=@al", "--handle", "github:team/x!=team@mail.example",
        "--handle", "local:carol=@carol",
    )  # fmt: skip
    assert answer.out == HEAD + (
        "keys/edge/ @carol\n"
        "# open has no admin of its own: only platform admins apply it.\n"
        "keys/payments/ @al team@mail.example @example/payments\n"
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--codeowners", "--all"), "no flag that selects keys"),
        (("--codeowners", "--out", "x"), "no flag that selects keys"),
        (("--codeowners", "--target", "edge/*"), "no flag that selects keys"),
        (("--handle", "local:alice=@al"), "--handle needs it"),
        (("--codeowners", "--handle", "local:alice=alice"), "gives nobody a handle"),
        (("--codeowners", "--handle", "@alice"), "gives nobody a handle"),
        (("--codeowners", "--handle", "local:alice=@a b"), "gives nobody a handle"),
        (("--codeowners", "--handle", "local:alice=@a\n* @mallory"), "gives nobody a handle"),
        (("--codeowners", "--handle", "local:alcie=@al"), "is no admin of a workspace"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    owned: CommandLine, flags: tuple[str, ...], words: str
) -> None:
    """Exit 3, and no line."""
    answer = owned("export", *flags)
    assert (answer.code, answer.out) == (3, "")
    assert words in answer.err


def test_without_a_workspace_there_is_nothing_to_own(started: CommandLine) -> None:
    """An empty file would pass for one that protects."""
    answer = started("export", "--codeowners")
    assert (answer.code, answer.out) == (1, "")
    assert "holds no workspace" in answer.err


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE resources SET name = 'a/ @mallory' || char(10) || '*' WHERE kind = 'workspace'",
        "UPDATE resources SET name = '../..' WHERE kind = 'workspace'",
    ],
)
def test_a_name_that_was_written_by_hand_makes_no_line(
    applied: CommandLine, statement: str
) -> None:
    """What no manifest can say is refused."""
    with closing(connect(applied.folder / ".keyrec/keys.db")) as connection:
        connection.execute(statement)
        connection.commit()
    answer = applied("export", "--codeowners")
    assert (answer.code, answer.out) == (3, "")
