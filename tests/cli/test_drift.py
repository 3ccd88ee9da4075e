"""`keyrec drift`: what was changed outside, with its exit codes; the sinks are tried in tests/e2e."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.command_line import CommandLine


def pointer(line: CommandLine) -> Path:
    """Give the pointer of the one key's path."""
    (found,) = [p for p in (line.folder / ".keyrec/secrets").rglob("*.age") if p.is_symlink()]
    return found


def test_nothing_changed_is_0_and_says_how_it_was_compared(applied: CommandLine) -> None:
    """Age files cannot be read by keyrec."""
    answer = applied("drift")
    assert answer.code == 0
    assert answer.out == "No drift. 1 key compared, 1 by version number alone.\n"


def test_something_changed_is_2(applied: CommandLine) -> None:
    """In text and as JSON; nothing is done about it."""
    pointer(applied).unlink()
    answer = applied("drift")
    assert answer.code == 2
    assert "path-deleted" in answer.out
    document = applied("drift", "-json").json
    assert [d["kind"] for d in document["drift"]] == ["path-deleted"]
    assert document["exit"] == "changes"
    assert applied("drift", "--exclude", "*").code == 0


def test_maintenance_mends_and_names_it(applied: CommandLine) -> None:
    """The report is of a run that did something; the next finds nothing."""
    pointer(applied).unlink()
    answer = applied("apply", "--maintenance", "--detailed-exitcode")
    assert answer.code == 2
    assert "was deleted in the sink" in answer.out
    assert applied("drift").code == 0
    assert applied("apply", "--maintenance", "--detailed-exitcode").code == 0


def test_a_path_that_cannot_be_looked_at_is_1_and_named(applied: CommandLine) -> None:
    """Not knowing is no all-clear."""
    file = pointer(applied)
    file.unlink()
    file.write_text("no link of keyrec's")
    answer = applied("drift")
    assert answer.code == 1
    assert "not looked at" in answer.out


def test_a_sink_that_cannot_be_used_is_1_with_advice(applied: CommandLine) -> None:
    """Everything would seem to be deleted in another folder."""
    (applied.folder / ".keyrec/secrets/.keyrec-sink").unlink()
    answer = applied("drift")
    assert answer.code == 1
    assert "The age folder holds no id" in answer.err
    assert answer.out == ""


def test_keys_left_out_are_named_with_v(applied: CommandLine) -> None:
    """A key without a current secret has nothing to compare."""
    (name,) = [k["address"] for k in applied("status", "-json").json["keys"]]
    assert applied("rotate", "--leaked", name, "--lock-timeout", "0s").code == 0
    assert applied("drift", "-v").code == 0
