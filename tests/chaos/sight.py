"""One look at everything from outside, with what earlier looks saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from psycopg.rows import DictRow

from tests.chaos.looking import Consumers, Rows, Value

GENESIS = "0" * 64


@dataclass
class Memory:
    """What earlier looks saw."""

    proven: dict[str, str] = field(default_factory=dict)
    """Version ids with the hash that their value was verified against."""
    presented: int = 0
    done: dict[str, object] = field(default_factory=dict)
    """What was final."""
    excused: set[str] = field(default_factory=set)
    """Versions whose deadline the campaign itself has moved."""
    sequence: int = 0
    head: str = GENESIS
    hashes: dict[int, str] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    """How many events of each name the chain holds."""
    requests: int = 0
    """How many rotations a person has asked for."""


@dataclass(frozen=True)
class Sight:
    """One look."""

    consumers: Consumers
    rows: Rows
    memory: Memory

    def version(self, value: Value) -> DictRow | None:
        """Give the row of a value."""
        return self.rows.versions.get(value.version_id)

    def has_ended(self, row: DictRow) -> bool:
        """Whether the key admits nobody by somebody's will, or the version leaked."""
        key = self.rows.keys[row["key_id"]]
        is_expired = key["expires_at"] is not None and key["expires_at"] <= self.rows.now
        is_stopped = not key["active"] or key["hold_since"] is not None
        return is_stopped or is_expired or key["status"] == "removed" or row["leaked"]

    def is_excused(self, row: DictRow) -> bool:
        """Whether the secret need not work: it has ended, or its deadline was moved."""
        return self.has_ended(row) or row["version_id"] in self.memory.excused

    def is_accepted(self, row: DictRow) -> bool:
        """Whether the version's state admits its secret."""
        if row["state"] == "retiring":
            return row["retire_at"] is None or self.rows.now < row["retire_at"]
        return row["state"] in {"provisional", "current"}

    def is_proven(self, value: Value, row: DictRow) -> bool:
        """Present the value: whether the stored hash is its own."""
        if self.memory.proven.get(value.version_id) == row["secret_hash"]:
            return True
        self.memory.presented += 1
        try:
            PasswordHasher().verify(row["secret_hash"], value.api_key)
        except VerifyMismatchError:
            return False
        self.memory.proven[value.version_id] = row["secret_hash"]
        return True
