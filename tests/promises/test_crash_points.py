"""Killed at any point, on every pair of store and sink: the promises hold, and the next run finishes.

Here every scene is killed once at each of its points on SQLite with age, and twice at drawn points
on every pair. `make promises` kills at all of them: once on every pair, and at every two
points on SQLite with age; it prints the table.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.promises.enumeration import Enumeration, Tally
from tests.promises.place import Place
from tests.promises.places import LOCAL, PAIRS, fast_folder, place_of
from tests.promises.scenes import SCENES, Scene
from tests.promises.table import ONCE, TWICE, leave
from tests.properties.profiles import SEED
from tests.services.postgres import own_schema

SEEDS = (4, SEED)
"""One that is the same in every run, and one that is told."""
FULL = os.environ.get("KEYREC_PROMISES")
"""A folder for the counts of a full enumeration; where there is none, samples have to do."""
DRAWS = 4
"""Pairs of points that a full enumeration draws for each scene, place and seed."""

SHORTEST = next(scene for scene in SCENES if scene.name == "update")
"""The scene that the steps within the anchor's write are always tried in: they are the same in all."""

each_scene = pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Give the pair that the test names."""
    pair: str = request.param
    with ExitStack() as opened:
        url, client = None, None
        if pair.startswith("postgres"):
            wanted = ("postgres_server", "postgres_admin")
            url = opened.enter_context(own_schema(*map(request.getfixturevalue, wanted)))
        if pair.endswith("vault"):
            client = request.getfixturevalue("vault_client")
        folder = opened.enter_context(fast_folder())
        made = place_of(pair, folder, postgres_url=url, vault=client)
        opened.callback(made.close)
        yield made


def hold(tally: Tally, kind: str) -> None:
    """Hold that there was no violation, and leave the count for the table."""
    if FULL:
        leave(tally, kind, Path(FULL))
    assert tally.runs > 0
    assert tally.violations == []


@each_scene
@pytest.mark.parametrize("place", PAIRS if FULL else [LOCAL], indirect=True)
def test_a_run_may_be_killed_at_every_point(place: Place, scene: Scene) -> None:
    """Before and after every effect, and between the steps on the disk."""
    hold(Enumeration(place, scene).singles(whole=bool(FULL) or scene is SHORTEST), ONCE)


@each_scene
@pytest.mark.parametrize("place", PAIRS, indirect=True)
def test_the_run_that_recovers_may_be_killed_too(place: Place, scene: Scene) -> None:
    """At every two points on a folder; at drawn ones elsewhere, half of them the same every time."""
    enumeration = Enumeration(place, scene)
    if FULL and place.is_folder:
        hold(enumeration.pairs(whole=scene is SHORTEST), TWICE)
        return
    one = SEEDS[SCENES.index(scene) % 2 :][:1]
    seeds, each = (SEEDS, DRAWS) if FULL else (one, 1)
    hold(enumeration.sampled_pairs(seeds=seeds, each=each), TWICE)
