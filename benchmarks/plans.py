"""Checking and planning, at each size and in both layouts, beside what no program could be faster
than: the same interpreter, files and store, with nothing in between (`floors`).

The keys are applied once, into age files and SQLite; from then on nothing changes but what a row
says. `cold` means that nothing is remembered of the manifests (`--no-cache`).
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.manifests import (
    KEYREC,
    KEYS,
    Shape,
    configured,
    key_text,
    single_files,
    thousand_files,
)
from benchmarks.measure import Side, Taken, command, in_turns, say
from benchmarks.table import Row, Target, alone_row, floor_row

FLOORS = Path(__file__).with_name("floors.py")
SETTLED = 2.5
"""Seconds after which what was just written is known to be so (`adapters/file_stamp`)."""
FEWEST = 2
"""Rounds of the largest size: each side begins once."""
COLD = Target(sign="<=", bound=2.5)
WARM = Target(sign="<=", bound=2.0)
_FILE_OF_ONE = "keys/ws0000/svc-000000-prod.yaml"
_SAME = "the interpreter starts, all manifests are walked and read, the same store is asked for"
SAID = {
    "validate cold": "Floor: the interpreter starts, all manifests are walked, read and parsed "
    "strictly from libyaml's events. keyrec judges them besides.",
    "plan cold": f"Nothing changed, nothing remembered (`--no-cache`). Floor: {_SAME} names and "
    "fingerprints through SQLAlchemy Core, and the files are parsed strictly.",
    "plan warm, nothing changed": f"Floor: {_SAME} names and fingerprints through SQLAlchemy "
    "Core, and the files are hashed. keyrec asks the file system whether the SQLite store is the "
    "one that it knows.",
    "plan warm, one file changed": "One key's description is another one in each round. Floor as "
    "above.",
    "plan of a git revision": "`--revision HEAD`, nothing changed, warm. Floor: the interpreter "
    "starts, git ls-tree gives all blob ids, the same store is asked.",
    "apply creates": "All keys are new: age files and SQLite, hashed with argon2id (profile "
    "token).",
}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A folder with as many keys as its size says, applied."""

    folder: Path
    env: dict[str, str]
    size: str

    def keyrec(self, *arguments: str, codes: frozenset[int] = frozenset({0})) -> Taken:
        """Run a command of keyrec here."""
        return command([KEYREC, *arguments], cwd=self.folder, env=self.env, codes=codes)

    def floor(self, *arguments: str) -> Taken:
        """Run a floor here."""
        return command([sys.executable, FLOORS, *arguments], cwd=self.folder, env=self.env)

    @property
    def store(self) -> str:
        """Give the store's address."""
        return f"sqlite:///{self.folder / '.keyrec' / 'keys.db'}"


def prepared(place: Path, count: int) -> tuple[list[Prepared], Taken]:
    """Write the keys in both layouts, apply them once; what that took."""
    single, thousand = place / f"{count}-single", place / f"{count}-thousand"
    single_files(count, single / KEYS)
    env = configured(single)
    say(f"  applying {count} keys")
    one = Prepared(folder=single, env=env, size=f"{count:,} keys, single files")
    applied = one.keyrec("apply", "--auto-approve")
    thousand_files(count, thousand / KEYS)
    for name in ("keyrec.yaml", f"{KEYS}/policy.yaml"):
        shutil.copy(single / name, thousand / name)
    shutil.copytree(
        single / ".keyrec", thousand / ".keyrec", ignore=shutil.ignore_patterns("*.age")
    )
    many = Prepared(
        folder=thousand,
        env={**env, "HOME": str(thousand / ".home")},
        size=f"{count:,} keys, 1,000 files",
    )
    (thousand / ".home").mkdir()
    for folder in (one, many):
        _committed(folder)
    time.sleep(SETTLED)
    return [one, many], applied


def _committed(here: Prepared) -> None:
    (here.folder / ".gitignore").write_text(".keyrec/\n.home/\n.bench-stderr\n")
    name = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
    for step in (("init", "-q"), ("add", "."), (*name, "commit", "-qm", "Keys")):
        command(["git", *step], cwd=here.folder, env=here.env)


def rows(place: Path, *, rounds: int, sizes: Sequence[int]) -> Iterator[Row]:
    """Measure every work at every size; the folders go when they are measured."""
    for count in sizes:
        folders, applied = prepared(place, count)
        yield alone_row(
            [applied],
            work="apply creates",
            size=f"{count:,} keys",
            same=SAID["apply creates"],
        )
        for here in folders:
            yield from _rows_of(here, max(FEWEST, min(rounds, rounds * 20_000 // count)))
        for here in folders:
            shutil.rmtree(here.folder)


def _rows_of(here: Prepared, rounds: int) -> Iterator[Row]:
    numbers = iter(range(10**9))

    def changed() -> Taken:
        _rewrite_one(here, f"Measured {next(numbers)}")
        return here.keyrec("plan")

    works: tuple[tuple[str, Side, tuple[str, ...], Target | None], ...] = (
        ("validate cold", lambda: here.keyrec("validate"), ("parse", KEYS), None),
        ("plan cold", lambda: here.keyrec("plan", "--no-cache"), ("parse", KEYS, here.store), COLD),
        (
            "plan warm, nothing changed",
            lambda: here.keyrec("plan"),
            ("hash", KEYS, here.store),
            WARM,
        ),
        (
            "plan of a git revision",
            lambda: here.keyrec("plan", "--revision", "HEAD"),
            ("git", ".", KEYS, here.store),
            WARM,
        ),
        ("plan warm, one file changed", changed, ("hash", KEYS, here.store), None),
    )
    here.keyrec("plan")  # what is remembered from here on
    here.keyrec("plan", "--revision", "HEAD")
    for work, ours, floor, target in works:
        say(f"  {work}, {here.size}")
        found = in_turns({"keyrec": ours, "floor": partial(here.floor, *floor)}, rounds)
        yield floor_row(
            found["keyrec"],
            found["floor"],
            work=work,
            size=here.size,
            other="the same without keyrec",
            target=target,
            same=SAID[work],
        )


def _rewrite_one(here: Prepared, description: str) -> None:
    """Give the first key another description, in its file."""
    path = here.folder / _FILE_OF_ONE
    shape = Shape(description=description)
    if path.exists():
        path.write_text(key_text(0, "ws0000", shape))
        return
    path = here.folder / KEYS / "keys-000.yaml"
    first, *others = path.read_text().split("---\n")
    del first
    path.write_text("---\n".join([key_text(0, "ws0000", shape), *others]))


def help_row(place: Path, *, rounds: int) -> Row:
    """Measure `keyrec --help` beside starting the interpreter."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(place)}
    found = in_turns(
        {
            "keyrec": lambda: command([KEYREC, "--help"], cwd=place, env=env),
            "floor": lambda: command([sys.executable, "-c", "import click"], cwd=place, env=env),
        },
        rounds * 3,
    )
    return floor_row(
        found["keyrec"],
        found["floor"],
        work="--help",
        size="",
        other="python -c 'import click'",
        same="Floor: the interpreter starts and imports click.",
    )
