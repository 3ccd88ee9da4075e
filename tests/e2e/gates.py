"""A gate before the sink: a run that has promised a write waits there until the test lets it go on.

Before age files the gate is the lock of the folder, before Vault the proxy of the campaign.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.chaos.fates import Door, Fate, Matter, Order
from tests.chaos.proxy import Proxy
from tests.e2e.desk import ROOT, Desk
from tests.services.vault_server import VaultClient


class Gate(Protocol):
    """Holds the next write of the run that is started while it is shut."""

    def open(self) -> None:
        """Let the held write go on its way; another run's writes are not held."""

    def environment(self) -> dict[str, str]:
        """Give what the held run has to be told."""


@dataclass
class FolderGate:
    """Holds the folder's lock."""

    folder: int
    modules: Path

    def open(self) -> None:
        """Give the lock back."""
        fcntl.flock(self.folder, fcntl.LOCK_UN)

    def environment(self) -> dict[str, str]:
        """A longer patience with the lock: a test may take its time, a run gives up after 15 s."""
        self.modules.mkdir(exist_ok=True)
        patience = (
            "from reconciler.adapters import age_folders\nage_folders.LOCK_WAITS = [0.05] * 4000\n"
        )
        (self.modules / "sitecustomize.py").write_text(patience)
        return {"PYTHONPATH": f"{self.modules}:{ROOT}"}


@dataclass(frozen=True)
class ProxyGate:
    """Holds the request."""

    proxy: Proxy

    def open(self) -> None:
        """Send it on."""
        self.proxy.go()

    def environment(self) -> dict[str, str]:
        """Nothing: every run of the desk goes through the proxy, whose address the policy pins."""
        return {}


def proxy_to(client: VaultClient) -> Proxy:
    """Give a proxy before a Vault, which lets everything by until it is told otherwise."""
    return Proxy(vault_port=int(client.address.rpartition(":")[2]), store_socket=Path("/nowhere"))


@contextlib.contextmanager
def shut_gate(desk: Desk, path: str, proxy: Proxy | None) -> Iterator[Gate]:
    """Shut the gate before one path of the desk's sink."""
    if proxy is None:
        folder = desk.folder / ".keyrec/secrets" / Path(path).parent
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield FolderGate(descriptor, desk.folder.parent / "patience")
        finally:
            os.close(descriptor)
        return
    proxy.arm(Order(door=Door.VAULT, matter=Matter.WRITE, nth=1, fate=Fate.HALT_BEFORE))
    try:
        yield ProxyGate(proxy)
    finally:
        proxy.clear()
