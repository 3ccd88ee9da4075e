"""How-to pages that are drills: each is typed into a shell word for word, in an empty folder."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, text

from tests.fakes.typed_page import ROOT, opened_shell, steps_of
from tests.services.programs import needs
from tests.services.vault_server import StoredVault

PAGES = ROOT / "docs" / "how-to"
DRILLS = (
    "back-up-and-restore",
    "break-glass",
    "review-a-change",
    "take-over-existing-keys",
    "upgrade-and-roll-back",
    "when-a-key-does-not-work",
)


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_works_word_for_word(name: str, tmp_path: Path) -> None:
    """Whoever types what stands there sees what stands there."""
    needs("sqlite3")
    typed(name, tmp_path, {})


def test_the_drill_on_servers_works_word_for_word(
    tmp_path: Path,
    own_database: URL,
    postgres_programs: Path,
    stored_vault: StoredVault,
) -> None:
    """A dump is restored, then a snapshot, and each time keyrec says so and mends it."""
    variables = {
        "KEYREC_STORE_URL": own_database.render_as_string(hide_password=False),
        "PGHOST": str(own_database.host or own_database.query["host"]),
        "PGPORT": str(own_database.port or 5432),
        "PGUSER": str(own_database.username),
        "PGPASSWORD": own_database.password or "",
        "PGDATABASE": str(own_database.database),
        "VAULT_ADDR": stored_vault.client.address,
        "VAULT_TOKEN": stored_vault.root_token,
    }
    programs = (postgres_programs, _folder_of(stored_vault.binary, tmp_path))
    typed("back-up-and-restore-servers", tmp_path, variables, *programs)


@pytest.fixture
def own_database(postgres_server: URL, postgres_admin: Engine) -> Iterator[URL]:
    """Give the address of an empty database that ends with the test."""
    name = f"keyrec_{uuid.uuid4().hex[:12]}"
    with postgres_admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres_server.set(database=name)
    with postgres_admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def typed(name: str, folder: Path, variables: Mapping[str, str], *programs: Path) -> None:
    """Type a page into one shell, and hold every step to what the page shows."""
    work = folder / "work"
    work.mkdir()
    steps = list(steps_of(PAGES / f"{name}.md"))
    assert len(steps) > 5
    with opened_shell(work, folder / "home", variables, *programs) as shell:
        for step in steps:
            printed, code = shell.say(step.command)
            assert code == 0, f"$ {step.command}\n{printed}"
            assert step.fits(printed), f"$ {step.command}\n{printed}"


def _folder_of(vault: Path, folder: Path) -> Path:
    """Give a folder that holds the server's program under the name that the page types."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "vault").symlink_to(vault)
    return bin_folder
