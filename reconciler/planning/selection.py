"""The part of the world that a plan is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The part of a plan that is asked for: shell globs over addresses; empty means all."""

    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def covers(self, address: str) -> bool:
        """Whether the address is looked at."""
        wanted = not self.targets or any(fnmatchcase(address, g) for g in self.targets)
        return wanted and not any(fnmatchcase(address, g) for g in self.excludes)

    @property
    def flags(self) -> tuple[str, ...]:
        """Give the selection as the flags that make it."""
        return (
            *(f"--target={g}" for g in self.targets),
            *(f"--exclude={g}" for g in self.excludes),
        )
