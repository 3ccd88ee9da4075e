"""`keyrec hold`, `release` and `rotate`: at once, audited, respected by the next apply."""

from __future__ import annotations

import re

import pytest

from reconciler.bootstrap import doors
from tests.fakes.command_line import CommandLine

PATH = "demo/dev/hello-dev"
KEY = "keys/demo/hello-dev.yaml"


def is_allowed(keyrec: CommandLine, secret: str) -> bool:
    """Whether the secret is accepted now."""
    return keyrec("explain", stdin=secret).code == 0


def test_a_held_key_is_refused_until_it_is_released(applied: CommandLine) -> None:
    """Apply respects the hold meanwhile."""
    secret = applied.secret_at(PATH)
    answer = applied("hold", "hello-dev", "--reason", "strange traffic")
    assert answer.code == 0
    assert not is_allowed(applied, secret)
    assert applied("apply", "--auto-approve").code == 0
    assert not is_allowed(applied, secret)
    assert "strange traffic" in applied("history", "hello-dev").out
    assert applied("release", "hello-dev").code == 0
    assert is_allowed(applied, secret)


def test_a_release_of_a_key_that_is_not_held_says_so(applied: CommandLine) -> None:
    """Nothing is pretended."""
    answer = applied("release", "hello-dev")
    assert answer.code == 5
    assert "not on hold" in answer.err


@pytest.mark.parametrize(
    "argv",
    [
        ("hold", "hello-dev", "--reason", "x"),
        ("release", "hello-dev"),
        ("rotate", "hello-dev"),
        ("rotate", "hello-dev", "--leaked"),
        ("lock", "release"),
    ],
)
def test_who_is_no_admin_may_do_none_of_it(applied: CommandLine, argv: tuple[str, ...]) -> None:
    """The rights are those for a change of the key."""
    secret = applied.secret_at(PATH)
    applied.monkeypatch.setattr(doors, "principal", lambda: "local:guest")
    answer = applied(*argv)
    assert answer.code == 5
    assert "local:guest" in answer.err
    assert is_allowed(applied, secret)


def test_a_rotation_at_a_persons_word_keeps_the_previous_secret_for_the_overlap(
    applied: CommandLine,
) -> None:
    """Consumers have time to read the new one."""
    old = applied.secret_at(PATH)
    answer = applied("rotate", "hello-dev")
    assert answer.code == 0
    new = applied.secret_at(PATH)
    assert new != old
    assert is_allowed(applied, old)
    assert is_allowed(applied, new)
    assert old not in answer.both
    assert new not in answer.both


def test_a_rotation_leaves_the_manifests_nothing_to_do(applied: CommandLine) -> None:
    """What was asked for by hand is no drift."""
    applied("rotate", "hello-dev")
    assert applied("plan").out == "No changes. 1 key matches.\n"


def test_a_leaked_secret_ends_at_once_and_gets_a_successor(applied: CommandLine) -> None:
    """No overlap, whatever the manifest says."""
    old = applied.secret_at(PATH)
    answer = applied("rotate", "hello-dev", "--leaked")
    assert answer.code == 0
    assert "nobody gets in with it any more" in answer.err
    assert not is_allowed(applied, old)
    assert is_allowed(applied, applied.secret_at(PATH))


def test_a_leaked_secret_ends_without_a_sink_and_the_next_apply_makes_the_successor(
    applied: CommandLine,
) -> None:
    """An emergency stop waits for nobody."""
    old = applied.secret_at(PATH)
    secrets = str(applied.folder / ".keyrec" / "secrets")
    applied.set(KEYREC_AGE_DIRECTORY="/nowhere")
    answer = applied("rotate", "hello-dev", "--leaked")
    assert answer.code == 1
    assert "the next apply makes its successor" in answer.err
    applied.set(KEYREC_AGE_DIRECTORY=secrets)
    assert not is_allowed(applied, old)
    assert applied("apply").code == 0
    assert is_allowed(applied, applied.secret_at(PATH))


def test_a_leaked_secret_is_named_by_the_id_that_a_log_holds(applied: CommandLine) -> None:
    """The version id, twelve characters, is no secret."""
    old = applied.secret_at(PATH)
    answer = applied("rotate", old.split("_")[2], "--leaked")
    assert answer.code == 0
    assert not is_allowed(applied, old)
    assert is_allowed(applied, applied.secret_at(PATH))


def test_an_old_version_that_leaked_leaves_the_current_one_alone(applied: CommandLine) -> None:
    """Only what leaked is ended."""
    old = applied.secret_at(PATH)
    applied("rotate", "hello-dev")
    new = applied.secret_at(PATH)
    assert applied("rotate", old.split("_")[2], "--leaked").code == 0
    assert not is_allowed(applied, old)
    assert applied.secret_at(PATH) == new
    assert is_allowed(applied, new)


@pytest.mark.parametrize(
    "argv", [("rotate",), ("rotate", "--leaked"), ("get",), ("hold", "--reason", "x")]
)
def test_a_complete_key_as_an_argument_is_refused_and_not_repeated(
    applied: CommandLine, argv: tuple[str, ...]
) -> None:
    """It stands in the shell's history now; the answer says what to do."""
    secret = applied.secret_at(PATH)
    answer = applied(*argv, secret)
    assert answer.code == 3
    assert "Treat it as leaked" in answer.err
    assert secret not in answer.both


def test_the_ended_ids_are_told(applied: CommandLine) -> None:
    """Who writes the report of the incident needs them."""
    ended = applied.secret_at(PATH).split("_")[2]
    answer = applied("rotate", "hello-dev", "--leaked")
    assert re.search(rf"^demo/hello-dev: {ended} is ended;", answer.err, re.MULTILINE)
