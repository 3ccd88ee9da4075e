"""Two runs at once: one waits, one is refused; one that lost its lease commits nothing any more.

A gate before the sink holds a run in the middle: its attempt is committed, its write not yet done.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.desk import ROOT, Desk, Said, principal
from tests.e2e.gates import Gate, shut_gate
from tests.services.vault_server import VaultClient

PATH = "shop/prod/a"
KEY = "keys/shop/a.yaml"
WORKSPACE = f"""
    apiVersion: keyrec/v1
    kind: Workspace
    metadata: {{name: shop}}
    spec: {{admins: ["{principal()}"]}}
"""
APPLY = ("apply", "--auto-approve")
HELD = "operations WHERE state = 'open'"
OTHER_CLOCK = """
    from datetime import timedelta

    from reconciler.adapters.system import SystemClock

    now = SystemClock.now
    SystemClock.now = lambda clock: now(clock) + timedelta(hours={hours})
"""


@dataclass
class Middle:
    """A run that stands before its write, and what can be done about it."""

    process: subprocess.Popen[bytes]
    gate: Gate


@dataclass
class Two:
    """A desk with one applied key, at which two may work."""

    desk: Desk
    client: VaultClient | None
    """Where the sink is Vault."""

    @contextlib.contextmanager
    def in_the_middle(self, *arguments: str) -> Iterator[Middle]:
        """Start a run that makes a secret for the key, and hold it before its write."""
        usual = dict(self.desk.environment)
        with shut_gate(self.desk, PATH, self.client) as gate:
            self.desk.environment |= gate.environment()
            with self.desk.started(*arguments) as process:
                self.desk.environment |= usual
                self._wait_until_it_has_promised(process)
                yield Middle(process, gate)

    def _wait_until_it_has_promised(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(600):
            if self.desk.count(HELD) == 1:
                return
            assert process.poll() is None, self.desk.said_by(process).everything
            time.sleep(0.05)
        raise AssertionError("the run did not begin a secret")

    def ended(self, middle: Middle) -> Said:
        """Wait for the end of the run; what it said."""
        middle.process.wait(timeout=60)
        return self.desk.said_by(middle.process)

    def audit_events(self) -> int:
        """Give how many changes there were."""
        return self.desk.count("audit")


@pytest.fixture
def two(desk: Desk, request: pytest.FixtureRequest) -> Two:
    """Give a desk on each pair, with the key `shop/a` applied and its generation raised since."""
    is_vault = "VAULT_ADDR" in desk.environment
    client = request.getfixturevalue("vault_client") if is_vault else None
    desk.write("keys/shop/workspace.yaml", WORKSPACE)
    desk.write(KEY, _key(generation=1))
    desk.apply()
    desk.write(KEY, _key(generation=2))
    return Two(desk=desk, client=client)


def _key(*, generation: int) -> str:
    return f"""
        apiVersion: keyrec/v1
        kind: ApiKey
        metadata: {{name: a, workspace: shop, owner: team-a}}
        spec:
          environment: prod
          scopes: {{Reviews: read}}
          rotation: {{generation: {generation}}}
    """


# One works, the other waits or is refused.


def test_a_second_apply_is_refused_with_the_name_of_the_first(two: Two) -> None:
    """Exit 7; who holds the lease, since when, and what to do; `lock status` says the same."""
    with two.in_the_middle(*APPLY) as middle:
        refused = two.desk.keyrec(*APPLY, "--lock-timeout", "0s", expect=7)
        status = two.desk.keyrec("lock", "status").out
        middle.gate.open()

    process = f"process {middle.process.pid}"
    assert f"work is locked by {principal()}" in refused.err
    assert process in refused.err
    assert "keyrec lock status" in refused.err
    assert status.startswith("Held.")
    assert process in status
    assert two.ended(middle).code == 0
    assert two.desk.keyrec("lock", "status").out.startswith("Free.")
    assert two.desk.keyrec("plan").out.startswith("No changes.")


def test_a_second_apply_waits_and_finds_that_all_is_done(two: Two) -> None:
    """It took the same plan for its own; under the lease nothing is left of it: exit 0."""
    with (
        two.in_the_middle(*APPLY) as middle,
        two.desk.started(*APPLY, "--lock-timeout", "60s") as second,
    ):
        _wait_until_it_waits(two, second)
        middle.gate.open()
        first = two.ended(middle)

    assert first.code == 0, first.everything
    said = two.desk.said_by(second)
    assert said.code == 0, said.everything
    assert two.desk.count("key_versions") == 2


def test_a_second_apply_of_other_manifests_is_refused_with_the_difference(two: Two) -> None:
    """It waits, plans again under the lease, and does not apply what nobody has seen: exit 6."""
    with two.in_the_middle(*APPLY) as middle:
        two.desk.edit(KEY, "owner: team-a", "owner: team-b")
        with two.desk.started(*APPLY, "--lock-timeout", "60s") as second:
            _wait_until_it_waits(two, second)
            middle.gate.open()
            assert two.ended(middle).code == 0

    said = two.desk.said_by(second)
    assert said.code == 6, said.everything
    assert "shop/a" in said.err
    two.desk.apply()
    assert two.desk.keyrec("plan").out.startswith("No changes.")


def test_an_apply_and_a_rotation_make_one_secret_each(two: Two) -> None:
    """The rotation waits for the lease; the first two secrets work on for their overlaps."""
    before = two.desk.secret(PATH)
    with (
        two.in_the_middle(*APPLY) as middle,
        two.desk.started("rotate", "shop/a", "--lock-timeout", "60s") as rotation,
    ):
        _wait_until_it_waits(two, rotation)
        middle.gate.open()
        assert two.ended(middle).code == 0

    said = two.desk.said_by(rotation)
    assert said.code == 0, said.everything
    assert "shop/a has a new secret" in said.out
    assert two.desk.count("key_versions") == 3
    assert two.desk.explain(before).startswith("Allowed")
    assert two.desk.explain(two.desk.secret(PATH)).startswith("Allowed")


def test_a_leak_is_ended_while_another_run_holds_the_lease(two: Two) -> None:
    """Every secret of the key ends at once; its successor is the next apply's: exit 7."""
    before = two.desk.secret(PATH)
    with two.in_the_middle(*APPLY) as middle:
        refused = two.desk.keyrec("rotate", "shop/a", "--leaked", "--lock-timeout", "0s", expect=7)
        denied = two.desk.explain(before, expect=2)
        middle.gate.open()

    assert denied.startswith("Denied")
    assert "the next apply makes its successor" in refused.err
    # The secret under way was ended too: it is not confirmed, although it has arrived.
    assert two.ended(middle).code in {1, 4}
    two.desk.explain(two.desk.secret(PATH), expect=2)
    two.desk.apply()
    assert two.desk.explain(two.desk.secret(PATH)).startswith("Allowed")


def _wait_until_it_waits(two: Two, process: subprocess.Popen[bytes]) -> None:
    """Give a run time to plan and to meet the lease."""
    for _ in range(600):
        if "Plan:" in _said_so_far(two, process) or process.args[3] == "rotate":  # type: ignore[index]
            break
        time.sleep(0.05)
    time.sleep(1)


def _said_so_far(two: Two, process: subprocess.Popen[bytes]) -> str:
    return two.desk._channels[process.pid][0].read_text()


# A run that has lost its lease.


def test_a_run_that_was_stopped_for_longer_than_its_lease_commits_nothing(two: Two) -> None:
    """Another run takes over and finishes; the write that then lands late changes nothing."""
    before = two.desk.secret(PATH)
    with two.in_the_middle(*APPLY) as middle:
        middle.process.send_signal(signal.SIGSTOP)
        two.desk.let_the_lease_run_out()
        if two.client is None:
            middle.gate.open()
        two.desk.apply()
        secret, events = two.desk.secret(PATH), two.audit_events()
        middle.gate.open()
        middle.process.send_signal(signal.SIGCONT)
        late = two.ended(middle)

    assert late.code == 7, late.everything
    assert "has lost the lease" in late.err
    assert two.audit_events() == events
    assert two.desk.secret(PATH) == secret
    for value in (before, secret):
        assert two.desk.explain(value).startswith("Allowed")
    assert two.desk.keyrec("plan").out.startswith("No changes.")


def test_a_run_whose_lease_is_released_commits_nothing_more(two: Two) -> None:
    """What it has sent already arrives, works for who reads it, and is the next run's to finish."""
    with two.in_the_middle(*APPLY) as middle:
        released = two.desk.keyrec("lock", "release").out
        events = two.audit_events()
        middle.gate.open()
        late = two.ended(middle)

    assert f"process {middle.process.pid}" in released
    assert late.code == 7, late.everything
    assert "has lost the lease" in late.err
    assert "keyrec apply" in late.err or "run the command again" in late.err
    assert two.audit_events() == events
    sent = two.desk.secret(PATH)
    assert two.desk.explain(sent).startswith("Allowed")
    two.desk.apply()
    for value in (sent, two.desk.secret(PATH)):
        assert two.desk.explain(value).startswith("Allowed")
    assert two.desk.keyrec("plan").out.startswith("No changes.")


# Whose clock counts.


@pytest.fixture
def servers(server_desk: Desk, vault_client: VaultClient) -> Two:
    """Give the pair whose store has a clock of its own."""
    desk = server_desk
    desk.write("keys/shop/workspace.yaml", WORKSPACE)
    desk.write(KEY, _key(generation=1))
    desk.apply()
    desk.write(KEY, _key(generation=2))
    return Two(desk=desk, client=vault_client)


@pytest.mark.parametrize("hours", [-7, 7])
def test_a_client_whose_clock_is_hours_off_changes_nothing(
    servers: Two, tmp_path: Path, hours: int
) -> None:
    """PostgreSQL's clock alone decides: a held lease is held, and what is written has its time."""
    desk = servers.desk
    folder = tmp_path / "clock"
    folder.mkdir()
    lines = [line.strip() for line in OTHER_CLOCK.format(hours=hours).splitlines()]
    (folder / "sitecustomize.py").write_text("\n".join(lines))
    right = desk.environment["PYTHONPATH"]

    with servers.in_the_middle(*APPLY) as middle:
        desk.environment["PYTHONPATH"] = f"{folder}:{ROOT}"
        desk.keyrec(*APPLY, "--lock-timeout", "0s", expect=7)
        middle.gate.open()
    assert servers.ended(middle).code == 0

    desk.write(KEY, _key(generation=3))
    desk.apply()
    desk.environment["PYTHONPATH"] = right
    within = "BETWEEN now() - interval '5 min' AND now()"
    assert desk.count(f"key_versions WHERE created_at {within}") == 3
    assert desk.count(f"audit WHERE at {within}") == servers.audit_events()
    assert desk.explain(desk.secret(PATH)).startswith("Allowed")
