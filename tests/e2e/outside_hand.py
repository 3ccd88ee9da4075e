"""What somebody does to a path past keyrec, with the sink's own tools: Vault's client, files."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.e2e.desk import AgeReader, Desk, VaultReader


class Hand(Protocol):
    """Somebody with rights in the sink."""

    def overwrite(self, path: str) -> None:
        """Put a value that is none of keyrec's there."""

    def roll_back(self, path: str) -> None:
        """Bring the first value back."""

    def forget(self, path: str) -> None:
        """Delete the path with its version count."""

    def empty(self, path: str) -> None:
        """Delete the latest value; the count stays."""

    def bring_back(self, path: str) -> None:
        """Take the deletion of the latest value back."""

    def destroy(self, path: str) -> None:
        """Destroy the latest value for ever; the count stays."""


@dataclass(frozen=True)
class AgeHand:
    """Files and links."""

    secrets: Path

    def _pointer(self, path: str) -> Path:
        return self.secrets / f"{path}.age"

    def _latest(self, path: str) -> Path:
        pointer = self._pointer(path)
        return pointer.with_name(pointer.readlink().name)

    def _point(self, path: str, version: int) -> Path:
        pointer = self._pointer(path)
        target = pointer.with_name(f"{pointer.stem}.{version}.age")
        pointer.unlink()
        pointer.symlink_to(target.name)
        return target

    def overwrite(self, path: str) -> None:
        """Add the next file and switch the pointer to it."""
        number = int(self._latest(path).name.split(".")[-2])
        self._point(path, number + 1).write_bytes(b"age-encryption.org/v1, a stranger's")

    def roll_back(self, path: str) -> None:
        """Switch the pointer back."""
        self._point(path, 1)

    def forget(self, path: str) -> None:
        """Remove the pointer and every file behind it."""
        pointer = self._pointer(path)
        for file in pointer.parent.glob(f"{pointer.stem}.*"):
            file.unlink()

    def empty(self, path: str) -> None:
        """Take the latest file away."""
        latest = self._latest(path)
        latest.rename(latest.with_suffix(".taken"))

    def bring_back(self, path: str) -> None:
        """Put it back."""
        latest = self._latest(path)
        latest.with_suffix(".taken").rename(latest)

    def destroy(self, path: str) -> None:
        """Remove the latest file."""
        self._latest(path).unlink()


@dataclass(frozen=True)
class VaultHand:
    """`vault kv`."""

    reader: VaultReader

    def overwrite(self, path: str) -> None:
        """Write something else."""
        self._kv("put", path, "password=a-stranger-wrote-this")

    def roll_back(self, path: str) -> None:
        """`vault kv rollback`."""
        self._kv("rollback", path, before=("-version=1",))

    def forget(self, path: str) -> None:
        """`vault kv metadata delete`."""
        self._kv("metadata", path, before=(), verb=("delete",))

    def empty(self, path: str) -> None:
        """`vault kv delete`."""
        self._kv("delete", path)

    def bring_back(self, path: str) -> None:
        """`vault kv undelete`."""
        self._kv("undelete", path, before=("-versions=2",))

    def destroy(self, path: str) -> None:
        """`vault kv destroy`."""
        self._kv("destroy", path, before=("-versions=2",))

    def _kv(
        self,
        command: str,
        path: str,
        *rest: str,
        before: tuple[str, ...] = (),
        verb: tuple[str, ...] = (),
    ) -> None:
        reader = self.reader
        place = (f"-mount={reader.mount}", *before, f"{reader.prefix}/{path}")
        done = subprocess.run(
            [str(reader.program), "kv", command, *verb, *place, *rest],
            env={
                "VAULT_ADDR": reader.client.address,
                "VAULT_TOKEN": reader.client.token,
                "HOME": "/",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def hand_at(desk: Desk) -> Hand:
    """Give the hand that reaches the desk's sink."""
    reader = desk.reader
    if isinstance(reader, VaultReader):
        return VaultHand(reader=reader)
    assert isinstance(reader, AgeReader)
    return AgeHand(secrets=reader.secrets)
