"""What one question costs in process: warm beside keyshield, cold beside argon2 alone.

python -m benchmarks --only verify [--rounds N]
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import uvloop

from benchmarks.issued import INSIDE, SCOPE, Issued, id_of
from benchmarks.measure import Failed, Taken, in_turns, middle
from benchmarks.peer_keyshield import Keyshield
from benchmarks.table import Row, Target, floor_row, peer_row
from reconciler.credentials.hashing import verify
from reconciler.credentials.verdict import Allowed
from reconciler.model.secret import Secret
from reconciler.verification.verifier import Verifier

KEYS = 1000
COLD = 100
CHECKS = 50_000
PEER_CHECKS = 20_000
HASHED_CHECKS = 1_000
MOST_ADDED = 1e-3
"""Seconds that a key's first check may take beside its hash."""

_WARM = "Verify, warm"
_SIZE = f"{KEYS:,} keys, each proven before"
_OURS = (
    "seconds of one call. keyrec: `Verifier.check` on a SQLite store that is followed meanwhile, "
    "with an allowlist of two ranges, a scope and an expiry checked and the use counted"
)
_THEIRS = (
    "keyshield 2.0.1: `verify_key` with a scope and an expiry checked (it has no allowlists), its "
    "delays off, repository in memory, on uvloop"
)


def rows(place: Path, *, rounds: int) -> list[Row]:
    """Measure, in an empty folder."""
    issued = Issued.into(place, KEYS)
    with issued.verifier() as verifier:
        warm = _warm_rows(issued, verifier, rounds)
    return [*warm, _cold_row(issued, rounds)]


def _warm_rows(issued: Issued, verifier: Verifier, rounds: int) -> list[Row]:
    texts = [key.reveal() for key in issued.keys]
    checked(verifier, texts, KEYS)
    cached, hashing = Keyshield(KEYS, is_cached=True), Keyshield(KEYS, is_cached=False)
    taken = in_turns(
        {
            "check": lambda: checked(verifier, texts, CHECKS),
            "check_async": lambda: uvloop.run(checked_async(verifier, texts, CHECKS)),
            "keyshield, cached": lambda: cached.verified(PEER_CHECKS),
            "keyshield, hashing": lambda: hashing.verified(HASHED_CHECKS),
        },
        rounds,
    )
    named = {"size": _SIZE, "same": f"{_OURS}. {_THEIRS}, its cache in memory and warm."}
    least = Target(sign=">=", bound=10)
    return [
        peer_row(
            taken["check"],
            taken["keyshield, cached"],
            target=least,
            work=_WARM,
            other="keyshield with its cache",
            **named,
        ),
        peer_row(
            taken["check_async"],
            taken["keyshield, cached"],
            work=f"{_WARM}, awaited",
            other="keyshield with its cache",
            size=_SIZE,
            same="as above, keyrec by `check_async`, both awaited in a loop of uvloop.",
        ),
        peer_row(
            taken["check"],
            taken["keyshield, hashing"],
            target=least,
            work=f"{_WARM}, beside the peer's default",
            other="keyshield without a cache",
            size=_SIZE,
            same="as the first, keyshield as its documentation begins: it hashes on every call, "
            "with keyrec's parameters (argon2id, 1 MiB, 1 pass).",
        ),
    ]


def _cold_row(issued: Issued, rounds: int) -> Row:
    """Measure first checks, each round by a verifier that knows no key yet."""
    keys = issued.keys[:COLD]
    hashes = _hashes(issued)
    taken = in_turns(
        {
            "cold": lambda: _cold(issued),
            "argon2": lambda: _each(
                partial(verify, stored, key) for stored, key in zip(hashes, keys, strict=True)
            ),
        },
        rounds,
    )
    ours, floor = middle(taken["cold"]), middle(taken["argon2"])
    added = statistics.median(
        a.wall - b.wall for a, b in zip(taken["cold"], taken["argon2"], strict=True)
    )
    is_held = "held" if added <= MOST_ADDED else "not held"
    return floor_row(
        taken["cold"],
        taken["argon2"],
        work="Verify, cold",
        size=f"{COLD} keys, one at a time",
        other="argon2 alone",
        same="the median of the first checks of keys by a verifier that was just opened: the "
        "SQLite file is opened, the row read by one statement, the secret hashed, the file closed; "
        "argon2 with the same parameters on the same hashes, alone. Target: argon2 and at most "
        f"1 ms; in this run {floor.wall * 1e3:.2f} ms and {added * 1e3:.2f} ms more "
        f"({ours.wall * 1e3:.2f} ms): {is_held}.",
    )


def _cold(issued: Issued) -> Taken:
    with issued.verifier() as verifier:
        return _each(partial(_first, verifier, key) for key in issued.keys[:COLD])


def _first(verifier: Verifier, key: Secret) -> None:
    _require(verifier.check(key, address=INSIDE, scope=SCOPE))


def _hashes(issued: Issued) -> list[str]:
    """Give what is stored of the keys that are checked cold."""
    with issued.verifier() as verifier:
        store = verifier._store  # noqa: SLF001 - the very store that a verifier asks
        ids = [id_of(key) for key in issued.keys[:COLD]]
        versions = store.issued(ids).versions
        return [versions[version_id].secret_hash for version_id in ids]


def _each(works: Iterable[Callable[[], object]]) -> Taken:
    """Give the median of what each piece of work took, and the mean of its CPU."""
    walls, cpu = [], time.process_time()
    for work in works:
        begun = time.perf_counter()
        work()
        walls.append(time.perf_counter() - begun)
    return Taken(wall=statistics.median(walls), cpu=(time.process_time() - cpu) / len(walls))


def checked(verifier: Verifier, texts: Sequence[str], times: int) -> Taken:
    """Check keys in turns, that often."""
    check, verdict = verifier.check, None
    cpu, begun = time.process_time(), time.perf_counter()
    for text in itertools.islice(itertools.cycle(texts), times):
        verdict = check(text, address=INSIDE, scope=SCOPE)
    wall = time.perf_counter() - begun
    _require(verdict)
    return Taken(wall=wall / times, cpu=(time.process_time() - cpu) / times, work=times)


async def checked_async(verifier: Verifier, texts: Sequence[str], times: int) -> Taken:
    """Check keys in turns, awaited; as long as no other task is kept waiting."""
    check, verdict = verifier.check_async, None
    await asyncio.sleep(0)
    cpu, begun = time.process_time(), time.perf_counter()
    for text in itertools.islice(itertools.cycle(texts), times):
        verdict = await check(text, address=INSIDE, scope=SCOPE)
    wall = time.perf_counter() - begun
    _require(verdict)
    return Taken(wall=wall / times, cpu=(time.process_time() - cpu) / times, work=times)


def _require(verdict: object) -> None:
    if not isinstance(verdict, Allowed):
        raise Failed(f"a key was refused: {verdict}")
