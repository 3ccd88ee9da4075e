"""The table of `make promises`: scenes by pairs, with the count of points, of runs, of violations.

    python -m tests.promises.table FOLDER

Tests of a full enumeration leave what they counted in a folder, one file each; this puts it
together, prints it as Markdown, and ends with 1 where a promise did not hold.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

from tests.promises.enumeration import Tally
from tests.promises.places import PAIRS
from tests.promises.scenes import SCENES

KINDS = ("once", "twice")


def leave(tally: Tally, kind: str, folder: Path) -> None:
    """Write down what one enumeration has counted."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{uuid.uuid4().hex}.json"
    file.write_text(json.dumps({"kind": kind, **asdict(tally)}))


def table(folder: Path) -> tuple[str, int]:
    """Give the table, and the number of violations."""
    tallies = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    cells: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    points: dict[tuple[str, str], int] = {}
    for tally in tallies:
        cells[tally["scene"], tally["place"], tally["kind"]] += tally["runs"]
        points[tally["scene"], tally["place"]] = tally["points"]
    heads = [f"{pair}: points, {', '.join(KINDS)}" for pair in PAIRS]
    lines = [f"| Action | {' | '.join(heads)} |", f"|---|{'---|' * len(PAIRS)}"]
    for scene in SCENES:
        numbers = (
            f"{points.get((scene.name, pair), 0)}, "
            + ", ".join(str(cells[scene.name, pair, kind]) for kind in KINDS)
            for pair in PAIRS
        )
        lines.append(f"| {scene.name} | {' | '.join(numbers)} |")
    violations = sum(len(tally["violations"]) for tally in tallies)
    runs = sum(tally["runs"] for tally in tallies)
    lines.append(f"\n{runs} killed runs, {violations} violations.")
    return "\n".join(lines), violations


if __name__ == "__main__":
    shown, found = table(Path(sys.argv[1]))
    print(shown)  # noqa: T201 - what it is for
    sys.exit(1 if found else 0)
