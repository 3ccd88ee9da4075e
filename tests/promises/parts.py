"""What a pair is put together from: a store of either kind, a sink of either kind.

A part begins empty, and is read as a consumer reads it, beside keyrec.
"""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import create_engine, text

from reconciler.adapters.age_disk import Disk
from reconciler.adapters.age_identity import kept_identity
from reconciler.adapters.age_sink import AgeSink
from reconciler.adapters.vault_sink import VaultSink
from reconciler.config import VaultAuth, VaultSettings
from reconciler.model.audit import GENESIS
from reconciler.model.policy import SinkKind, SinkPolicy
from reconciler.ports import SecretSink
from tests.contracts.sink_rigs import decrypted
from tests.services.vault_server import VaultClient

SINK_ID = "b9f3c6de-1d4c-4c6b-9f0a-3f1e4f4d9a51"


@dataclass
class AgePart:
    """A folder of age files."""

    folder: Path
    identity: Path
    recipient: str = ""

    def __post_init__(self) -> None:
        """Make the identity, where there is none."""
        self.recipient = kept_identity(self.identity)

    def open(self, disk: Disk | None) -> SecretSink:
        """Open the sink."""
        return AgeSink(self.folder / "secrets", recipients=(self.recipient,), disk=disk)

    def begin(self) -> SinkPolicy:
        """Make an empty sink; the policy that pins it."""
        AgeSink(self.folder / "secrets", recipients=(self.recipient,)).prepare(SINK_ID)
        return SinkPolicy(
            kind=SinkKind.AGE, identity=f"age:{SINK_ID}", recipients=(self.recipient,)
        )

    def read(self, path: str) -> str | None:
        """Read the latest value as a consumer does."""
        return decrypted(self.identity, self.folder / "secrets" / f"{path}.age")

    def holds(self, path: str, version: int) -> bool:
        """Whether a version's copy is there."""
        return (self.folder / "secrets" / f"{path}.{version}.age").exists()

    def anchor(self) -> str:
        """Read what the sink remembers of the store."""
        return (self.folder / "secrets" / "_keyrec" / "anchor.json").read_text()

    def lose(self, path: str) -> None:
        """Delete the latest value by hand; the pointer, and with it the count, stays."""
        (self.folder / "secrets" / f"{path}.age").resolve().unlink()

    def forget(self, path: str) -> None:
        """Delete all of a path by hand, its count too."""
        whole = self.folder / "secrets" / path
        for file in whole.parent.glob(f"{whole.name}.*age"):
            file.unlink()


@dataclass
class VaultPart:
    """A prefix of a real Vault; a new one for every beginning."""

    client: VaultClient
    mount: str
    prefix: str = ""

    def open(self, disk: Disk | None) -> SecretSink:
        """Open the sink."""
        assert disk is None, "Vault has no disk of ours"
        settings = VaultSettings(
            address=self.client.address, auth=VaultAuth(token=SecretStr(self.client.token))
        )
        return VaultSink(settings, mount=self.mount, prefix=self.prefix, parallelism=2)

    def begin(self) -> SinkPolicy:
        """Take a prefix that nobody has used; the policy that pins it."""
        self.prefix = f"p{uuid.uuid4().hex[:12]}"
        sink = self.open(None)
        try:
            identity = sink.identity()
        finally:
            sink.close()
        return SinkPolicy(
            kind=SinkKind.VAULT, identity=identity, mount=self.mount, prefix=self.prefix
        )

    def read(self, path: str) -> str | None:
        """Read the latest value as a consumer does."""
        target = f"{self.mount}/data/{self.prefix}/{path}"
        if self.client.status("GET", target) == 404:
            return None
        return str(self.client.call("GET", target)["data"]["data"]["api_key"])

    def holds(self, path: str, version: int) -> bool:
        """Whether a version's value is there."""
        target = f"{self.mount}/data/{self.prefix}/{path}?version={version}"
        return self.client.status("GET", target) == 200

    def anchor(self) -> str:
        """Read what the sink remembers of the store."""
        target = f"{self.mount}/data/{self.prefix}/_keyrec/anchor"
        return str(self.client.call("GET", target)["data"]["data"]["anchor"])

    def lose(self, path: str) -> None:
        """Delete the latest value by hand."""
        self.client.call("DELETE", f"{self.mount}/data/{self.prefix}/{path}")

    def forget(self, path: str) -> None:
        """Delete all of a path by hand, its count too."""
        self.client.call("DELETE", f"{self.mount}/metadata/{self.prefix}/{path}")


@dataclass
class SqlitePart:
    """A store in a file."""

    folder: Path

    @property
    def url(self) -> str:
        """Give the store's URL."""
        return f"sqlite:///{self.folder / 'store' / 'keys.db'}"

    def begin(self) -> None:
        """Take away what was there."""
        shutil.rmtree(self.folder / "store", ignore_errors=True)


@dataclass
class PostgresPart:
    """A schema of a real PostgreSQL."""

    url: str

    def begin(self) -> None:
        """Empty the tables, where there are any."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            known = connection.execute(text(_TABLES)).scalars().all()
            if "meta" in known:
                others = ", ".join(sorted(set(known) - {"meta", "keyrec_migrations"}))
                connection.execute(text(f"TRUNCATE {others}"))
                reset = "UPDATE meta SET audit_sequence = 0, audit_head = :genesis"
                connection.execute(text(reset), {"genesis": GENESIS})
        engine.dispose()


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
