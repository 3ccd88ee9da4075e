"""The driver's end of the proxy process: arm an order, see it reached, say go."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.chaos.fates import Order

ROOT = Path(__file__).parents[2]
LONGEST_REPLY = 60.0


class Proxy:
    """A running proxy."""

    def __init__(self, *, vault_port: int, store_socket: Path) -> None:
        """Start it and learn its ports."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.network", str(vault_port), str(store_socket)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._buffer = b""
        self._reached: list[str] = []
        self._replies: list[dict[str, Any]] = []
        self.vault_port, self.store_port = self._reply("ports")

    def arm(self, order: Order) -> None:
        """Give an order."""
        self._command({"do": "arm", "order": order.document()})

    def clear(self) -> None:
        """Take all orders back, and let go of what is halted without forwarding it."""
        self._command({"do": "clear"})
        self._reached.clear()

    def go(self, *, forward: bool = True) -> None:
        """Let go of what is halted."""
        self._command({"do": "go", "forward": forward})

    def deliver_late(self) -> list[int]:
        """Send the writes that were kept back; Vault's answers by status."""
        answers: list[int] = self._command({"do": "deliver"})
        return answers

    def has_reached(self, seconds: float) -> bool:
        """Wait at most so long for an order to be reached; each is told once."""
        until = time.monotonic() + seconds
        while not self._reached:
            left = until - time.monotonic()
            if left <= 0:
                return False
            self._take_in(left)
        self._reached.pop(0)
        return True

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _command(self, command: dict[str, Any]) -> Any:
        if self._process.stdin is None:
            raise AssertionError("the proxy was started with a pipe")
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        return self._reply("done")

    def _reply(self, word: str) -> Any:
        until = time.monotonic() + LONGEST_REPLY
        while time.monotonic() < until:
            for reply in self._replies:
                if word in reply:
                    self._replies.remove(reply)
                    return reply[word]
            self._take_in(until - time.monotonic())
        raise AssertionError("the proxy does not answer")

    def _take_in(self, seconds: float) -> None:
        """Read what the proxy says within that time."""
        if self._process.stdout is None:
            raise AssertionError("the proxy was started with a pipe")
        descriptor = self._process.stdout.fileno()
        if not select.select([descriptor], [], [], seconds)[0]:
            return
        content = os.read(descriptor, 1 << 16)
        if not content:
            raise AssertionError("the proxy has ended")
        *lines, self._buffer = (self._buffer + content).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "reached" in said:
                self._reached.append(said["reached"])
            else:
                self._replies.append(said)
