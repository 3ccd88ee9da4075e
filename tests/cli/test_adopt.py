"""`keyrec adopt`: prints what to write, changes nothing."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.test_export import say_in_store
from tests.fakes.command_line import CommandLine

KEY = "keys/demo/hello-dev.yaml"
PATH = "demo/dev/hello-dev"
LINES = "spec:\n  secret:\n    adopt: 3\n"


def stranger_writes(line: CommandLine, version: int) -> None:
    """Put another value at the path, as somebody with the recipients' keys could."""
    place = line.folder / ".keyrec/secrets/demo/dev"
    pointer = place / "hello-dev.age"
    target = place / f"hello-dev.{version}.age"
    shutil.copy(pointer, target)
    pointer.unlink()
    pointer.symlink_to(target.name)


@pytest.fixture
def blocked(applied: CommandLine) -> CommandLine:
    """Give a key whose rotation a stranger's writes have blocked."""
    for version in (2, 3):
        stranger_writes(applied, version)
    applied.change(KEY, "    every: 7d", "    generation: 2\n    every: 7d")
    answer = applied("apply", "--auto-approve")
    assert answer.code == 4, answer.both
    assert "spec: {secret: {adopt: 3}}" in answer.both
    return applied


def test_a_blocked_key_is_told_its_versions_and_its_lines(blocked: CommandLine) -> None:
    """The lines are the result; why and where is said beside them; no value is."""
    answer = blocked("adopt", "hello-dev")
    assert (answer.code, answer.out) == (0, LINES)
    assert "demo/dev/hello-dev is at version 3 in the sink; keyrec knows version 1." in answer.err
    assert f"add to {KEY}:2, and apply:" in answer.err
    assert "age" not in answer.out


def test_the_lines_work_as_they_are_printed(blocked: CommandLine) -> None:
    """Once; after it the mark means nothing."""
    mark = "\n".join(blocked("adopt", "hello-dev").out.splitlines()[1:])
    blocked.change(KEY, "  expiration: 30d\n", f"  expiration: 30d\n{mark}\n")
    plan = blocked("plan")
    assert "  & adopt      version 3 of demo/dev/hello-dev is written over\n" in plan.out
    assert blocked("apply", "--auto-approve").code == 0
    assert blocked("plan").out.startswith("No changes.")
    assert len(blocked.secret_at(PATH)) > 40
    answer = blocked("adopt", "hello-dev")
    assert (answer.code, answer.out) == (0, "")
    assert "at version 4, as recorded: there is nothing to adopt." in answer.err


def test_a_permission_that_was_used_is_not_offered_again(blocked: CommandLine) -> None:
    """The path counts anew and came to the same number: another path is the way."""
    say_in_store(blocked, "UPDATE sink_paths SET adopted_version = 3")
    answer = blocked("adopt", "demo/hello-dev")
    assert (answer.code, answer.out) == (0, "")
    assert "not adopted again" in answer.err
    assert "another path by spec.secret.path" in answer.err


def test_an_open_operation_comes_first(blocked: CommandLine) -> None:
    """What an interrupted run wrote is not a stranger's."""
    say_in_store(
        blocked, "UPDATE operations SET state = 'open', closed_at = NULL WHERE kind = 'rotate'"
    )
    answer = blocked("adopt", "hello-dev")
    assert (answer.code, answer.out) == (0, "")
    assert "`keyrec apply --maintenance` finish first" in answer.err


def test_the_lines_are_printed_also_while_manifests_are_wrong(blocked: CommandLine) -> None:
    """Only their place is not known then."""
    blocked.write("keys/wrong.yaml", "kind: ApiKee\n")
    answer = blocked("adopt", "hello-dev")
    assert answer.out == LINES
    assert "add to the key's manifest, and apply:" in answer.err


def test_a_key_that_is_only_declared_is_looked_for_too(applied: CommandLine) -> None:
    """Somebody may have been at its path before it."""
    text = (applied.folder / KEY).read_text()
    applied.write("keys/demo/new.yaml", text.replace("hello-dev", "new"))
    answer = applied("adopt", "demo/new")
    assert (answer.code, answer.out) == (0, "")
    assert "demo/dev/new is empty: there is nothing to adopt." in answer.err


def test_an_unknown_key_is_an_error(applied: CommandLine) -> None:
    """Nobody has it, nothing declares it."""
    answer = applied("adopt", "demo/unknown")
    assert answer.code == 1
    assert "There is no key demo/unknown." in answer.err


def test_an_unknown_key_beside_wrong_manifests_is_a_matter_of_these(applied: CommandLine) -> None:
    """Whether it is declared cannot be told."""
    applied.write("keys/wrong.yaml", "kind: ApiKee\n")
    assert applied("adopt", "demo/unknown").code == 3


@pytest.mark.parametrize(
    ("manager", "words"),
    [
        ("'others'", ("is managed by others.", "when a platform admin applies it")),
        ("NULL", ("is managed by nobody.", "when an admin of its workspace applies it")),
    ],
)
def test_a_key_of_others_is_printed_whole_and_marked(
    applied: CommandLine, manager: str, words: tuple[str, str]
) -> None:
    """Written as a manifest it takes the key over, and nothing else."""
    say_in_store(applied, f"UPDATE keys SET manager = {manager}")
    (applied.folder / KEY).unlink()
    answer = applied("adopt", "hello-dev")
    assert answer.code == 0
    assert "  adopt: true\n" in answer.out
    assert all(word in answer.err for word in words)
    written = applied("adopt", "hello-dev", "--out", "keys/demo/taken.yaml")
    assert written.out == "keys/demo/taken.yaml\n"
    assert (applied.folder / "keys/demo/taken.yaml").read_text() == answer.out
    assert "& adopt" in applied("plan").out
    assert applied("apply", "--auto-approve").code == 0
    assert applied("plan").out.startswith("No changes. 1 key matches.")


def test_a_file_that_is_there_is_not_written_over(applied: CommandLine) -> None:
    """Exit 3, and the file as it was."""
    say_in_store(applied, "UPDATE keys SET manager = NULL")
    before = (applied.folder / KEY).read_text()
    answer = applied("adopt", "hello-dev", "--out", KEY)
    assert answer.code == 3
    assert "is there already" in answer.err
    assert (applied.folder / KEY).read_text() == before


def test_there_is_no_manifest_to_write_for_an_own_key(applied: CommandLine) -> None:
    """It has one."""
    answer = applied("adopt", "hello-dev", "--out", "x.yaml")
    assert answer.code == 3
    assert not (applied.folder / "x.yaml").exists()


def test_only_the_pinned_sink_is_looked_at(applied: CommandLine) -> None:
    """Another one would tell of another path."""
    (applied.folder / ".keyrec/secrets").rename(applied.folder / "elsewhere")
    answer = applied("adopt", "hello-dev")
    assert answer.code == 1
    assert answer.out == ""


def test_the_refusal_of_a_key_of_others_says_the_mark(applied: CommandLine) -> None:
    """The way from `plan` to the adoption."""
    say_in_store(applied, "UPDATE keys SET manager = 'others'")
    answer = applied("plan")
    assert answer.code == 5
    assert "write in its metadata: adopt: true" in answer.out
