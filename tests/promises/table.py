"""The tables of `make promises`: scenes by pairs, with the counts of points, runs and violations.

    python -m tests.promises.table FOLDER

Tests of a full enumeration leave what they counted in a folder, one file each; this puts it
together, prints it as Markdown, and ends with 1 where a promise did not hold.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.promises.enumeration import Tally
from tests.promises.places import LOCAL, PAIRS
from tests.promises.scenes import SCENES

ONCE, TWICE = "once", "twice"


def leave(tally: Tally, kind: str, folder: Path) -> None:
    """Write down what one enumeration has counted."""
    file = folder / f"{uuid.uuid4().hex}.json"
    file.write_text(json.dumps({"kind": kind, **asdict(tally)}))


def tables(tallies: Sequence[dict[str, Any]]) -> str:
    """Give the counts, what did not hold, and the points by name."""
    names = [scene.name for scene in SCENES]
    heads = [f"{pair}: points, killed once, twice" for pair in PAIRS]
    lines = [f"| Action | {' | '.join(heads)} | Violations |", f"|---|{'---|' * (len(PAIRS) + 1)}"]
    for name in names:
        own = [t for t in tallies if t["scene"] == name]
        numbers = [_numbers([t for t in own if t["place"] == pair]) for pair in PAIRS]
        lines.append(f"| {name} | {' | '.join(numbers)} | {_violations(own)} |")
    lines.append(f"\n{_runs(tallies)} killed runs, {_violations(tallies)} violations.\n")
    lines += [f"- {violation}" for t in tallies for violation in t["violations"]]
    lines.append(f"The points on {LOCAL}, in their order:\n")
    points = {t["scene"]: t["points"] for t in tallies if t["place"] == LOCAL}
    lines += [f"- {name}: {'; '.join(points.get(name, ()))}" for name in names]
    return "\n".join(lines)


def _numbers(tallies: Sequence[dict[str, Any]]) -> str:
    points = max((len(t["points"]) for t in tallies), default=0)
    runs = (_runs([t for t in tallies if t["kind"] == kind]) for kind in (ONCE, TWICE))
    return ", ".join(str(number) for number in (points, *runs))


def _runs(tallies: Sequence[dict[str, Any]]) -> int:
    return sum(t["runs"] for t in tallies)


def _violations(tallies: Sequence[dict[str, Any]]) -> int:
    return sum(len(t["violations"]) for t in tallies)


def main(folder: Path) -> int:
    """Print the tables; 1 where there is nothing to show, or a promise did not hold."""
    tallies = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    print(tables(tallies))  # noqa: T201 - what it is for
    return 0 if tallies and not _violations(tallies) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
