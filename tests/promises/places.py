"""The four pairs of store and sink that promises are held on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.promises.parts import AgePart, PostgresPart, SqlitePart, VaultPart
from tests.promises.place import Place
from tests.services.vault_server import VaultClient

LOCAL = "sqlite-age"
"""A folder: quick enough for every two points."""
PAIRS = (LOCAL, "sqlite-vault", "postgres-age", "postgres-vault")
_MEMORY = Path("/dev/shm")


@contextmanager
def fast_folder() -> Iterator[Path]:
    """Give a folder in memory where the machine has such a place: these runs wait for disks else."""
    where = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="keyrec-promises-", dir=where) as folder:
        yield Path(folder)


def place_of(
    pair: str, folder: Path, *, postgres_url: str | None, vault: VaultClient | None
) -> Place:
    """Give one pair; its servers are there where it needs them."""
    store, _, sink = pair.partition("-")
    work = folder / "work"
    work.mkdir()
    if sink == "age":
        holds: AgePart | VaultPart = AgePart(work, folder / "identity.txt")
    else:
        assert vault is not None
        holds = VaultPart(vault, vault.new_mount())
    if store == "sqlite":
        return Place(name=pair, keeps=SqlitePart(work), holds=holds)
    assert postgres_url is not None
    return Place(name=pair, keeps=PostgresPart(postgres_url), holds=holds)
