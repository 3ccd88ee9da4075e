"""`keyrec explain`: would this key be accepted, and why not?"""

from __future__ import annotations

import pytest

from tests.fakes.command_line import CommandLine

PATH = "demo/dev/hello-dev"
KEY = "keys/demo/hello-dev.yaml"


def test_a_good_key_is_allowed(applied: CommandLine) -> None:
    """Exit code 0; the key itself is shown nowhere."""
    secret = applied.secret_at(PATH)
    answer = applied("explain", "--scope", "Reviews:read", "--environment", "dev", stdin=secret)
    assert answer.code == 0
    assert answer.out.startswith("Allowed: demo/hello-dev")
    assert secret not in answer.both


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--scope", "Reviews:operate"), "insufficient-scope"),
        (("--scope", "Nothing:read"), "unknown-scope"),
        (("--environment", "prod"), "wrong-environment"),
    ],
)
def test_a_key_in_the_wrong_place_is_denied_with_the_reason(
    applied: CommandLine, flags: tuple[str, ...], reason: str
) -> None:
    """Exit code 2, and the rows of the console's table."""
    secret = applied.secret_at(PATH)
    answer = applied("explain", *flags, stdin=secret)
    assert answer.code == 2
    assert answer.out.startswith(f"Denied ({reason})")
    assert applied("explain", *flags, "-json", stdin=secret).json["reason"] == reason


def test_an_allowlist_wants_the_real_origin(applied: CommandLine) -> None:
    """Works locally, fails in production: the console's third row."""
    applied.change(KEY, "environment: dev", "environment: dev\n  allowlist: [203.0.113.0/24]")
    applied("apply", "--auto-approve")
    secret = applied.secret_at(PATH)
    assert applied("explain", "--ip", "203.0.113.7", stdin=secret).code == 0
    assert "(address-not-allowed)" in applied("explain", "--ip", "198.51.100.1", stdin=secret).out
    assert "(address-unknown)" in applied("explain", stdin=secret).out


def test_a_person_at_a_terminal_types_it_unseen(applied: CommandLine) -> None:
    """Neither echoed nor in any history."""
    import getpass

    secret = applied.secret_at(PATH)
    applied.monkeypatch.setattr(getpass, "getpass", lambda *_: f" {secret} ")
    assert applied("explain", typed="").code == 0


@pytest.mark.parametrize("stdin", ["", "\n"])
def test_no_key_is_a_usage_error(applied: CommandLine, stdin: str) -> None:
    """An empty pipe is told from a bad key."""
    answer = applied("explain", stdin=stdin)
    assert answer.code == 3
    assert "no key on stdin" in answer.err


@pytest.mark.parametrize("scope", ["Reviews", "Reviews:", ":read"])
def test_a_scope_without_a_level_is_a_usage_error(applied: CommandLine, scope: str) -> None:
    """The form is said."""
    answer = applied("explain", "--scope", scope, stdin="x")
    assert answer.code == 3
    assert "Webhooks:change" in answer.err


def test_a_text_that_is_no_key_is_denied_without_being_repeated(applied: CommandLine) -> None:
    """Whatever was pasted."""
    answer = applied("explain", stdin="hunter2-hunter2")
    assert answer.code == 2
    assert "hunter2" not in answer.both
