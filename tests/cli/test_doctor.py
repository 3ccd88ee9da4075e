"""`keyrec doctor`: what is wrong, and what to do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.bootstrap import checkup, doors
from reconciler.model.states import ObservedState
from reconciler.ports import CheckResult
from tests.fakes.command_line import CommandLine
from tests.fakes.sink import FakeSink
from tests.fakes.system import FakeClock


def failed(keyrec: CommandLine) -> dict[str, str]:
    """Give name → message and advice of what fails."""
    answer = keyrec("doctor", "-json")
    checks = [c for c in answer.json["checks"] if not c["passed"]]
    assert answer.code == (1 if checks else 0)
    return {c["name"]: f"{c['message']}: {c['advice']}" for c in checks}


def test_a_healthy_place_passes_every_check(applied: CommandLine) -> None:
    """Configuration, store, clock, policy, rights, manifests, sink, anchor."""
    answer = applied("doctor")
    assert answer.code == 0
    assert "FAIL" not in answer.out
    for name in (
        "configuration",
        "store",
        "clock",
        "policy",
        "rights",
        "manifests",
        "sink",
        "anchor",
    ):
        assert f"ok    {name} " in answer.out
    assert "the store holds what the sink remembers, event 4" in answer.out


def test_before_the_first_apply_there_is_no_anchor(started: CommandLine) -> None:
    """That is no fault."""
    answer = started("doctor")
    assert answer.code == 0
    assert "none yet; the next apply writes it" in answer.out


def test_a_missing_configuration_is_the_first_thing_to_mend(keyrec: CommandLine) -> None:
    """No exception, one failed check."""
    assert list(failed(keyrec)) == ["configuration"]


def test_a_missing_store_is_named_with_init(started: CommandLine) -> None:
    """The advice is a command."""
    (started.folder / ".keyrec" / "keys.db").unlink()
    assert "keyrec init" in failed(started)["store"]


@pytest.mark.parametrize("url", ["postgresql://u:s3cret@127.0.0.1:1/none", "sqlite://"])
def test_a_store_that_cannot_be_opened_fails_without_its_password(
    started: CommandLine, url: str
) -> None:
    """One line, and nothing secret in it."""
    started.set(KEYREC_STORE_URL=url)
    found = failed(started)
    assert list(found) == ["store"]
    assert "s3cret" not in found["store"]


def test_broken_manifests_and_a_wrong_sink_are_both_told(started: CommandLine) -> None:
    """Everything that can be reached is checked."""
    started.write("keys/broken.yaml", "a: [")
    other = started.folder.parent / "other"
    other.mkdir()
    started("-C", str(other), "init")
    started.set(KEYREC_AGE_DIRECTORY=str(other / ".keyrec" / "secrets"))
    found = failed(started)
    assert "keyrec validate" in found["manifests"]
    assert "the policy pins age:" in found["sink"]


def test_a_sink_that_is_not_there_is_told(started: CommandLine) -> None:
    """Not an exception."""
    started.set(KEYREC_AGE_DIRECTORY="/nowhere")
    assert "sink" in failed(started)


def test_a_sink_that_is_not_the_pinned_one_is_asked_nothing_more(started: CommandLine) -> None:
    """Further questions want a login, which would show a stranger's server our credentials."""
    sink = FakeSink(identity="vault:a-stranger/secret:keyrec")
    sink.checks = (CheckResult(name="vault token", passed=True, message="The token lasts."),)
    started.monkeypatch.setattr(doors, "open_sink_or_say_why", lambda *_: sink)
    assert "vault:a-stranger" in failed(started)["sink"]
    assert "vault token" not in started("doctor").out


@pytest.mark.parametrize(("seconds", "passes"), [(1, True), (-4, True), (6, False), (-3600, False)])
def test_a_clock_that_differs_from_the_databases_is_told(
    monkeypatch: pytest.MonkeyPatch, seconds: int, passes: bool
) -> None:
    """Expirations go by the database's; a machine far off will surprise people."""
    clock = FakeClock()
    observed = ObservedState(
        store_id="s", manager="m", read_at=clock.now() + timedelta(seconds=seconds)
    )
    monkeypatch.setattr(doors, "clock", lambda: clock)
    check = checkup._clock(observed, is_file=False)
    assert check.passed is passes
    assert bool(check.advice) is not passes


@pytest.mark.parametrize(
    ("principal", "said"),
    [("local:alice", "may change the keys of demo"), ("local:guest", "may plan and look")],
)
def test_rights_are_told_for_who_asks(applied: CommandLine, principal: str, said: str) -> None:
    """Nobody is refused here; everybody learns what to expect."""
    applied.change("keys/demo/workspace.yaml", "key\n", "key\nspec: {admins: [local:alice]}\n")
    assert applied("apply", "--auto-approve").code == 0
    applied.monkeypatch.setattr(doors, "principal", lambda: principal)
    answer = applied("doctor")
    assert answer.code == 0
    assert said in answer.out
