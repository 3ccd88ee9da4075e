"""`keyrec audit`: the chain verified, and a store that came back from an older copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.command_line import CommandLine

LEAKED = "demo/hello-dev"
PATH = "demo/dev/hello-dev"


def database(keyrec: CommandLine) -> Path:
    """Give the store's file."""
    return keyrec.folder / ".keyrec" / "keys.db"


def run(keyrec: CommandLine, statement: str) -> None:
    """Change rows as whoever can write the file may."""
    with closing(sqlite3.connect(database(keyrec))) as connection:
        connection.execute(statement)
        connection.commit()


def copied(keyrec: CommandLine, target: Path, *, source: Path | None = None) -> Path:
    """Copy the store, or another one, as SQLite itself does."""
    origin = source or database(keyrec)
    with closing(sqlite3.connect(origin)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
    return target


def restore(keyrec: CommandLine, backup: Path) -> None:
    """Bring the store back from its backup."""
    for leftover in database(keyrec).parent.glob("keys.db*"):
        leftover.unlink()
    copied(keyrec, database(keyrec), source=backup)


@pytest.fixture
def returned(applied: CommandLine, tmp_path: Path) -> CommandLine:
    """Give a place whose store came back from before its key leaked and was renewed."""
    backup = copied(applied, tmp_path / "backup.db")
    applied.set(KEYREC_TEST_LEAKED=applied.secret_at(PATH).split("_")[2])
    assert applied("rotate", LEAKED, "--leaked").code == 0
    restore(applied, backup)
    return applied


def leaked_id(keyrec: CommandLine) -> str:
    """Give the id of the secret that has leaked."""
    return keyrec.variables["KEYREC_TEST_LEAKED"]


# Verify.


def test_a_whole_chain_is_said_to_be_whole(applied: CommandLine) -> None:
    """With its head, and with what the sink remembers."""
    answer = applied("audit", "verify")
    assert answer.code == 0
    assert "Whole." in answer.out
    assert "as it was" in answer.out
    found = applied("audit", "verify", "-json").json
    assert (found["whole"], found["fault"]) == (True, None)
    assert found["anchor"]["head"] == found["head"]


def test_the_sink_can_be_left_out(applied: CommandLine) -> None:
    """The answer says that it was."""
    answer = applied("audit", "verify", "--no-sink")
    assert answer.code == 0
    assert "was not asked for" in answer.out


def test_the_head_that_an_apply_prints_can_be_given(started: CommandLine) -> None:
    """As it stands there, or with a colon; and one that the chain does not hold is a fault."""
    printed = started("apply", "--auto-approve").out.splitlines()[-1]
    head = printed.removeprefix("Audit head ")
    assert started("audit", "verify", "--no-sink", "--head", head).code == 0
    assert started("audit", "verify", "--no-sink", "--head", head.replace(" sha256", "")).code == 0
    number, _, hash_ = head.partition(" sha256:")
    other = f"{number}:{hash_[::-1]}"
    answer = started("audit", "verify", "--no-sink", "--head", other)
    assert answer.code == 1
    assert "Broken." in answer.out
    assert started("audit", "verify", "--head", "12").code == 3


BROKEN: dict[str, tuple[str, str]] = {
    "changed": ("UPDATE audit SET actor = 'local:mallory' WHERE sequence = 2", "event 2"),
    "removed": ("DELETE FROM audit WHERE sequence = 2", "event 2"),
    "damaged": ("UPDATE audit SET detail = '{' WHERE sequence = 2", "event 2"),
    "cut": ("DELETE FROM audit WHERE sequence > 2", "event 3"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_the_first_bad_event_is_named(applied: CommandLine, kind: str) -> None:
    """Exit 1; for programs with the kind of fault."""
    statement, named = BROKEN[kind]
    run(applied, statement)
    answer = applied("audit", "verify")
    assert answer.code == 1
    assert named in answer.out
    fault = applied("audit", "verify", "-json").json["fault"]
    assert (fault["kind"], f"event {fault['sequence']}") == (kind, named)


def test_a_damaged_event_stops_no_history(applied: CommandLine) -> None:
    """It is shown as what it is."""
    run(applied, f"UPDATE audit SET detail = '{{' WHERE address = '{LEAKED}'")
    answer = applied("history", LEAKED)
    assert answer.code == 0
    assert "damaged" in answer.out


# A store that came back.


def test_an_older_copy_is_noticed_by_every_way(returned: CommandLine) -> None:
    """Apply, maintenance, rotation, verification and doctor; emergency stops go on."""
    refusals: list[tuple[str, ...]] = [
        ("apply", "--auto-approve"),
        ("apply", "--maintenance"),
        ("rotate", LEAKED),
    ]
    for command in refusals:
        answer = returned(*command)
        assert answer.code == 5, answer.both
        assert "keyrec audit acknowledge" in answer.err
    error = returned("apply", "--auto-approve", "-json").json
    assert error["error"] == "store_behind_anchor"
    verified = returned("audit", "verify")
    assert verified.code == 1
    assert "restored or cut" in verified.out
    assert returned("audit", "verify", "--no-sink").code == 0
    assert returned("doctor").code == 1
    assert returned("hold", LEAKED, "--reason", "look first").code == 0


def test_acknowledging_ends_again_what_leaked_and_renews_the_key(returned: CommandLine) -> None:
    """Apply works again, and what a consumer reads is a new secret."""
    before = returned.secret_at(PATH)
    answer = returned("audit", "acknowledge", "--rotate-all", "--auto-approve")
    assert answer.code == 0, answer.both
    assert leaked_id(returned) in answer.err
    assert returned.secret_at(PATH) != before
    explained = returned("explain", stdin=returned.secret_at(PATH))
    assert explained.out.startswith("Allowed")
    assert returned("audit", "verify").code == 0
    assert returned("apply", "--auto-approve").code == 0
    assert returned("audit", "acknowledge", "--accept").out.startswith("The store holds what")


def test_nothing_is_acknowledged_without_a_choice_and_a_yes(returned: CommandLine) -> None:
    """What was lost is shown; nothing is done."""
    assert returned("audit", "acknowledge").code == 5
    assert returned("audit", "acknowledge", "--accept").code == 5
    answer = returned("audit", "acknowledge", "--accept", typed="no\n")
    assert answer.code == 8
    assert leaked_id(returned) in answer.err
    assert returned("apply", "--maintenance").code == 5
    assert returned("audit", "acknowledge", "--accept", typed="y\n").code == 0
    assert returned("apply", "--maintenance").code in {0, 2}


def test_only_a_platform_admin_acknowledges(
    returned: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else is shown what was lost."""
    stranger: Callable[[], str] = lambda: "local:nobody"  # noqa: E731 - one word
    monkeypatch.setattr("reconciler.bootstrap.doors.principal", stranger)
    answer = returned("audit", "acknowledge", "--accept", "--auto-approve")
    assert answer.code == 5
    assert leaked_id(returned) not in answer.both


def test_a_new_store_on_a_used_folder_is_refused_with_the_ways_out(applied: CommandLine) -> None:
    """Its secrets are another store's."""
    for leftover in database(applied).parent.glob("keys.db*"):
        leftover.unlink()
    assert applied("init").code == 0
    answer = applied("apply", "--auto-approve")
    assert answer.code == 5
    assert "another store" in answer.err
    assert applied("audit", "acknowledge", "--accept", "--auto-approve").code == 0
    assert "store_behind_anchor" not in applied("apply", "--auto-approve", "-json").out
