"""Desks for whole journeys: SQLite with age files, PostgreSQL with Vault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.desk import Desk, age_desk, vault_desk

PAIRS = ("sqlite-age", "postgres-vault")


@pytest.fixture(params=PAIRS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    """Give a desk on each pair of store and sink, after `init`."""
    if request.param == "sqlite-age":
        made = age_desk(tmp_path)
    else:
        made = vault_desk(
            tmp_path,
            postgres_url=request.getfixturevalue("postgres_url"),
            program=request.getfixturevalue("vault_program"),
            client=request.getfixturevalue("vault_client"),
            mount=request.getfixturevalue("vault_mount"),
        )
    made.keyrec("init", *made.init)
    for example in (made.folder / "keys").glob("demo/*"):
        example.unlink()
    return made


@pytest.fixture
def local_desk(tmp_path: Path) -> Desk:
    """Give a desk on SQLite and age files, after `init`, without its example key."""
    made = age_desk(tmp_path)
    made.keyrec("init")
    for example in (made.folder / "keys").glob("demo/*"):
        example.unlink()
    return made
