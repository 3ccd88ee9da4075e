"""Where it all happens: a PostgreSQL that keeps its data, a Vault that can be sealed, a proxy."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import DictRow, dict_row

from tests.chaos.proxy import Proxy
from tests.chaos.runs import Starter
from tests.services.postgres_server import DURABLE, PostgresServer
from tests.services.vault_server import StoredVault

ROOT = Path(__file__).parents[2]
PREFIX = "keyrec"
MANAGER = "platform-keys"


@dataclass(frozen=True)
class Place:
    """Servers of the campaign's own, and a user's folder."""

    folder: Path
    work: Path
    postgres: PostgresServer
    vault: StoredVault
    mount: str
    proxy: Proxy
    starter: Starter

    @contextlib.contextmanager
    def sql(self) -> Iterator[psycopg.Connection[DictRow]]:
        """Connect to the store, past the proxy; committed at the end."""
        with psycopg.connect(
            host=str(self.postgres.socket.parent), user="postgres", row_factory=dict_row
        ) as connection:
            yield connection

    def end_lease(self) -> None:
        """Bring the lease's end to the past, as if its time had gone by."""
        with self.sql() as connection:
            connection.execute("UPDATE leases SET expires_at = now() - interval '1 ms'")


@contextlib.contextmanager
def opened_place(program: Path) -> Iterator[Place]:
    """Start everything; it ends with the block, with all its data."""
    folder = Path(tempfile.mkdtemp(prefix="keyrec-chaos-"))
    with contextlib.ExitStack() as ends:
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        database = Path(tempfile.mkdtemp(prefix="keyrec-pg-"))
        ends.callback(shutil.rmtree, database, ignore_errors=True)
        postgres = PostgresServer(database, settings=DURABLE)
        postgres.make()
        postgres.start()
        ends.callback(postgres.stop)
        vault = StoredVault(binary=program, folder=folder / "vault")
        vault.start()
        ends.callback(vault.stop)
        mount = vault.client.new_mount()
        proxy = Proxy(vault_port=vault.port, store_socket=postgres.socket)
        ends.callback(proxy.close)
        yield _furnished(folder, postgres, vault, mount, proxy)


def _furnished(
    folder: Path, postgres: PostgresServer, vault: StoredVault, mount: str, proxy: Proxy
) -> Place:
    work, output, home = (folder / name for name in ("work", "output", "home"))
    for made in (work, output, home):
        made.mkdir()
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "KEYREC_MANAGER": MANAGER,
        "KEYREC_STORE_URL": f"postgresql+psycopg://postgres@127.0.0.1:{proxy.store_port}/postgres",
        "VAULT_ADDR": f"http://127.0.0.1:{proxy.vault_port}",
        "VAULT_TOKEN": vault.root_token,
        "VAULT_CLIENT_TIMEOUT": "2s",
        "VAULT_MAX_RETRIES": "1",
    }
    return Place(
        folder=folder,
        work=work,
        postgres=postgres,
        vault=vault,
        mount=mount,
        proxy=proxy,
        starter=Starter(folder=work, output=output, environment=environment),
    )
