"""`keyrec serve` beside a test, on a free port of this machine."""

from __future__ import annotations

import http.client
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from tests.e2e.desk import Desk

WORKERS = 4


@contextmanager
def serving(desk: Desk, *flags: str) -> Iterator[int]:
    """Serve while the block runs, end in order, and give the port."""
    with desk.started("serve", "--port", "0", "--workers", str(WORKERS), *flags) as process:
        port = _announced(desk, process)
        desk.asked.append(("serve", *flags))
        _wait_until_ready(port)
        yield port
        process.send_signal(signal.SIGTERM)
    said = desk.said_by(process)
    assert process.returncode == 0, said.everything


def ready(port: int) -> bool:
    """Whether the endpoint says that it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection), suppress(OSError):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


def _announced(desk: Desk, process: subprocess.Popen[bytes]) -> int:
    """Wait for the address that the command says."""
    err = desk._channels[process.pid][1]
    while process.poll() is None:
        for line in err.read_text().splitlines():
            if line.startswith("Listening on http"):
                return int(line.rpartition(":")[2].strip("/."))
        time.sleep(0.05)
    raise AssertionError(desk.said_by(process).everything)


def _wait_until_ready(port: int) -> None:
    while not ready(port):
        time.sleep(0.05)
