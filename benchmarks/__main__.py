"""Everything that is measured, in one table: `make bench`.

    python -m benchmarks [--sizes 1000,10000,100000] [--rounds 5] [--only plans,apply,…] [--out DIR]

Writes `table.md`, `table.json` and two plots, and prints the table. Ends with 1 where a target is
not held, so that whoever runs it notices; no test asks for it, for machines are noisy.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from pathlib import Path

from benchmarks import flood, growth, http, plans, verify
from benchmarks.apply import rows as apply_rows
from benchmarks.measure import say
from benchmarks.plot import plot
from benchmarks.table import Row, as_json, markdown

SIZES = "1000,10000,100000"
_PARTS = ("plans", "changes", "apply", "verify", "http", "flood", "help")
_OTHERS: dict[str, Callable[..., Iterable[Row]]] = {
    "apply": apply_rows,
    "verify": verify.rows,
    "http": http.rows,
    "flood": flood.rows,
}


def main() -> int:
    """Measure what is asked for."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument("--sizes", default=SIZES)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--only", default=",".join(_PARTS))
    asked.add_argument("--out", type=Path, default=Path("build/bench"))
    wish = asked.parse_args()
    sizes = [int(size) for size in wish.sizes.split(",")]
    wish.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    notes: list[str] = []
    for part in wish.only.split(","):
        with tempfile.TemporaryDirectory(prefix="keyrec-bench-") as folder:
            say(f"{part}:")
            rows += _measured(part, Path(folder), wish.rounds, sizes, notes, wish.out)
    told = "\n".join([markdown(rows), *_growth(rows, sizes, wish.out), *notes])
    about = _about()
    head = "\n".join(f"- {name}: {value}" for name, value in about.items())
    (wish.out / "table.md").write_text(f"{head}\n\n{told}")
    (wish.out / "table.json").write_text(as_json(rows, about))
    sys.stdout.write(told)
    missed = [r for r in rows if r.target and r.ratio is not None and not r.target.holds(r.ratio)]
    return 1 if missed else 0


def _measured(
    part: str, place: Path, rounds: int, sizes: list[int], notes: list[str], out: Path
) -> list[Row]:
    match part:
        case "plans":
            return list(plans.rows(place, rounds=rounds, sizes=sizes))
        case "help":
            return [plans.help_row(place, rounds=rounds)]
        case "changes":
            lines = growth.lines_of_changes(growth.by_changes(place))
            title = f"By the number of changes, of {growth.KEYS_OF_CHANGES:,} keys"
            (out / "growth-changes.svg").write_text(plot(title, "changed keys", lines))
            notes.append(f"{title}:\n\n{growth.changes_table(lines)}")
            return []
        case _:
            return list(_OTHERS[part](place, rounds=rounds))


def _growth(rows: list[Row], sizes: list[int], out: Path) -> list[str]:
    lines = growth.lines_of(rows)
    if not lines:
        return []
    (out / "growth-keys.svg").write_text(plot("By the number of keys", "keys", lines))
    pairs = [(a, b) for a in sizes for b in sizes if b == 10 * a]
    return [growth.growth_table(lines, small, large) for small, large in pairs]


def _about() -> dict[str, str]:
    """Say what it was measured on, and with what."""
    with Path("/proc/cpuinfo").open() as found:
        model = next(
            (line.partition(": ")[2].strip() for line in found if "model name" in line), ""
        )
    names = ("keyrec", "sqlalchemy", "pydantic", "PyYAML", "argon2-cffi", "click")
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {model}",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


if __name__ == "__main__":
    raise SystemExit(main())
