"""How the cost of each stage grows: with the number of keys, and with the number of changes.

CPU seconds: sizes are measured minutes apart, and what else a machine does meanwhile moves the
clock more than the size does.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.manifests import KEYS, Shape, single_files
from benchmarks.measure import Taken, say
from benchmarks.plans import prepared
from benchmarks.table import Row, Target, seconds

MOST = Target(sign="<=", bound=12.0)
"""Ten times the keys may take so many times as long."""
KEYS_OF_CHANGES = 10_000
CHANGES = (1, 10, 100, 1_000, 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One stage: what it took at each size."""

    name: str
    points: tuple[tuple[int, float], ...]
    """Number of keys or changes, and CPU seconds."""


def lines_of(rows: Iterable[Row]) -> list[Line]:
    """Give each work and layout that was measured at several sizes."""
    found: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for row in rows:
        number, _, layout = row.size.partition(" keys")
        count = number.replace(",", "")
        if count.isdigit():
            found[f"{row.work}{layout}"].append((int(count), row.ours.cpu))
    return [Line(name=n, points=tuple(sorted(ps))) for n, ps in found.items() if len(ps) > 1]


def growth_table(lines: Iterable[Line], small: int, large: int) -> str:
    """Write how much longer each stage takes with ten times the keys."""
    told = [
        f"| Stage | {small:,} keys | {large:,} keys | growth | target | held |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for line in lines:
        points = dict(line.points)
        if small in points and large in points:
            ratio = points[large] / points[small]
            held = "yes" if MOST.holds(ratio) else "**no**"
            told.append(
                f"| {line.name} | {seconds(points[small])} | {seconds(points[large])} "
                f"| {ratio:.1f} | {MOST} | {held} |"
            )
    return "\n".join([*told, ""])


def by_changes(place: Path, count: int = KEYS_OF_CHANGES) -> Iterator[tuple[int, Taken, Taken]]:
    """Change the descriptions of more and more of so many keys: what plan and apply take."""
    (here, other), _ = prepared(place, count)
    shutil.rmtree(other.folder)
    for changes in (n for n in CHANGES if n <= count):
        say(f"  {changes} of {count} keys changed")
        single_files(changes, here.folder / KEYS, Shape(description=f"Changed {changes}"))
        planned = here.keyrec("plan")
        yield changes, planned, here.keyrec("apply", "--auto-approve")
    shutil.rmtree(here.folder)


def lines_of_changes(found: Iterable[tuple[int, Taken, Taken]]) -> list[Line]:
    """Give plan and apply by the number of changes."""
    listed = list(found)
    return [
        Line(name="plan", points=tuple((n, planned.cpu) for n, planned, _ in listed)),
        Line(name="apply", points=tuple((n, applied.cpu) for n, _, applied in listed)),
    ]


def changes_table(lines: Iterable[Line]) -> str:
    """Write what each number of changes takes."""
    listed = list(lines)
    head = f"| Changes | {' | '.join(line.name for line in listed)} |"
    told = [head, "|--:|" + "--:|" * len(listed)]
    for place, (number, _) in enumerate(listed[0].points):
        cells = (seconds(line.points[place][1]) for line in listed)
        told.append(f"| {number:,} | {' | '.join(cells)} |")
    return "\n".join([*told, ""])
