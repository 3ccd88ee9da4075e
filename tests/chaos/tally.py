"""What a campaign counts, and how it is told."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """The figures of one campaign."""

    seed: int
    started: float = field(default_factory=time.monotonic)
    kills: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    """Exit codes of runs that were not killed."""
    late: Counter[str] = field(default_factory=Counter)
    """What Vault said to writes that were delivered late."""
    left_open: int = 0
    """Operations that were found open after a trouble."""
    converged: int = 0
    looks: int = 0
    step: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Give how long it has taken."""
        return time.monotonic() - self.started

    def line(self, keys: int, secrets: int) -> str:
        """Say in one line how it stands."""
        return (
            f"{self.seconds:6.0f} s  step {self.step}  kills {self.kills}  "
            f"runs {self.runs.total()}  converged {self.converged}  keys {keys}  "
            f"secrets {secrets}  violations {len(self.violations)}"
        )

    def report(self, *, keys: int, secrets: int, presented: int) -> str:
        """Say everything at the end."""
        rows = [
            ("kills", str(self.kills)),
            ("runs", _counted(self.runs)),
            ("exit codes", _counted(self.codes)),
            ("troubles", _counted(self.troubles)),
            ("late writes", _counted(self.late) or "none"),
            ("left open", f"{self.left_open} operations, each finished by the next run"),
            ("converged", f"{self.converged} times by one quiet run"),
            ("looks", f"{self.looks}, each at every promise"),
            ("keys", str(keys)),
            ("secrets made", str(secrets)),
            ("values presented", str(presented)),
            ("violations", str(len(self.violations))),
            ("seconds", f"{self.seconds:.0f}"),
            ("seed", str(self.seed)),
        ]
        return "\n".join(f"{name + ':':18}{text}" for name, text in rows)


def _counted(counter: Counter[str] | Counter[int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))
