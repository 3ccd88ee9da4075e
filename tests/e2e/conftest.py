"""Desks for whole journeys: SQLite with age files, PostgreSQL with Vault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.desk import PAIRS, Desk, age_desk, vault_desk
from tests.services.vault_server import VaultClient


@pytest.fixture(params=PAIRS)
def desk(request: pytest.FixtureRequest) -> Desk:
    """Give a desk on each pair of store and sink, after `init`, without its example key."""
    made: Desk = request.getfixturevalue(PAIRS[request.param])
    return made


@pytest.fixture
def local_desk(tmp_path: Path) -> Desk:
    """Give a desk on SQLite and age files, after `init`, without its example key."""
    return age_desk(tmp_path).begin()


@pytest.fixture
def server_desk(
    tmp_path: Path,
    postgres_url: str,
    vault_program: Path,
    vault_client: VaultClient,
    vault_mount: str,
) -> Desk:
    """Give a desk on PostgreSQL and Vault, after `init`, without its example key."""
    return vault_desk(
        tmp_path,
        postgres_url=postgres_url,
        program=vault_program,
        client=vault_client,
        mount=vault_mount,
    ).begin()
