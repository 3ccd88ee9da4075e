"""Measuring two sides of one comparison in turns: wall, CPU and peak memory of each.

Machines are shared and noisy, so a figure alone says little. Both sides run one after the other,
several rounds over, in an order that turns; what counts is the median over the rounds of their
ratio inside one round. A command is measured as a process of its own: the kernel says what it and
everything that it started took.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one run took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of user and system time, of children too."""
    peak: int = 0
    """KiB of resident memory at the most; 0 where it was not measured."""
    work: float = 1.0
    """How often the work was done, for rates."""


class Failed(Exception):
    """A side of a comparison did not do its work: nothing is told of it."""


Side = Callable[[], Taken]


def command(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    codes: frozenset[int] = frozenset({0}),
    output: Path | None = None,
) -> Taken:
    """Run a command to its end; its output goes to a file, or nowhere.

    Raises:
        Failed: it ended with another code than those.
    """
    sink = os.devnull if output is None else output
    with Path(sink).open("wb") as out, (cwd / ".bench-stderr").open("w+b") as err:
        begun = time.perf_counter()
        child = subprocess.Popen(  # noqa: S603 - commands of this benchmark
            [str(part) for part in argv], cwd=cwd, env=dict(env), stdout=out, stderr=err
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in codes:
            err.seek(0)
            said = err.read().decode(errors="replace")[-2000:]
            raise Failed(f"{argv} ended with {child.returncode}:\n{said}")
    return Taken(wall=wall, cpu=usage.ru_utime + usage.ru_stime, peak=usage.ru_maxrss)


def in_turns(sides: Mapping[str, Side], rounds: int) -> dict[str, list[Taken]]:
    """Run all sides in each round, each round beginning with the next side; all that they took."""
    found: dict[str, list[Taken]] = {name: [] for name in sides}
    order = list(sides)
    for number in range(rounds):
        turn = number % len(order)
        for name in order[turn:] + order[:turn]:
            found[name].append(sides[name]())
            say(f"    {name}: {found[name][-1].wall:.3f} s")
    return found


def median_ratio(
    ours: Sequence[Taken], theirs: Sequence[Taken], of: Callable[[Taken], float] | None = None
) -> float:
    """Give the median over all rounds of ours to theirs."""
    measure = of or (lambda taken: taken.wall)
    return statistics.median(measure(a) / measure(b) for a, b in zip(ours, theirs, strict=True))


def middle(taken: Sequence[Taken]) -> Taken:
    """Give the medians of all that a side took; of memory the most."""
    return Taken(
        wall=statistics.median(t.wall for t in taken),
        cpu=statistics.median(t.cpu for t in taken),
        peak=max(t.peak for t in taken),
        work=statistics.median(t.work for t in taken),
    )


def say(line: str) -> None:
    """Tell how far it is, on stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
