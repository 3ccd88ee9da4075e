"""The operating system's clock, chance and process settings.

The only place that reads the clock and draws randomness; nothing is decided here.
"""

from __future__ import annotations

import ctypes
import resource
import secrets
import sys
import time
import uuid
from datetime import datetime, timezone

from reconciler.model.token import ALPHABET

_STEADY = getattr(time, "CLOCK_BOOTTIME", None)
_ROUNDS = 256 // len(ALPHABET) * len(ALPHABET)
_DIGITS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
"""The digit that each byte stands for."""
_DRAWN_AGAIN = bytes(range(_ROUNDS, 256))
_PR_SET_DUMPABLE = 4
"""From `linux/prctl.h`."""


class SystemClock:
    """Wall time; implements `reconciler.ports.Clock`."""

    def now(self) -> datetime:
        """Give the time, aware, in UTC."""
        return datetime.now(timezone.utc)


def steady() -> float:
    """Give seconds of a clock that never goes back, for measuring how long something is ago.

    It goes on while the machine sleeps, where the system has such a clock.
    """
    return time.clock_gettime(_STEADY) if _STEADY is not None else time.monotonic()


class SystemEntropy:
    """The operating system's random source; implements `reconciler.ports.Entropy`."""

    def base62(self, length: int) -> str:
        """Draw that many digits, each uniform and independent of the others."""
        drawn = ""
        while len(drawn) < length:
            # A byte above the last whole round of the alphabet is drawn again.
            drawn += secrets.token_bytes(length).translate(_DIGITS, _DRAWN_AGAIN).decode()
        return drawn[:length]

    def identifier(self) -> str:
        """Draw a version 4 UUID, 36 characters."""
        return str(uuid.uuid4())


def harden_process() -> tuple[str, ...]:
    """Keep this process's memory out of core dumps and other processes' debuggers.

    Best effort, to be called once before the first secret is made. Gives the names of what took
    effect: `no-core` (no core file is written) and `not-dumpable` (Linux: no core through a pipe
    either, no ptrace by the same user).
    """
    done = []
    if _forbid_core():
        done.append("no-core")
    if sys.platform == "linux" and _forbid_dump():
        done.append("not-dumpable")
    return tuple(done)


def _forbid_core() -> bool:
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return False
    return True


def _forbid_dump() -> bool:
    try:
        answer = ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return False
    return bool(answer == 0)
