"""Killed at any point, on every pair of store and sink: the promises hold, and the next run finishes.

Here every scene is killed once at each of its points on SQLite with age, and at some drawn points and
pairs of points elsewhere. `make promises` kills at all of them: once on every pair, and at every two
points on SQLite with age; it prints the table.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.apply import delivery
from reconciler.apply.delivery import Courier, Delivered, Delivery, Sending
from reconciler.apply.points import (
    SINK_EFFECTS,
    SINK_READINGS,
    STORE_EFFECTS,
    STORE_READINGS,
    STORE_RENEWALS,
)
from reconciler.ports import KeyStore, SecretSink
from tests.promises.enumeration import Enumeration, Tally
from tests.promises.place import Place
from tests.promises.places import PAIRS, fast_folder, place_of
from tests.promises.scenes import SCENES, Scene
from tests.promises.table import leave
from tests.properties.profiles import SEED

NAMES = [scene.name for scene in SCENES]
TWO_PAIRS = ("sqlite-age", "postgres-vault")
SEEDS = (4, SEED)
"""One that is the same in every run, and one that is told."""
FULL = os.environ.get("KEYREC_PROMISES")
"""A folder for the counts of a full enumeration; where there is none, samples have to do."""


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Give the pair that the test names."""
    pair: str = request.param
    needs_postgres, needs_vault = pair.startswith("postgres"), pair.endswith("vault")
    url = request.getfixturevalue("postgres_url") if needs_postgres else None
    client = request.getfixturevalue("vault_client") if needs_vault else None
    with fast_folder() as folder:
        made = place_of(pair, folder, postgres_url=url, vault=client)
        yield made
        made.close()


def members(port: type) -> set[str]:
    """Give the names of everything that a port offers."""
    return {name for name in vars(port) if not name.startswith("_")}


def test_every_method_of_the_ports_is_an_effect_or_a_reading() -> None:
    """A new effect cannot be forgotten: the lists are held against the ports, and do not overlap."""
    store = (STORE_EFFECTS, STORE_READINGS, STORE_RENEWALS)
    sink = (SINK_EFFECTS, SINK_READINGS)
    for port, lists in ((KeyStore, store), (SecretSink, sink)):
        assert members(port) == set().union(*lists)
        assert sum(map(len, lists)) == len(members(port))


def held(tally: Tally, kind: str) -> None:
    """Hold that there was no violation, and leave the count for the table."""
    if FULL:
        leave(tally, kind, Path(FULL))
    assert tally.runs > 0
    assert tally.violations == []


@pytest.mark.parametrize("scene", SCENES, ids=NAMES)
@pytest.mark.parametrize("place", PAIRS, indirect=True)
def test_a_run_may_be_killed_at_every_point(place: Place, scene: Scene) -> None:
    """Before and after every effect, and between the steps on the disk."""
    enumeration = Enumeration(place)
    if FULL or place.name == "sqlite-age":
        held(enumeration.singles(scene), "once")
    else:
        held(enumeration.sampled(scene, seeds=SEEDS), "once")


@pytest.mark.parametrize("scene", SCENES, ids=NAMES)
@pytest.mark.parametrize("place", PAIRS if FULL else TWO_PAIRS, indirect=True)
def test_the_run_that_recovers_may_be_killed_too(place: Place, scene: Scene) -> None:
    """At drawn pairs of points: some that are the same in every run, and some that are not."""
    enumeration = Enumeration(place)
    if FULL and place.name == "sqlite-age":
        held(enumeration.pairs(scene), "twice")
    else:
        held(enumeration.sampled_pairs(scene, seeds=SEEDS, each=8 if FULL else 1), "twice")


def confirmed_unsent(courier: Courier, sending: Sending) -> Delivery:
    """Say that a secret has arrived, and send nothing."""
    del courier
    return Delivered(sink_version=sending.expected + 1)


@pytest.mark.parametrize("place", ["sqlite-age"], indirect=True)
def test_a_secret_that_is_confirmed_and_not_written_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The harness itself can fail: P1 and P3 do not hold."""
    monkeypatch.setattr(delivery.Courier, "deliver", confirmed_unsent)
    scene = next(s for s in SCENES if s.name == "create")
    violations = Enumeration(place).singles(scene).violations
    assert any("P3 the current secret is the latest at the path" in v for v in violations)
