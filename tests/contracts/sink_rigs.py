"""The sinks that the contract suite runs on, each with its consumer's own way of reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from reconciler.adapters.age_identity import kept_identity
from reconciler.adapters.age_sink import AgeSink
from reconciler.adapters.vault_sink import VaultSink
from reconciler.config import VaultAuth, VaultSettings
from reconciler.model.secret import Secret
from reconciler.ports import SecretPayload, SecretSink
from tests.fakes.sink import FakeSink
from tests.services.vault_server import VaultClient

EXAMPLES = Path(__file__).parents[2] / "examples" / "policies" / "vault"
MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """One implementation under test."""

    reopened: Callable[[], SecretSink]
    """Gives the sink as a new run would open it; what was written is still there."""
    consumed: Callable[[str], str | None]
    """Reads the latest value at a path as a consumer does, without keyrec."""
    is_readable: bool
    """Whether keyrec itself may read values back."""
    overwrite: Callable[[str], object]
    """Puts a stranger's value at a path as its next version."""
    empty: Callable[[str], object]
    """Takes the latest value away, as the sink's own tools do; the version count stays."""


def payload(number: int = 1, *, expires_at: datetime | None = None) -> SecretPayload:
    """Give the payload of version `number` of a key."""
    return SecretPayload(
        api_key=Secret(f"krk_prod_{number:012d}_{'s' * 49}"),
        key_id="key-1",
        version_id=f"{number:012d}",
        workspace="payments",
        name="billing-sync-prod",
        environment="prod",
        created_at=MOMENT,
        expires_at=expires_at,
    )


def text(number: int = 1) -> str:
    """Give the plain text of that payload's key."""
    return payload(number).api_key.reveal()


def fake_rig(*, readable: bool) -> Rig:
    """Give the fake; it lives as long as the test."""
    sink = FakeSink(readable=readable)
    return Rig(
        reopened=lambda: sink,
        consumed=sink.secret_at,
        is_readable=readable,
        overwrite=sink.stranger_writes,
        empty=sink.drop_latest,
    )


def age_rig(folder: Path) -> Rig:
    """Give an age folder with a fresh identity."""
    identity = folder / "outside" / "identity.txt"
    recipient = kept_identity(identity)
    directory = folder / "secrets"

    def reopened() -> AgeSink:
        return AgeSink(directory, recipients=(recipient,))

    reopened().prepare("b9f3c6de-1d4c-4c6b-9f0a-3f1e4f4d9a51")
    return Rig(
        reopened=reopened,
        consumed=lambda path: decrypted(identity, directory / f"{path}.age"),
        is_readable=False,
        overwrite=lambda path: put_file(directory / f"{path}.age"),
        empty=lambda path: (directory / f"{path}.age").resolve().unlink(),
    )


def put_file(pointer: Path) -> None:
    """Put a stranger's file as the next version behind a pointer."""
    number = int(pointer.readlink().name.split(".")[-2]) + 1
    file = pointer.with_name(f"{pointer.stem}.{number}.age")
    file.write_bytes(b"what a stranger wrote")
    pointer.unlink()
    pointer.symlink_to(file.name)


def vault_rig(client: VaultClient, mount: str, *, readable: bool) -> Rig:
    """Give a mount of a real Vault, with the rights of the policies that ship as examples."""
    names = ["apply", "apply-destroy", *(["apply-read"] if readable else [])]
    policies = [client.new_policy(example_policy(name, mount=mount)) for name in names]
    token = client.new_token(*policies)

    def consumed(path: str) -> str | None:
        target = f"{mount}/data/keyrec/{path}"
        if client.status("GET", target) == 404:
            return None
        return str(client.call("GET", target)["data"]["data"]["api_key"])

    return Rig(
        reopened=lambda: vault_sink(client.as_token(token), mount),
        consumed=consumed,
        is_readable=readable,
        overwrite=lambda path: client.call(
            "POST", f"{mount}/data/keyrec/{path}", {"data": {"password": "canary"}}
        ),
        empty=lambda path: client.call("DELETE", f"{mount}/data/keyrec/{path}"),
    )


def vault_sink(client: VaultClient, mount: str, **settings: Any) -> VaultSink:
    """Give a sink with the client's address and token; `settings` say more."""
    auth = VaultAuth(token=SecretStr(client.token))
    known: dict[str, Any] = {"address": client.address, "auth": auth}
    return VaultSink(
        VaultSettings(**(known | settings)), mount=mount, prefix="keyrec", parallelism=4
    )


def example_policy(name: str, *, mount: str) -> str:
    """Give the text of an example policy, for another mount."""
    text = (EXAMPLES / f"{name}.hcl").read_text(encoding="utf-8")
    return text.replace('path "secret/', f'path "{mount}/')


def decrypted(identity: Path, file: Path) -> str | None:
    """Read an age file as a consumer does; None where there is none.

    The ordinary `age` tool has tests of its own; here pyrage stands in, which is always there.
    """
    from pyrage import decrypt, x25519

    if not file.exists():
        return None
    (line,) = [t for t in identity.read_text().splitlines() if t.startswith("AGE-SECRET-KEY-1")]
    return bytes(decrypt(file.read_bytes(), [x25519.Identity.from_str(line)])).decode().rstrip("\n")
