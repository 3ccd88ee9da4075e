"""pytest fixtures for a real Vault; `tests/conftest.py` makes them known to all tests.

One server in development mode runs for the whole session; every test gets a mount of its own.
Without a server the tests are skipped and say why, or fail where KEYREC_TEST_REQUIRE names `vault`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.vault_server import StoredVault, VaultClient, dev_server, vault_binary

ABSENT = "no Vault: set KEYREC_TEST_VAULT, put vault or bao on PATH, or run tests/services/build_vault.sh"


@pytest.fixture(scope="session")
def vault_program() -> Path:
    """Give the Vault server's program."""
    binary = vault_binary(os.environ)
    if binary is not None:
        return binary
    if "vault" in os.environ.get("KEYREC_TEST_REQUIRE", "").split(","):
        pytest.fail(ABSENT)
    pytest.skip(ABSENT)


@pytest.fixture(scope="session")
def vault_client(
    vault_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VaultClient]:
    """Give a client with the root token of a server that runs for the whole session."""
    with dev_server(vault_program, tmp_path_factory.mktemp("vault")) as client:
        yield client


@pytest.fixture(scope="session")
def vault_address(vault_client: VaultClient) -> str:
    """Give the server's address."""
    return vault_client.address


@pytest.fixture(scope="session")
def vault_root_token(vault_client: VaultClient) -> str:
    """Give the server's root token."""
    return vault_client.token


@pytest.fixture
def vault_mount(vault_client: VaultClient) -> str:
    """Give a fresh KV 2 mount."""
    return vault_client.new_mount()


@pytest.fixture
def stored_vault(vault_program: Path, tmp_path: Path) -> Iterator[StoredVault]:
    """Give a server of the test's own that can be sealed and restarted; it is running."""
    server = StoredVault(binary=vault_program, folder=tmp_path / "stored-vault")
    server.start()
    yield server
    server.stop()
