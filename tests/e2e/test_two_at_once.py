"""Two runs at once: one waits, one is refused; one that lost its lease commits nothing any more.

A gate before the sink holds a run in the middle: its attempt is committed, its write not yet done.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.proxy import Proxy
from tests.e2e.desk import PAIRS, ROOT, Desk, Said, principal, vault_desk
from tests.e2e.gates import Gate, proxy_to, shut_gate
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
    proxy: Proxy | None
    """Before the sink, where that is Vault."""

    @contextlib.contextmanager
    def in_the_middle(self, *arguments: str) -> Iterator[Middle]:
        """Start a run that makes a secret for the key, and hold it before its write."""
        usual = dict(self.desk.environment)
        with shut_gate(self.desk, PATH, self.proxy) as gate:
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


@pytest.fixture(params=PAIRS)
def two(request: pytest.FixtureRequest) -> Two:
    """Give a desk on each pair, with the key `shop/a` applied and its generation raised since."""
    if request.param != "postgres-vault":
        return _with_a_key(request.getfixturevalue(PAIRS[request.param]), None)
    made: Two = request.getfixturevalue("servers")
    return made


@pytest.fixture
def servers(
    tmp_path: Path,
    postgres_url: str,
    vault_program: Path,
    vault_client: VaultClient,
    vault_mount: str,
) -> Iterator[Two]:
    """Give such a desk on PostgreSQL and Vault; all its ways to Vault lead through one proxy."""
    desk = vault_desk(
        tmp_path,
        postgres_url=postgres_url,
        program=vault_program,
        client=vault_client,
        mount=vault_mount,
    )
    with contextlib.closing(proxy_to(vault_client)) as proxy:
        desk.environment["VAULT_ADDR"] = f"http://127.0.0.1:{proxy.vault_port}"
        yield _with_a_key(desk.begin(), proxy)


@pytest.fixture
def files(local_desk: Desk) -> Two:
    """Give such a desk on SQLite and age files."""
    return _with_a_key(local_desk, None)


def _with_a_key(desk: Desk, proxy: Proxy | None) -> Two:
    desk.write("keys/shop/workspace.yaml", WORKSPACE)
    desk.write(KEY, _key(generation=1))
    desk.apply()
    desk.write(KEY, _key(generation=2))
    return Two(desk=desk, proxy=proxy)


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


def test_a_second_apply_is_refused_and_a_third_waits_and_finds_that_all_is_done(two: Two) -> None:
    """Exit 7 names who holds the lease, as `lock status` does; who waits has nothing left to do."""
    with (
        two.in_the_middle(*APPLY) as middle,
        two.desk.started(*APPLY, "--lock-timeout", "60s") as third,
    ):
        refused = two.desk.keyrec(*APPLY, "--lock-timeout", "0s", expect=7)
        status = two.desk.keyrec("lock", "status").out
        _wait_until_it_has_planned(two, third)
        middle.gate.open()
        first = two.ended(middle)

    assert first.code == 0, first.everything
    process = f"process {middle.process.pid}"
    assert f"work is locked by {principal()}" in refused.err
    assert process in refused.err
    assert "keyrec lock status" in refused.err
    assert status.startswith("Held.")
    assert process in status
    said = two.desk.said_by(third)
    assert said.code == 0, said.everything
    assert two.desk.count("key_versions") == 2
    assert two.desk.keyrec("lock", "status").out.startswith("Free.")


def test_a_second_apply_of_other_manifests_is_refused_with_the_difference(files: Two) -> None:
    """It waits, plans again under the lease, and does not apply what nobody has seen: exit 6."""
    two = files
    with two.in_the_middle(*APPLY) as middle:
        two.desk.edit(KEY, "owner: team-a", "owner: team-b")
        with two.desk.started(*APPLY, "--lock-timeout", "60s") as second:
            _wait_until_it_has_planned(two, second)
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
        middle.gate.open()
        assert two.ended(middle).code == 0

    said = two.desk.said_by(rotation)
    assert said.code == 0, said.everything
    assert "shop/a has a new secret" in said.out
    assert two.desk.count("key_versions") == 3
    assert two.desk.explain(before).startswith("Allowed")
    assert two.desk.explain(two.desk.secret(PATH)).startswith("Allowed")


def test_a_leak_is_ended_while_another_run_holds_the_lease(files: Two) -> None:
    """Every secret of the key ends at once; its successor is the next apply's: exit 7."""
    two = files
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


def _wait_until_it_has_planned(two: Two, process: subprocess.Popen[bytes]) -> None:
    """Return once a run has shown its plan; the next thing that it meets is the lease."""
    for _ in range(600):
        if "Digest:" in two.desk.said_so_far(process):
            return
        time.sleep(0.05)
    raise AssertionError("the run shows no plan")


# A run that has lost its lease.


def test_a_run_that_was_stopped_for_longer_than_its_lease_commits_nothing(two: Two) -> None:
    """Another run takes over and finishes; the write that then lands late changes nothing."""
    before = two.desk.secret(PATH)
    with two.in_the_middle(*APPLY) as middle:
        middle.process.send_signal(signal.SIGSTOP)
        two.desk.let_the_lease_run_out()
        if two.proxy is None:
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
    assert two.desk.explain(before).startswith("Allowed")
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
    assert two.desk.explain(sent).startswith("Allowed")
    assert two.desk.explain(two.desk.secret(PATH)).startswith("Allowed")


# Whose clock counts.


@pytest.mark.parametrize("two", ["postgres-vault"], indirect=True)
def test_a_client_whose_clock_is_hours_off_changes_nothing(two: Two, tmp_path: Path) -> None:
    """PostgreSQL's clock alone decides: a held lease is held, and what is written has its time."""
    desk, right = two.desk, two.desk.environment["PYTHONPATH"]
    with two.in_the_middle(*APPLY) as middle:
        for hours in (7, -7):
            desk.environment["PYTHONPATH"] = _with_other_clock(tmp_path, hours)
            desk.keyrec(*APPLY, "--lock-timeout", "0s", expect=7)
        middle.gate.open()
    assert two.ended(middle).code == 0

    for hours, generation in ((7, 3), (-7, 4)):
        desk.environment["PYTHONPATH"] = _with_other_clock(tmp_path, hours)
        desk.write(KEY, _key(generation=generation))
        desk.apply()
    desk.environment["PYTHONPATH"] = right
    within = "BETWEEN now() - interval '10 min' AND now()"
    assert desk.count(f"key_versions WHERE created_at {within}") == 4
    assert desk.count(f"audit WHERE at {within}") == two.audit_events()
    assert desk.explain(desk.secret(PATH)).startswith("Allowed")


def _with_other_clock(folder: Path, hours: int) -> str:
    """Give a path of modules whose first one moves the client's clock."""
    made = folder / f"clock{hours}"
    made.mkdir(exist_ok=True)
    (made / "sitecustomize.py").write_text(textwrap.dedent(OTHER_CLOCK.format(hours=hours)))
    return f"{made}:{ROOT}"
