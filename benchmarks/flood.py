"""Does a flood of well-formed wrong keys slow a valid caller?

A verifier in this process, on a SQLite store of its own. One valid caller asks, about a key that is
proven or about one after the other that is not yet; beside it many threads ask, as fast as they are
answered, about ids that nobody issued, or about a known id with wrong secrets. Told is how long the
valid caller waits, as a multiple of what it waits beside nobody. Everything is measured in turns,
several rounds over, and the median round counts.

    python -m benchmarks.flood [--rounds N] [--seconds S]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from benchmarks.issued import Issued, id_of, made_up
from benchmarks.measure import Side, Taken, in_turns, middle
from benchmarks.table import Row, Target, floor_row, markdown
from reconciler.adapters.system import SystemEntropy
from reconciler.credentials.verdict import Allowed
from reconciler.model.secret import Secret
from reconciler.verification.verifier import Verifier

KEYS = 50
FLOOD_THREADS = 32
SECONDS = 1.0
SETTLED = 0.2
"""Seconds until the flood is under way."""
MOST_RATIO = 2.0
"""How much longer a valid caller with a proven key may wait beside a flood than beside nobody."""

CONTROL = "nobody"
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


def waited_cold(issued: Issued, draw: Draw | None) -> Taken:
    """Ask about keys for the first time, beside a flood; the median of what an answer took."""
    with issued.verifier() as verifier:
        with flooded(verifier, draw) if draw else nullcontext([0]) as asked:
            time.sleep(SETTLED)
            before, cpu, begun = sum(asked), time.process_time(), time.perf_counter()
            walls = []
            for key in issued.keys[1:]:
                since = time.perf_counter()
                verdict = verifier.check(key)
                assert isinstance(verdict, Allowed), verdict  # noqa: S101 - as above
                walls.append(time.perf_counter() - since)
            taken = time.perf_counter() - begun
            rate = (sum(asked) - before) / taken
        cpu = (time.process_time() - cpu) / len(walls)
    return Taken(wall=statistics.median(walls), cpu=cpu, work=rate)


def draws(keys: Sequence[Secret]) -> dict[str, Draw | None]:
    """Give what the flood asks about."""
    known, entropy = id_of(keys[0]), SystemEntropy()
    return {
        CONTROL: None,
        UNKNOWN: lambda: made_up(entropy.base62(12)),
        WRONG: lambda: made_up(known),
    }


def rows(place: Path, *, rounds: int, seconds: float = SECONDS) -> list[Row]:
    """Measure, in an empty folder."""
    issued = Issued.into(place, KEYS, ranges=None)
    asked = draws(issued.keys)
    with issued.verifier() as verifier:
        verifier.check(issued.keys[1])
        warm: dict[str, Side] = {
            name: partial(waited, verifier, issued.keys[1], draw, seconds)
            for name, draw in asked.items()
        }
        taken = in_turns(warm, rounds)
    cold: dict[str, Side] = {n: partial(waited_cold, issued, draw) for n, draw in asked.items()}
    return [
        *_rows(taken, "Verify, warm, beside a flood", Target(sign="<=", bound=MOST_RATIO)),
        *_rows(in_turns(cold, rounds), "Verify, cold, beside a flood", None),
    ]


def _rows(taken: Mapping[str, Sequence[Taken]], work: str, target: Target | None) -> list[Row]:
    return [
        floor_row(
            taken[name],
            taken[CONTROL],
            target=target,
            work=work,
            size=f"{FLOOD_THREADS} threads, {name}, {middle(taken[name]).work:,.0f} a second",
            other="beside nobody",
            same="seconds that a valid caller waits for one answer while other threads of the "
            "process ask as fast as they are answered (their rate stands with the size); both "
            "sides ask the same about the same keys.",
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
    held = (r.target is None or (r.ratio is not None and r.target.holds(r.ratio)) for r in found)
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
