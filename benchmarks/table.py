"""The result of all measurements: rows, as Markdown and as JSON."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.measure import Taken, median_ratio, middle

COMPARES: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a ratio is held against."""

    sign: str
    """`<=` for a share of a floor, `>=` for times faster than a peer."""
    bound: float

    def holds(self, ratio: float) -> bool:
        """Whether a ratio is within it."""
        return COMPARES[self.sign](ratio, self.bound)

    def __str__(self) -> str:
        """Give `≤ 2.5`."""
        return f"{'≤' if self.sign == '<=' else '≥'} {self.bound:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison at one size."""

    work: str
    size: str
    """`10,000 keys, single files`."""
    ours: Taken
    theirs: Taken | None
    ratio: float | None
    """Ours to theirs for a floor (`is_peer` false), theirs to ours for a peer: times faster."""
    rounds: int
    """How often both sides were measured; the ratio is the median of so many."""
    is_peer: bool = False
    other: str = ""
    """The floor or the peer, by name."""
    target: Target | None = None
    same: str = ""
    """What is timed, and why both sides did the same work."""


def floor_row(ours: Sequence[Taken], floor: Sequence[Taken], **words: Any) -> Row:
    """Give the row of a comparison with a floor: the ratio is ours to the floor. Words: `work`,
    `size`, `other`, `same`, `target` as `Row` has them.
    """
    ratio = median_ratio(ours, floor)
    sides = (middle(ours), middle(floor))
    return Row(ours=sides[0], theirs=sides[1], ratio=ratio, rounds=len(ours), **words)


def peer_row(ours: Sequence[Taken], peer: Sequence[Taken], **words: Any) -> Row:
    """Give the row of a comparison with a peer: the ratio is how many times faster ours is; words
    as `floor_row`.
    """
    ratio = median_ratio(peer, ours)
    sides = (middle(ours), middle(peer))
    return Row(ours=sides[0], theirs=sides[1], ratio=ratio, rounds=len(ours), is_peer=True, **words)


def alone_row(ours: Sequence[Taken], **words: Any) -> Row:
    """Give the row of what has nothing beside it; words: `work`, `size`, `same`."""
    return Row(ours=middle(ours), theirs=None, ratio=None, rounds=len(ours), **words)


_COLUMNS = (
    *("Work", "Size", "keyrec", "CPU", "memory", "beside it", "took", "CPU", "ratio", "target"),
    *("held", "rounds"),
)
_HEAD = (
    f"| {' | '.join(_COLUMNS)} |",
    "|---|---|--:|--:|--:|---|--:|--:|--:|--:|---|--:|",
)


def markdown(rows: Iterable[Row]) -> str:
    """Write the table, and below it what each row compares."""
    listed = list(rows)
    said = dict.fromkeys((row.work, row.same) for row in listed if row.same)
    return "\n".join(
        [*_HEAD, *(_line(row) for row in listed), "", *(f"- **{w}**: {s}" for w, s in said), ""]
    )


def _line(row: Row) -> str:
    theirs = row.theirs
    cells = [
        row.work,
        row.size,
        seconds(row.ours.wall),
        seconds(row.ours.cpu),
        _memory(row.ours),
        row.other,
        "" if theirs is None else seconds(theirs.wall),
        "" if theirs is None else seconds(theirs.cpu),
        "" if row.ratio is None else f"{row.ratio:.2f}" + (" times faster" if row.is_peer else ""),
        "" if row.target is None else str(row.target),
        _held(row),
        str(row.rounds),
    ]
    return f"| {' | '.join(cells)} |"


def _held(row: Row) -> str:
    if row.target is None or row.ratio is None:
        return ""
    return "yes" if row.target.holds(row.ratio) else "**no**"


def _memory(taken: Taken) -> str:
    return f"{taken.peak / 1024:.0f} MiB" if taken.peak else ""


def seconds(value: float) -> str:
    """Write a time in the unit in which it reads best."""
    if value < 1e-3:
        return f"{value * 1e6:.1f} µs"
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


def as_json(rows: Iterable[Row], about: dict[str, str]) -> str:
    """Write the rows with what they were measured on."""
    return json.dumps({"about": about, "rows": [asdict(row) for row in rows]}, indent=2) + "\n"
