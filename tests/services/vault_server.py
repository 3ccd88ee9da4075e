"""A real Vault server for the tests: found or built by `build_vault.sh`, started here.

`dev_server` is unsealed and in memory. `StoredVault` keeps its storage in a folder, so that it can
be sealed, unsealed, stopped and started again. Servers are ended by their own process, never by
name.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSION = "1.21.1"
START_SECONDS = 30


def vault_binary(environ: Mapping[str, str]) -> Path | None:
    """Give the server to run: KEYREC_TEST_VAULT, `vault` or `bao` on PATH, the user's cache."""
    if named := environ.get("KEYREC_TEST_VAULT"):
        return Path(named)
    for name in ("vault", "bao"):
        if found := shutil.which(name, path=environ.get("PATH")):
            return Path(found)
    cache = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "/")) / ".cache")
    built = Path(cache) / "keyrec-tests" / f"vault-{VERSION}" / "vault"
    return built if os.access(built, os.X_OK) else None


def free_port() -> int:
    """Give a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultClient:
    """Just enough of Vault's API for a test to arrange things and to look, independent of keyrec."""

    address: str
    token: str

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a request to `/v1/<path>`; the decoded answer, None where it is empty."""
        request = urllib.request.Request(
            f"{self.address}/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Vault-Token": self.token} if self.token else {},
        )
        with _opener().open(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def status(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> int:
        """Give the status that a request is answered with."""
        try:
            self.call(method, path, body)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        return 200

    def as_token(self, token: str) -> VaultClient:
        """Give the same server with another token."""
        return VaultClient(address=self.address, token=token)

    def new_mount(self, *, options: Mapping[str, str] | None = None) -> str:
        """Mount a fresh KV engine, version 2 unless said otherwise, and wait until it is ready."""
        mount = f"kv-{secrets.token_hex(4)}"
        body = {"type": "kv", "options": dict(options or {"version": "2"})}
        self.call("POST", f"sys/mounts/{mount}", body)
        if body["options"] == {"version": "2"}:
            _until(lambda: self.status("GET", f"{mount}/config") == 200)
        return mount

    def new_policy(self, text: str) -> str:
        """Store a policy under a fresh name."""
        name = f"policy-{secrets.token_hex(4)}"
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": text})
        return name

    def new_token(self, *policies: str, **fields: Any) -> str:
        """Make a token with these policies."""
        body = {"policies": list(policies), "no_default_policy": False, **fields}
        return str(self.call("POST", "auth/token/create-orphan", body)["auth"]["client_token"])


@contextlib.contextmanager
def dev_server(binary: Path, folder: Path) -> Iterator[VaultClient]:
    """Run a server in development mode: in memory, unsealed, with a random root token."""
    token, port = secrets.token_hex(16), free_port()
    client = VaultClient(address=f"http://127.0.0.1:{port}", token=token)
    command = [str(binary), "server", "-dev", "-dev-no-store-token", "-dev-no-kv"]
    command += [f"-dev-listen-address=127.0.0.1:{port}"]
    named = {f"{name}_DEV_ROOT_TOKEN_ID": token for name in ("VAULT", "BAO")}
    with _running(command, folder, named):
        _until(lambda: _answers(client))
        yield client


@dataclass(slots=True)
class StoredVault:
    """A server with storage in a folder; sealed, unsealed and restarted at will."""

    binary: Path
    folder: Path
    port: int = field(default_factory=free_port)
    cluster_port: int = field(default_factory=free_port)
    root_token: str = ""
    unseal_key: str = ""
    _running: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def client(self) -> VaultClient:
        """Give a client with the root token."""
        return VaultClient(address=f"http://127.0.0.1:{self.port}", token=self.root_token)

    def start(self) -> None:
        """Start the process; sealed, except that the first start also initialises and unseals."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "vault.json"
        configuration.write_text(json.dumps(self._configuration()))
        command = [str(self.binary), "server", f"-config={configuration}"]
        self._running.enter_context(_running(command, self.folder, {}))
        _until(lambda: _answers(self.client))
        if not self.root_token:
            self._initialise()

    def stop(self) -> None:
        """End the process; what it stored stays."""
        self._running.close()

    def seal(self) -> None:
        """Seal it: it answers, and does nothing."""
        self.client.call("PUT", "sys/seal")

    def unseal(self) -> None:
        """Open it again and wait until it works."""
        self.client.as_token("").call("PUT", "sys/unseal", {"key": self.unseal_key})
        _until(lambda: self.client.status("GET", "sys/health") == 200)

    def _initialise(self) -> None:
        wanted = {"secret_shares": 1, "secret_threshold": 1}
        made = self.client.call("PUT", "sys/init", wanted)
        self.root_token, (self.unseal_key,) = made["root_token"], made["keys_base64"]
        self.unseal()

    def _configuration(self) -> dict[str, Any]:
        address = f"127.0.0.1:{self.port}"
        return {
            "storage": {"raft": {"path": str(self.folder / "data"), "node_id": "one"}},
            "listener": {
                "tcp": {
                    "address": address,
                    "cluster_address": f"127.0.0.1:{self.cluster_port}",
                    "tls_disable": True,
                }
            },
            "api_addr": f"http://{address}",
            "cluster_addr": f"https://127.0.0.1:{self.cluster_port}",
            "disable_mlock": True,
        }


@contextlib.contextmanager
def _running(
    command: list[str], folder: Path, environ: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir(parents=True, exist_ok=True)
    inherited = {"PATH": os.defpath, "HOME": str(folder), "SKIP_SETCAP": "1"}
    with (
        (folder / "vault.log").open("ab") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env={**inherited, **environ}) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(client: VaultClient) -> bool:
    try:
        client.call("GET", "sys/seal-status")
    except (OSError, urllib.error.URLError):
        return False
    return True


def _until(question: Any) -> None:
    """Ask again until the answer is yes; fails after half a minute."""
    for _ in range(START_SECONDS * 20):
        if question():
            return
        time.sleep(0.05)
    raise AssertionError(f"Vault was not ready within {START_SECONDS} seconds")


def _opener() -> urllib.request.OpenerDirector:
    """Give an opener that knows no proxies: these servers are on this machine."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
