"""Making, changing and rotating keys, beside OpenTofu, a Go client and the bare driver.

Every round has folders, stores and places in Vault of its own, made before the clock starts; all
sides use one Vault and one PostgreSQL. OpenTofu takes minutes, so it has at most two rounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from benchmarks.measure import in_turns, say
from benchmarks.opentofu import Built
from benchmarks.rounds import COUNT, MANY, Round, age_creates
from benchmarks.services import running_services
from benchmarks.table import Row, Target, alone_row, floor_row, peer_row

SIZE = f"{COUNT:,} keys"
IN_VAULT = f"{SIZE}, Vault and PostgreSQL"
FEW_ROUNDS = 2
_CREATES = "`keyrec apply --auto-approve`: read, plan, show, plan again under the lease, hash \
with argon2id, journal in PostgreSQL, write to Vault with check-and-set, confirm, audit"
_TOFU = "OpenTofu 1.10.10 with the smallest provider that writes the same paths; it hashes \
nothing, and its state is a file"


def rows(place: Path, *, rounds: int) -> Iterable[Row]:
    """Measure, in an empty folder."""
    built = Built.now()
    with running_services() as services:
        shared = Round(place=place, services=services, built=built)
        yield from _beside_opentofu(shared, min(rounds, FEW_ROUNDS))
        yield from _beside_go(shared, rounds)
        yield _rotations(shared, rounds)
        yield from _many(shared, rounds)
    yield _age(place, rounds)


def _beside_opentofu(shared: Round, rounds: int) -> Iterable[Row]:
    say(f"  creates beside OpenTofu, {SIZE}")
    made = in_turns({"keyrec": shared.creates, "opentofu": shared.tofu_creates}, rounds)
    yield peer_row(
        made["keyrec"],
        made["opentofu"],
        target=Target(sign=">=", bound=20),
        work="apply creates into Vault",
        size=IN_VAULT,
        other="OpenTofu",
        same=f"{_CREATES}. Beside it: {_TOFU}.",
    )
    say(f"  plan without changes beside OpenTofu, {SIZE}")
    shared.plans()  # what a second plan knows of the manifests
    planned = in_turns({"keyrec": shared.plans, "opentofu": shared.tofu_plans}, rounds)
    yield peer_row(
        planned["keyrec"],
        planned["opentofu"],
        target=Target(sign=">=", bound=50),
        work="plan without changes",
        size=IN_VAULT,
        other="OpenTofu",
        same="Nothing changed since the last apply. keyrec compares manifests and store; OpenTofu "
        "compares its files with its state, and asks Vault for each key's metadata.",
    )


def _beside_go(shared: Round, rounds: int) -> Iterable[Row]:
    say(f"  making beside the Go client, {SIZE}")
    sides = {"keyrec": shared.creates, "making": shared.makes, "go": shared.go_writes}
    found = in_turns({**sides, "sending": shared.writes}, rounds)
    words = {"size": IN_VAULT, "other": "Go client, 8 connections"}
    yield floor_row(
        found["keyrec"],
        found["go"],
        work="the whole command beside bare writes",
        same=f"{_CREATES}. Beside it: the same secrets written by Go's HTTP client, and nothing "
        "else: no manifests, plan, hash, store, confirmation or audit.",
        **words,
    )
    yield floor_row(
        found["making"],
        found["go"],
        target=Target(sign="<=", bound=2),
        work="making secrets, hashing subtracted",
        same="From the first transaction that begins a secret to the last that confirms some, less "
        "what drawing and hashing as many takes alone on as many threads. That is the most that it "
        "can have added, for it goes on beside the waiting: the true ratio is higher. Two "
        "transactions in PostgreSQL for 100 keys, one request to Vault for each. Beside it: as "
        "above.",
        **words,
    )
    yield floor_row(
        found["sending"],
        found["go"],
        target=Target(sign="<=", bound=2),
        work="sending secrets",
        same="keyrec's sink alone, 8 threads: one check-and-set write for each secret. Beside it: "
        "as above, the start of its process counted.",
        **words,
    )


def _rotations(shared: Round, rounds: int) -> Row:
    say(f"  rotations, {SIZE}")
    taken = in_turns({"keyrec": shared.rotates}, rounds)["keyrec"]
    return alone_row(
        taken,
        work="rotate",
        size=IN_VAULT,
        same="The generation is raised in every manifest: `apply` makes a new secret for each.",
    )


def _many(shared: Round, rounds: int) -> Iterable[Row]:
    say(f"  {MANY:,} creates and updates")
    few, many = shared.creates(), shared.creates(MANY)
    yield floor_row(
        [many],
        [few],
        target=Target(sign="<=", bound=12),
        work="growth of creates",
        size=f"{MANY:,} keys, Vault and PostgreSQL",
        other=f"the same with {SIZE}",
        same="Ten times the keys in at most twelve times the time.",
    )
    shared.prepare_floor()
    found = in_turns({"keyrec": shared.updates, "floor": shared.floor_updates}, rounds)
    yield floor_row(
        found["keyrec"],
        found["floor"],
        work="apply updates",
        size=f"{MANY:,} keys, PostgreSQL",
        other="the same rows, bare driver",
        same="Every description is another one. Beside it: the interpreter starts, psycopg changes "
        "the same rows by one statement and adds the audit's rows by another, in one transaction.",
    )


def _age(place: Path, rounds: int) -> Row:
    say(f"  creates into age files, {SIZE}")
    taken = in_turns({"keyrec": partial(age_creates, place)}, rounds)["keyrec"]
    return alone_row(
        taken,
        work="apply creates into age files",
        size=f"{SIZE}, age and SQLite",
        same="Each secret is encrypted and its file, its pointer and their folder are on disk.",
    )
