"""Does a flood of well-formed wrong keys slow a valid caller?

A verifier in this process, on a SQLite store of its own. One valid caller asks all the time; beside
it, other threads ask too: about right keys (the control: any load costs something), about ids that
nobody issued, and about a known id with wrong secrets. Told is how long the valid caller waits
beside each, as a multiple of the control. Everything is measured in turns, several rounds over, and
the median round counts.

    python -m benchmarks.flood [--rounds N] [--seconds S]
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from benchmarks.issued import Issued, id_of, made_up
from benchmarks.measure import Side, Taken, in_turns
from benchmarks.table import Row, Target, floor_row, markdown
from reconciler.adapters.system import SystemEntropy
from reconciler.credentials.verdict import Allowed
from reconciler.model.secret import Secret
from reconciler.verification.verifier import Verifier

KEYS = 50
FLOOD_THREADS = 2
SECONDS = 1.0
MOST_RATIO = 2.0
"""How much longer a valid caller may wait beside a flood of wrong keys than beside right ones."""

CONTROL = "right keys"
UNKNOWN = "unknown ids"
WRONG = "a known id, wrong secrets"

Draw = Callable[[], Secret]


@contextmanager
def flooded(verifier: Verifier, draw: Draw) -> Iterator[list[int]]:
    """Ask about drawn keys from other threads while the block runs; counts what was asked."""
    stop, asked = threading.Event(), [0] * FLOOD_THREADS

    def flood(place: int) -> None:
        while not stop.is_set():
            verifier.check(draw())
            asked[place] += 1

    threads = [threading.Thread(target=flood, args=(n,)) for n in range(FLOOD_THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def waited(verifier: Verifier, key: Secret, draw: Draw | None, seconds: float) -> Taken:
    """Ask about one valid key for a while, beside a flood; the mean of what an answer took.

    `work` is how many questions of the flood were answered in a second.
    """
    with flooded(verifier, draw) if draw else nullcontext([0]) as asked:
        answers, cpu = 0, time.process_time()
        begun = now = time.perf_counter()
        while now < begun + seconds:
            verdict = verifier.check(key)
            assert isinstance(verdict, Allowed), verdict  # noqa: S101 - the benchmark is void else
            answers += 1
            now = time.perf_counter()
        cpu = time.process_time() - cpu
    taken = now - begun
    return Taken(wall=taken / answers, cpu=cpu / answers, work=sum(asked) / taken)


def sides(verifier: Verifier, keys: Sequence[Secret], seconds: float) -> dict[str, Side]:
    """Give what is measured in turns, by what the flood asks about."""
    valid, *others = keys
    right, known = itertools.cycle(others), id_of(others[0])
    entropy = SystemEntropy()
    draws: dict[str, Draw | None] = {
        "nobody": None,
        CONTROL: lambda: next(right),
        UNKNOWN: lambda: made_up(entropy.base62(12)),
        WRONG: lambda: made_up(known),
    }
    for key in keys:
        verifier.check(key)
    return {name: partial(waited, verifier, valid, draw, seconds) for name, draw in draws.items()}


def rows(place: Path, *, rounds: int, seconds: float = SECONDS) -> list[Row]:
    """Measure, in an empty folder."""
    issued = Issued.into(place, KEYS, ranges=None)
    with issued.verifier() as verifier:
        taken = in_turns(sides(verifier, issued.keys, seconds), rounds)
    return _rows(taken)


def _rows(taken: Mapping[str, Sequence[Taken]]) -> list[Row]:
    return [
        floor_row(
            taken[name],
            taken[CONTROL],
            target=Target(sign="<=", bound=MOST_RATIO),
            work="Verify, warm, beside a flood",
            size=f"{FLOOD_THREADS} threads, {name}",
            other=f"beside as many threads, {CONTROL}",
            same="seconds that a valid caller waits for one answer while other threads of the "
            "process ask as fast as they are answered; both sides ask the same about the same key, "
            "only what the other threads ask about differs.",
        )
        for name in (UNKNOWN, WRONG)
    ]


def main() -> int:
    """Measure, print a table, and end with 1 where the stated ratio is not held."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--seconds", type=float, default=SECONDS)
    wish = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = rows(Path(folder), rounds=wish.rounds, seconds=wish.seconds)
    sys.stdout.write(markdown(found))
    is_held = all(row.ratio is not None and row.ratio <= MOST_RATIO for row in found)
    return 0 if is_held else 1


if __name__ == "__main__":
    raise SystemExit(main())
