"""What may happen to one message on its way, and to which one."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Door(StrEnum):
    """Before which server."""

    VAULT = "vault"
    STORE = "store"


class Fate(StrEnum):
    """What becomes of a message."""

    CUT_BEFORE = "cut before"
    """The connection ends; the server never sees the message."""
    CUT_AFTER = "cut after"
    """The server does it; the connection ends before its answer."""
    DELAY = "delayed"
    HALF_OPEN = "half open"
    """Swallowed: nothing comes, the connection stands for a time."""
    LATE = "late"
    """The connection ends; the server sees the message later."""
    HALT_BEFORE = "halted before"
    """Held until the driver says go."""
    HALT_AFTER = "halted after"
    """Done, and its answer held until the driver says go."""


class Matter(StrEnum):
    """Which messages count."""

    ANY = "any"
    WRITE = "write"
    """Vault: a check-and-set write of a secret."""
    ANCHOR = "anchor"
    """Vault: the write of the audit anchor, the last thing that a run does."""
    DESTROY = "destroy"
    COMMIT = "commit"
    """PostgreSQL: the end of a transaction."""


_PATTERNS = {
    Matter.ANY: re.compile(rb""),
    Matter.WRITE: re.compile(rb"(?:POST|PUT) /v1/[^/ ]+/data/(?![^ ]*/_keyrec/)"),
    Matter.ANCHOR: re.compile(rb"(?:POST|PUT) /v1/[^/ ]+/data/[^ ]*/_keyrec/"),
    Matter.DESTROY: re.compile(rb"(?:POST|PUT) /v1/[^/ ]+/destroy/"),
    Matter.COMMIT: re.compile(rb"(?s).*COMMIT"),
}


@dataclass(kw_only=True)
class Order:
    """One fate for the nth message that matters at a door."""

    door: Door
    matter: Matter
    nth: int
    fate: Fate
    seconds: float = 0.0

    def matches(self, message: bytes) -> bool:
        """Whether the message counts."""
        return _PATTERNS[self.matter].match(message) is not None

    def document(self) -> dict[str, Any]:
        """Give what `read` reads."""
        return asdict(self)

    @classmethod
    def read(cls, document: dict[str, Any]) -> Order:
        """Read an order."""
        return cls(
            door=Door(document["door"]),
            matter=Matter(document["matter"]),
            nth=document["nth"],
            fate=Fate(document["fate"]),
            seconds=document["seconds"],
        )
