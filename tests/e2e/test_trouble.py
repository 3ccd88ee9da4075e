"""What a user sees when something outside is broken, and that the next run finishes the work."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.e2e.desk import Desk, principal, vault_desk
from tests.services.vault_server import StoredVault, VaultClient

WORKSPACE = f"""
    apiVersion: keyrec/v1
    kind: Workspace
    metadata: {{name: shop}}
    spec: {{admins: ["{principal()}"]}}
"""


@pytest.fixture
def desk(server_desk: Desk) -> Desk:
    """Give a desk on PostgreSQL and Vault with one key applied."""
    server_desk.write("keys/shop/workspace.yaml", WORKSPACE)
    server_desk.write("keys/shop/a.yaml", _key("a"))
    server_desk.apply()
    return server_desk


def _key(name: str, *, active: str = "true") -> str:
    return f"""
        apiVersion: keyrec/v1
        kind: ApiKey
        metadata: {{name: {name}, workspace: shop, owner: team-{name}}}
        spec:
          environment: prod
          scopes: {{Reviews: read}}
          active: {active}
    """


@pytest.fixture
def own(tmp_path: Path, postgres_url: str, stored_vault: StoredVault) -> Desk:
    """Give such a desk on a Vault of its own, which may be stopped."""
    client = stored_vault.client
    desk = vault_desk(
        tmp_path,
        postgres_url=postgres_url,
        program=stored_vault.binary,
        client=client,
        mount=client.new_mount(),
    ).begin()
    desk.write("keys/shop/workspace.yaml", WORKSPACE)
    desk.write("keys/shop/a.yaml", _key("a"))
    desk.apply()
    return desk


def test_an_unreachable_vault_is_one_readable_error_and_the_next_run_finishes(
    own: Desk, stored_vault: StoredVault
) -> None:
    """Exit 1 with advice; nothing half done that the next run does not finish."""
    own.write("keys/shop/b.yaml", _key("b"))
    stored_vault.stop()

    said = own.apply(expect=1)

    assert f"127.0.0.1:{stored_vault.port}" in said.err
    assert "no connection" in said.err
    assert "Traceback" not in said.everything
    stored_vault.start()
    stored_vault.unseal()
    own.apply()
    assert own.explain(own.secret("shop/prod/b")).startswith("Allowed")


def test_a_key_is_deactivated_although_the_vault_cannot_be_reached(
    own: Desk, stored_vault: StoredVault
) -> None:
    """Ending access needs the store alone."""
    secret = own.secret("shop/prod/a")
    own.edit("keys/shop/a.yaml", "active: true", "active: false")
    stored_vault.stop()

    own.apply()

    assert own.explain(secret, expect=2).startswith("Denied (key-inactive)")


def test_a_key_is_deactivated_although_the_vault_has_another_address(desk: Desk) -> None:
    """Where the policy pins it, what needs no secret goes on, and nothing else."""
    secret = desk.secret("shop/prod/a")
    desk.edit("keys/shop/a.yaml", "active: true", "active: false")
    desk.write("keys/shop/b.yaml", _key("b"))
    pinned = desk.environment["VAULT_ADDR"]
    desk.environment["VAULT_ADDR"] = "https://127.0.0.1:1"

    said = desk.apply(expect=4)

    assert f"the stored policy pins {pinned}" in said.err
    assert desk.explain(secret, expect=2).startswith("Denied (key-inactive)")
    desk.environment["VAULT_ADDR"] = pinned
    desk.apply()
    assert desk.explain(desk.secret("shop/prod/b")).startswith("Allowed")


def test_a_wrong_token_is_one_readable_error(desk: Desk) -> None:
    """Exit 1; the token is not repeated."""
    desk.write("keys/shop/b.yaml", _key("b"))
    desk.environment["VAULT_TOKEN"] = "hvs.wrong-token-of-a-test"

    said = desk.apply(expect=1)

    assert "hvs.wrong" not in said.everything
    assert "Traceback" not in said.everything


def test_a_token_without_rights_says_which_policy_it_lacks(
    desk: Desk, vault_client: VaultClient
) -> None:
    """Exit 1 with advice, and with the right token the next run finishes."""
    desk.write("keys/shop/b.yaml", _key("b"))
    good = desk.environment["VAULT_TOKEN"]
    desk.environment["VAULT_TOKEN"] = vault_client.new_token("default")

    said = desk.apply(expect=1)

    assert "Error:" in said.err
    assert desk.environment["VAULT_TOKEN"] not in said.everything
    desk.environment["VAULT_TOKEN"] = good
    desk.apply()
    assert desk.explain(desk.secret("shop/prod/b")).startswith("Allowed")


def test_a_sealed_vault_is_one_readable_error_and_unsealed_the_next_run_finishes(
    tmp_path: Path, postgres_url: str, stored_vault: StoredVault
) -> None:
    """Exit 1 and the word sealed."""
    client = stored_vault.client
    desk = vault_desk(
        tmp_path,
        postgres_url=postgres_url,
        program=stored_vault.binary,
        client=client,
        mount=client.new_mount(),
    )
    desk.keyrec("init", *desk.init)
    desk.write("keys/shop/workspace.yaml", WORKSPACE)
    desk.write("keys/shop/a.yaml", _key("a"))
    stored_vault.seal()

    said = desk.apply(expect=4)

    assert "sealed" in said.everything
    stored_vault.unseal()
    desk.apply()
    assert desk.explain(desk.secret("shop/prod/a")).startswith("Allowed")


def test_an_unreachable_postgres_is_one_readable_error(desk: Desk) -> None:
    """Exit 1 for every command, without the URL's password."""
    desk.environment["KEYREC_STORE_URL"] = (
        "postgresql+psycopg://keyrec:not-shown@127.0.0.1:1/keyrec?connect_timeout=2"
    )

    for command in (("plan",), ("apply", "--auto-approve"), ("status",)):
        said = desk.keyrec(*command, expect=1)
        assert "Error:" in said.err
        assert "not-shown" not in said.everything
        assert "Traceback" not in said.everything


def test_ctrl_c_during_apply_gives_a_clean_report_and_the_next_apply_finishes(desk: Desk) -> None:
    """Exit 130; what was under way is confirmed or resumed; nothing is lost."""
    count = 400
    for number in range(count):
        desk.write(f"keys/shop/many-{number}.yaml", _key(f"many-{number}"))
    with desk.started("apply", "--auto-approve", "--parallelism", "1") as process:
        _wait_for_first_secret(desk)
        process.send_signal(signal.SIGINT)

    said = desk.said_by(process)
    assert said.code == 130, said.everything
    assert "Traceback" not in said.everything
    assert "not attempted" in said.out
    desk.apply()
    assert desk.keyrec("plan").out.startswith("No changes.")
    for number in (0, count - 1):
        secret = desk.secret(f"shop/prod/many-{number}")
        assert desk.explain(secret).startswith("Allowed")


def _wait_for_first_secret(desk: Desk) -> None:
    """Return as soon as the run has written one of its secrets."""
    for _ in range(600):
        if not desk.reader.is_gone("shop/prod/many-0"):
            return
        time.sleep(0.05)
    raise AssertionError("the run wrote nothing")


def test_a_killed_run_is_finished_by_the_next_without_anybody_unlocking(desk: Desk) -> None:
    """SIGKILL in the middle; the next run waits for the lease to run out, and converges."""
    for number in range(200):
        desk.write(f"keys/shop/many-{number}.yaml", _key(f"many-{number}"))
    with desk.started("apply", "--auto-approve", "--parallelism", "1") as process:
        _wait_for_first_secret(desk)
        process.kill()

    desk.apply("--lock-timeout", "60s")

    assert desk.keyrec("plan").out.startswith("No changes.")
    for number in (0, 100, 199):
        secret = desk.secret(f"shop/prod/many-{number}")
        assert desk.explain(secret).startswith("Allowed")
