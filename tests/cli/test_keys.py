"""`keyrec status`, `get` and `history`: keys as the store holds them."""

from __future__ import annotations

import pytest

from reconciler.adapters.system import SystemClock
from tests.fakes.command_line import CommandLine

KEY = "keys/demo/hello-dev.yaml"


@pytest.fixture
def later(applied: CommandLine) -> CommandLine:
    """Give a store whose clock is ten days ahead."""
    from datetime import timedelta

    real = SystemClock.now
    applied.monkeypatch.setattr(SystemClock, "now", lambda self: real(self) + timedelta(days=10))
    return applied


def test_status_lists_the_keys(applied: CommandLine) -> None:
    """Name, state and last characters; never more of the secret."""
    answer = applied("status")
    secret = applied.secret_at("demo/dev/hello-dev")
    assert answer.code == 0
    assert f"demo/hello-dev  active  …{secret[-4:]}" in answer.out
    assert secret not in answer.out


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--expiring", "14d"), 0),
        (("--expiring", "31d"), 2),
        (("--rotation-due",), 0),
        (("--rotation-due", "--expiring", "31d"), 2),
    ],
)
def test_a_question_that_finds_keys_ends_with_2(
    applied: CommandLine, flags: tuple[str, ...], code: int
) -> None:
    """A job asks, and its exit code tells."""
    answer = applied("status", *flags)
    assert answer.code == code
    assert ("demo/hello-dev" in answer.out) == (code == 2)


def test_time_brings_keys_into_the_answer(later: CommandLine) -> None:
    """After ten days the rotation of a seven days' schedule is due."""
    assert later("status", "--rotation-due").code == 2
    assert later("status", "--expiring", "20d", "-json").json["keys"][0]["name"] == "hello-dev"


def test_a_due_rotation_is_done_by_maintenance(later: CommandLine) -> None:
    """The manifests that asked for it approved it."""
    old = later.secret_at("demo/dev/hello-dev")
    assert later("apply", "--maintenance").code == 0
    assert later.secret_at("demo/dev/hello-dev") != old
    assert later("status", "--rotation-due").code == 0


@pytest.mark.parametrize("name", ["hello-dev", "demo/hello-dev"])
def test_get_takes_the_name_alone_or_with_its_workspace(applied: CommandLine, name: str) -> None:
    """Short where that is enough."""
    answer = applied("get", name)
    assert answer.code == 0
    assert answer.out.startswith("demo/hello-dev (…")
    assert applied("get", name, "-json").json["key"]["name"] == "hello-dev"


def test_a_name_of_two_workspaces_lists_the_candidates(applied: CommandLine) -> None:
    """The advice can be pasted."""
    applied.write(
        "keys/other.yaml",
        "apiVersion: keyrec/v1\nkind: Workspace\nmetadata: {name: other}\n---\n"
        "apiVersion: keyrec/v1\nkind: ApiKey\nmetadata: {name: hello-dev, workspace: other}\n"
        "spec: {environment: dev, scopes: {Webhooks: read}}\n",
    )
    assert applied("apply", "--auto-approve").code == 0
    answer = applied("get", "hello-dev")
    assert answer.code == 1
    assert "Say which one: demo/hello-dev, other/hello-dev." in answer.err


@pytest.mark.parametrize("command", ["get", "history", "release", "rotate"])
@pytest.mark.parametrize("name", ["nobody", "demo/nobody"])
def test_a_name_that_is_not_there_is_said_to_be_none(
    applied: CommandLine, command: str, name: str
) -> None:
    """One sentence, exit code 1."""
    answer = applied(command, name)
    assert answer.code == 1
    assert "nobody" in answer.err


def test_history_tells_who_did_what_and_where_it_stands(applied: CommandLine) -> None:
    """From the audit chain, for people and programs."""
    answer = applied("history", "hello-dev")
    assert answer.code == 0
    assert "key-created  demo/hello-dev  by local:" in answer.out
    assert "manifest keys/demo/hello-dev.yaml:2:1" in answer.out
    events = applied("history", "demo/hello-dev", "-json").json["events"]
    assert [e["event"] for e in events] == ["key-created", "secret-confirmed"]


def test_history_of_something_else_is_asked_by_its_address(applied: CommandLine) -> None:
    """Policy and workspaces have a history as well."""
    assert "policy/default" in applied("history", "policy/default").out
    assert "workspace/demo" in applied("history", "workspace/demo").out


def test_a_removed_key_keeps_its_history(applied: CommandLine) -> None:
    """Its tombstone is found by the full name."""
    applied.write(
        KEY,
        "apiVersion: keyrec/v1\nkind: KeyRemoval\n"
        "metadata: {name: hello-dev, workspace: demo}\nspec: {reason: integration-removed}\n",
    )
    assert applied("apply", "--auto-approve").code == 0
    assert "key-removed" in applied("history", "demo/hello-dev").out
    assert "removed" in applied("get", "demo/hello-dev").out
    assert applied("status").out == "No keys.\n"
