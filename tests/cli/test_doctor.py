"""`keyrec doctor`: what is wrong, and what to do."""

from __future__ import annotations

import pytest

from tests.fakes.command_line import CommandLine


def failed(keyrec: CommandLine) -> dict[str, str]:
    """Give name → message and advice of what fails."""
    answer = keyrec("doctor", "-json")
    checks = [c for c in answer.json["checks"] if not c["passed"]]
    assert answer.code == (1 if checks else 0)
    return {c["name"]: f"{c['message']}: {c['advice']}" for c in checks}


def test_a_healthy_place_passes_every_check(applied: CommandLine) -> None:
    """Configuration, store, clock, policy, rights, manifests, sink."""
    answer = applied("doctor")
    assert answer.code == 0
    assert "FAIL" not in answer.out
    for name in ("configuration", "store", "clock", "policy", "rights", "manifests", "sink"):
        assert f"ok    {name} " in answer.out


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
