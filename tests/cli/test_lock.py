"""`keyrec lock`: who holds the lease, and its end."""

from __future__ import annotations

import pytest

from reconciler.bootstrap import doors
from reconciler.bootstrap.configuration import find_configuration
from tests.fakes.command_line import CommandLine


@pytest.fixture
def locked(started: CommandLine) -> CommandLine:
    """Give a store whose lease somebody holds."""
    store = doors.open_store(find_configuration(None).settings)
    store.acquire_lease("platform-keys", holder="somebody on a host", run_id="run-1")
    store.close()
    return started


def test_a_free_lease_is_said_to_be_free(started: CommandLine) -> None:
    """Nothing to wait for."""
    assert started("lock", "status").out.startswith("Free.")
    assert started("lock", "status", "-json").json["held"] is False


def test_the_holder_is_named(locked: CommandLine) -> None:
    """Who it is and since when."""
    answer = locked("lock", "status")
    assert answer.code == 0
    assert "Held." in answer.out
    assert "somebody on a host" in answer.out
    assert locked("lock", "status", "-json").json["lease"]["run_id"] == "run-1"


def test_a_holder_cannot_steer_the_terminal(started: CommandLine) -> None:
    """A host's name is whatever the other machine says."""
    store = doors.open_store(find_configuration(None).settings)
    store.acquire_lease("platform-keys", holder="a\x1b[2J\n::error::b", run_id="run-1")
    store.close()
    assert started("lock", "release").out == ("The lease of a\\x1b[2J\\n::error::b is ended.\n")


def test_an_ended_lease_lets_the_next_run_in(locked: CommandLine) -> None:
    """Audited, and the ended holder is named."""
    assert "somebody on a host" in locked("lock", "release").out
    assert locked("lock", "release").out == "No run holds the lease.\n"
    assert locked("apply", "--auto-approve", "--lock-timeout", "0s").code == 0
