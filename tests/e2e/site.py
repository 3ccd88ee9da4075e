"""A site behind keyrec: `keyrec serve` on a desk's store, nginx with the ready-made files, curl.

The files of `examples/08-nginx` are taken as they stand; only addresses are put in their place.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.desk import KEYREC, ROOT, Desk
from tests.services.nginx import Application, Wire, running_nginx, until
from tests.services.vault_server import free_port

EXAMPLE = ROOT / "examples" / "08-nginx"
NGINX, KEYREC_ADDRESS, APPLICATION = "127.0.0.1:8320", "127.0.0.1:8321", "127.0.0.1:8322"
"""Where the example listens."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What curl was answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def of(cls, raw: bytes) -> Answered:
        """Read head and body, byte for byte."""
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        headers = tuple((name.lower(), value) for name, _, value in pairs)
        return cls(status=int(first.split()[1]), headers=headers, body=body)

    def only(self, name: str) -> str | None:
        """Give the value of a header that comes at most once."""
        values = [value for written, value in self.headers if written == name]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def constant(self) -> tuple[object, ...]:
        """Give all that may not differ between two refusals that are to look the same."""
        changing = {"date", "x-request-id"}
        return self.status, [h for h in self.headers if h[0] not in changing], self.body


@dataclass(frozen=True, kw_only=True)
class Site:
    """One nginx, with what stands behind and beside it."""

    folder: Path
    port: int
    application: Application

    def ask(
        self,
        target: str = "/reviews/1",
        *,
        key: str | None = None,
        method: str = "GET",
        headers: Sequence[str] = (),
        body: bytes | None = None,
        source: str = "127.0.0.1",
    ) -> Answered:
        """Send a request from an address of this machine; `key` goes in as X-API-Key."""
        if key is not None:
            headers = (f"X-API-Key: {key}", *headers)
        request = [
            ("url", f"http://127.0.0.1:{self.port}{target}"),
            ("request", method),
            ("interface", source),
            *(("header", header) for header in (*headers, "Expect:")),
        ]
        if body is not None:
            sent = self.folder / "sent"
            sent.write_bytes(body)
            request.append(("data-binary", f"@{sent}"))
        return Answered.of(curl(request))

    def forget(self) -> None:
        """Forget what came through."""
        self.application.received.clear()


def curl(options: Sequence[tuple[str, str]]) -> bytes:
    """Run curl; its options go in on stdin, for they hold keys. What it was answered, with heads."""
    lines = [f"{name} = {_quoted(value)}" for name, value in options]
    config = "\n".join(("silent", "show-error", "include", "path-as-is", 'noproxy = "*"', *lines))
    done = subprocess.run(
        ["curl", "--disable", "--config", "-"],
        input=config.encode("latin-1"),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@contextmanager
def serving(
    desk: Desk, *, port: int | None = None, uds: Path | None = None, trusted: str = "127.0.0.1"
) -> Iterator[int]:
    """Run `keyrec serve` for a block, on a port, which is told, or on a Unix socket."""
    port = port or free_port()
    ways = ("--port", str(port)) if uds is None else ("--uds", str(uds))
    log = desk.folder.parent / f"serve-{port}.log"
    with (
        log.open("wb") as said,
        subprocess.Popen(
            [*KEYREC, "serve", *ways, "--environment", "prod"],
            cwd=desk.folder,
            env=desk.environment | {"KEYREC_TRUSTED_PROXIES": trusted},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        ) as process,
    ):
        try:
            until(lambda: _is_ready(port, uds) or process.poll() is not None, "keyrec is ready")
            assert process.poll() is None, log.read_text()
            yield port
        finally:
            process.terminate()
            process.wait(timeout=90)


def _is_ready(port: int, uds: Path | None) -> bool:
    way = [] if uds is None else ["--unix-socket", str(uds)]
    asking = ["curl", "--disable", "--silent", "--noproxy", "*", *way]
    asking += ["--output", "/dev/null", "--write-out", "%{http_code}"]
    done = subprocess.run(
        [*asking, f"http://127.0.0.1:{port}/readyz"], capture_output=True, check=False
    )
    return done.stdout == b"200"


@contextmanager
def site(folder: Path, keyrec: str, *, more: str = "") -> Iterator[Site]:
    """Run nginx in front of an application for a block.

    `keyrec`: where nginx finds keyrec, as its `server` directive has it. `more`: directives for
    the example's `server {}`.
    """
    with ExitStack() as running:
        application = running.enter_context(Application().running())
        port = free_port()
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".keyrec", "run"))
        _put(folder / "keyrec/upstream.conf", f"server {KEYREC_ADDRESS};", f"server {keyrec};")
        _put(folder / "site.conf", APPLICATION, f"127.0.0.1:{application.port}")
        _put(folder / "site.conf", f"listen {NGINX};", f"listen 127.0.0.1:{port};\n{more}")
        (folder / "application.conf").write_text("")
        running.enter_context(running_nginx(folder, port))
        yield Site(folder=folder, port=port, application=application)


@contextmanager
def wired(port: int) -> Iterator[Wire]:
    """Stand between nginx and keyrec for a block."""
    with Wire(goal=port).running() as wire:
        yield wire


def _put(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{old!r} does not stand in {file.name}"
    file.write_text(text.replace(old, new))
