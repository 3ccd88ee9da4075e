"""A desk to work at as a user does: a folder, a home of its own, the real command, real clients."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, create_engine, text

from tests.leaks.witness import CHILD, VARIABLE
from tests.services.vault_server import VaultClient

KEYREC = (sys.executable, "-m", "reconciler")
PAIRS = {"sqlite-age": "local_desk", "postgres-vault": "server_desk"}
"""The pairs of store and sink, each with the fixture that gives its desk."""


@dataclass(frozen=True)
class Said:
    """What one command said."""

    code: int
    out: str
    err: str

    @property
    def everything(self) -> str:
        """Give both channels, for messages of failed assertions."""
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class Reader(Protocol):
    """How a consumer reads its secret, with the sink's own client."""

    def read(self, path: str) -> str:
        """Give the latest value at the path."""

    def is_gone(self, path: str) -> bool:
        """Whether nothing can be read at the path any more."""


@dataclass
class Desk:
    """One user's place."""

    folder: Path
    store_url: str
    reader: Reader
    environment: dict[str, str]
    init: tuple[str, ...] = ()
    shown: list[str] = field(default_factory=list)
    """Everything that any command printed, for a sweep at the end."""
    asked: list[tuple[str, ...]] = field(default_factory=list)
    """Every command that was run to its end, without its channels."""
    begun: int = 0
    """How many commands were started beside others."""
    _channels: dict[int, tuple[Path, Path]] = field(default_factory=dict)

    def keyrec(self, *arguments: str, stdin: str | None = None, expect: int = 0) -> Said:
        """Run the command and hold it to its exit code."""
        said = self.try_keyrec(*arguments, stdin=stdin)
        assert said.code == expect, f"keyrec {' '.join(arguments)}: {said.everything}"
        return said

    def try_keyrec(self, *arguments: str, stdin: str | None = None) -> Said:
        """Run the command, whatever it says."""
        done = subprocess.run(
            [*KEYREC, *arguments],
            cwd=self.folder,
            env=self.environment,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.shown += [done.stdout, done.stderr]
        self.asked.append(arguments)
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start the command, go on beside it, and wait for its end at the end of the block."""
        self.begun += 1
        out, err = (self.folder.parent / f"{name}-{self.begun}.txt" for name in ("out", "err"))
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                [*KEYREC, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
            )
            self._channels[process.pid] = (out, err)
            try:
                yield process
                process.wait(timeout=90)
            finally:
                process.kill()
                process.wait()

    def said_so_far(self, process: subprocess.Popen[bytes]) -> str:
        """Give the results that a started command has shown until now."""
        return self._channels[process.pid][0].read_text()

    def said_by(self, process: subprocess.Popen[bytes]) -> Said:
        """Give what a started command has said."""
        out, err = (channel.read_text() for channel in self._channels[process.pid])
        self.shown += [out, err]
        return Said(code=process.returncode, out=out, err=err)

    def begin(self) -> Desk:
        """Run `init` and take its example away."""
        self.keyrec("init", *self.init)
        for example in (self.folder / "keys/demo").glob("*"):
            example.unlink()
        return self

    def write(self, name: str, content: str) -> None:
        """Write a file of manifests."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content).lstrip())

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace one text in a file of manifests."""
        path = self.folder / name
        content = path.read_text()
        assert content.count(old) == 1, f"{old!r} stands {content.count(old)} times in {name}"
        path.write_text(content.replace(old, new))

    def apply(self, *arguments: str, expect: int = 0) -> Said:
        """Apply without being asked."""
        return self.keyrec("apply", "--auto-approve", *arguments, expect=expect)

    def secret(self, path: str) -> str:
        """Read a secret as a consumer does."""
        return self.reader.read(path)

    def explain(self, secret: str, *arguments: str, expect: int = 0) -> str:
        """Present a secret on stdin; the explanation."""
        return self.keyrec("explain", *arguments, stdin=secret, expect=expect).out

    def let_overlaps_pass(self) -> None:
        """Bring the end of every overlap under way to the past."""
        self._move("UPDATE key_versions SET retire_at = created_at WHERE state = 'retiring'")

    def let_schedules_come_due(self) -> None:
        """Say of every key that its secret was confirmed a year ago."""
        self._move(f"UPDATE keys SET rotated_at = {_A_YEAR_AGO[self._dialect]}")

    def let_the_lease_run_out(self) -> None:
        """Bring the end of the lease to the past."""
        self._move("UPDATE leases SET expires_at = acquired_at")

    def count(self, rows: str) -> int:
        """Count rows of the store, as in `operations WHERE state = 'open'`."""
        with self._connected() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {rows}")).scalar_one())

    def _move(self, statement: str) -> None:
        with self._connected() as connection:
            connection.execute(text(statement))

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        engine = create_engine(self.absolute_url)
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    @property
    def _dialect(self) -> str:
        return self.store_url.partition(":")[0].partition("+")[0]

    @property
    def absolute_url(self) -> str:
        """Give the store's address as every working directory understands it."""
        return self.store_url.replace("sqlite:///", f"sqlite:///{self.folder}/")


_A_YEAR_AGO = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', rotated_at, '-1 year')",
    "postgresql": "rotated_at - interval '1 year'",
}


def principal() -> str:
    """Give who runs the tests, as keyrec names them."""
    return f"local:{pwd.getpwuid(os.geteuid()).pw_name}"


@dataclass(frozen=True)
class AgeReader:
    """`age -d`; where the tool is absent, the same by the library."""

    secrets: Path
    identity: Path

    def read(self, path: str) -> str:
        """Decrypt the file behind the pointer."""
        return self._run(path).stdout.rstrip("\n")

    def is_gone(self, path: str) -> bool:
        """Whether the pointer leads nowhere."""
        return not (self.secrets / f"{path}.age").exists()

    def _run(self, path: str) -> subprocess.CompletedProcess[str]:
        file = str(self.secrets / f"{path}.age")
        if shutil.which("age") is None:
            command = [sys.executable, str(ROOT / "tools/age_decrypt.py")]
        else:
            command = ["age"]
        command += ["-d", "-i", str(self.identity), file]
        return subprocess.run(command, capture_output=True, text=True, check=True)


@dataclass(frozen=True)
class VaultReader:
    """`vault kv get`, the real client."""

    program: Path
    client: VaultClient
    mount: str
    prefix: str

    def read(self, path: str) -> str:
        """Read the field that consumers read."""
        done = self._get(path)
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def is_gone(self, path: str) -> bool:
        """Whether the latest version was destroyed."""
        return self._get(path).returncode != 0

    def _get(self, path: str) -> subprocess.CompletedProcess[str]:
        full = f"{self.prefix}/{path}"
        return subprocess.run(
            [str(self.program), "kv", "get", "-field=api_key", f"-mount={self.mount}", full],
            env={"VAULT_ADDR": self.client.address, "VAULT_TOKEN": self.client.token, "HOME": "/"},
            capture_output=True,
            text=True,
            check=False,
        )


def age_desk(folder: Path) -> Desk:
    """Set up a desk on SQLite and age files, before `init`."""
    home = folder / "home"
    work = folder / "work"
    temporary = folder / "temporary"
    for made in (home, work, temporary):
        made.mkdir()
    identity = home / ".config/keyrec/age/identity.txt"
    return Desk(
        folder=work,
        store_url="sqlite:///.keyrec/keys.db",
        reader=AgeReader(secrets=work / ".keyrec/secrets", identity=identity),
        environment={
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{CHILD}:{ROOT}",
            VARIABLE: os.environ[VARIABLE],
        },
    )


def vault_desk(
    folder: Path, *, postgres_url: str, program: Path, client: VaultClient, mount: str
) -> Desk:
    """Set up a desk on PostgreSQL and Vault, before `init`."""
    desk = age_desk(folder)
    desk.store_url = postgres_url
    desk.reader = VaultReader(program=program, client=client, mount=mount, prefix="keyrec")
    desk.init = ("--sink", "vault", "--vault-mount", mount, "--vault-prefix", "keyrec")
    desk.environment |= {
        "KEYREC_STORE_URL": postgres_url,
        "VAULT_ADDR": client.address,
        "VAULT_TOKEN": client.token,
    }
    return desk


ROOT = Path(__file__).parents[2]
