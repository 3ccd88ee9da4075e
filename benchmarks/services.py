"""A real Vault and a real PostgreSQL of the measurement's own, on this machine, found as the tests
find theirs. The database waits for the disk, as one in use does; Vault keeps its things in memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text

from benchmarks.manifests import KEYS, Shape, configured, single_files
from benchmarks.measure import Failed
from tests.services.postgres_server import DURABLE, PostgresServer
from tests.services.vault_server import VaultClient, dev_server, vault_binary

MOUNT = "secret"
_CONFIG = """\
apiVersion: keyrec/v1
kind: Config
manager: bench
manifests: [keys]
store: {{url: "{store}"}}
sink: {{vault: {{address: "{vault}"}}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Both servers, for as long as they run."""

    vault: VaultClient
    """Has a KV engine, version 2, at `secret`, and the root token."""
    postgres: str
    """Its URL without a schema."""

    @property
    def env(self) -> dict[str, str]:
        """Give what leads a program to Vault."""
        return {"VAULT_ADDR": self.vault.address, "VAULT_TOKEN": self.vault.token}

    def new_store(self) -> str:
        """Make a schema of its own; its URL."""
        schema = f"bench_{uuid4().hex[:12]}"
        engine = create_engine(self.postgres)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        engine.dispose()
        url = make_url(self.postgres).update_query_dict({"options": f"-csearch_path={schema}"})
        return url.render_as_string(hide_password=False)

    def new_folder(
        self, place: Path, count: int, shape: Shape | None = None
    ) -> tuple[Path, dict[str, str]]:
        """Make a folder with keys, a store and a place in Vault of its own; the environment."""
        folder = place / f"keyrec-{uuid4().hex[:8]}"
        single_files(count, folder / KEYS, shape)
        config = _CONFIG.format(store=self.new_store(), vault=self.vault.address)
        wish = ["--sink", "vault", "--vault-mount", MOUNT, "--vault-prefix", folder.name]
        return folder, configured(folder, config=config, more=self.env, wish=wish)


@contextmanager
def running_services() -> Iterator[Services]:
    """Run both servers.

    Raises:
        Failed: there is no Vault; `make services` finds or builds one.
    """
    binary = vault_binary(os.environ)
    if binary is None:
        raise Failed("there is no Vault: run make services")
    # A socket's path is short by law.
    folder = Path(tempfile.mkdtemp(prefix="keyrec-b-"))
    folder.chmod(0o755)
    try:
        server = PostgresServer(folder, settings=DURABLE)
        server.make()
        server.start()
        try:
            with dev_server(binary, folder / "vault") as client:
                _mount(client)
                yield Services(vault=client, postgres=server.url)
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _mount(client: VaultClient) -> None:
    """Mount the engine and wait until it is ready."""
    made = VaultClient(address=client.address, token=client.token)
    made.call("POST", f"sys/mounts/{MOUNT}", {"type": "kv", "options": {"version": "2"}})
    client.call("GET", "sys/mounts")
