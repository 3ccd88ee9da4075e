"""Numbered effects of a run: which they are, in which order, and that watching costs nothing unasked."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from reconciler.apply.doors import RunWatch
from reconciler.apply.points import (
    SINK_EFFECTS,
    SINK_READINGS,
    STORE_EFFECTS,
    STORE_READINGS,
    STORE_RENEWALS,
    Effect,
    Moment,
    numbered,
)
from reconciler.apply.run import rotate_now, run_apply
from reconciler.model.keys import KeyAddress
from reconciler.ports import KeyStore, SecretSink
from tests.fakes.sink import Fate
from tests.fakes.system import FakeEntropy
from tests.fakes.world import MANAGER, World, removal, spec

BEFORE, AFTER = Moment.BEFORE, Moment.AFTER


def effects_of(world: World, *items: object, **options: object) -> list[Effect]:
    """Apply and give what a watcher was told."""
    told: list[Effect] = []
    request = world.run_request(*items, **options)  # type: ignore[arg-type]  # passed on as given
    run_apply(world.doors(), request, RunWatch(on_effect=told.append))
    return told


def names(effects: list[Effect]) -> list[str]:
    """Give what was begun, in order."""
    return [f"{e.door} {e.name}" for e in effects if e.moment is BEFORE]


def members(port: type) -> set[str]:
    """Give the names of everything that a port offers."""
    return {name for name in vars(port) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("port", "lists"),
    [
        (KeyStore, (STORE_EFFECTS, STORE_READINGS, STORE_RENEWALS)),
        (SecretSink, (SINK_EFFECTS, SINK_READINGS)),
    ],
)
def test_every_method_of_a_port_is_an_effect_or_a_reading(
    port: type, lists: tuple[frozenset[str], ...]
) -> None:
    """A new effect cannot be forgotten: the lists are held against the ports, and do not overlap."""
    assert members(port) == set().union(*lists)
    assert sum(map(len, lists)) == len(members(port))


def test_effects_are_numbered_through_in_the_order_in_which_they_begin() -> None:
    """Store and sink share one count, and each effect is told before and after it."""
    told = effects_of(World.seeded(), spec("a"))
    assert [(e.number, e.moment) for e in told] == [
        (number, moment) for number in range(1, 7) for moment in (BEFORE, AFTER)
    ]
    assert names(told) == [
        "store acquire_lease",
        "store commit BeginSecret",
        "sink write payments/prod/a",
        "store commit ConfirmSecret",
        "sink write_anchor",
        "store release_lease",
    ]


def test_a_transaction_is_named_by_the_kinds_of_its_writes() -> None:
    """Each kind once, in the order of the writes."""
    world = World.seeded()
    world.apply(spec("a"), spec("b"), spec("c"))
    told = effects_of(
        world, removal("a"), removal("b"), spec("c", owner="another"), allowed_removals=2
    )
    assert names(told) == [
        "store acquire_lease",
        "store commit RemoveKey, UpdateKey",
        "sink destroy payments/prod/a",
        "sink destroy payments/prod/b",
        "store commit RecordDestroyed",
        "sink write_anchor",
        "store release_lease",
    ]


def test_what_is_done_at_an_effect_is_done_between_its_two_moments() -> None:
    """Before it nothing is there, after it all of it."""
    world = World.seeded()
    seen: list[tuple[Moment, int]] = []

    def look(effect: Effect) -> None:
        if effect.name.startswith("write "):
            seen.append((effect.moment, world.sink.version_at("payments/prod/a")))

    run_apply(world.doors(), world.run_request(spec("a")), RunWatch(on_effect=look))
    assert seen == [(BEFORE, 0), (AFTER, 1)]


def test_an_effect_that_fails_is_told_after_it_too() -> None:
    """Whoever watches hears the end of everything that began."""
    world = World.seeded()
    world.sink.next_writes(Fate.UNAVAILABLE)
    told = [e for e in effects_of(world, spec("a"), spec("b")) if e.name.startswith("write")]
    assert [(e.number, e.moment) for e in told if e.name.endswith("/a")] == [
        (3, BEFORE),
        (3, AFTER),
    ]


def test_a_rotation_asked_for_is_numbered_too() -> None:
    """Every door into a run is watched."""
    world = World.seeded()
    world.apply(spec("a"))
    told: list[Effect] = []
    address = KeyAddress(workspace="payments", name="a")
    rotate_now(world.doors(), world.run_request(), address, RunWatch(on_effect=told.append))
    assert names(told)[1:4] == [
        "store commit BeginSecret",
        "sink write payments/prod/a",
        "store commit ConfirmSecret",
    ]


def test_a_renewal_of_the_lease_has_no_number() -> None:
    """It comes by the clock: with a number, what follows would be counted differently each time."""
    world = World.seeded()
    told: list[Effect] = []
    store, sink = numbered(world.store, world.sink, told.append)
    lease = store.acquire_lease(MANAGER, holder="a test", run_id=FakeEntropy().identifier())
    assert lease is not None
    store.renew_lease(lease.fence)
    assert (store.now(), sink.identity(), sink.kind) == (
        world.store.now(),
        world.sink.identity(),
        world.sink.kind,
    )
    store.release_lease(lease.fence)
    assert [e.number for e in told] == [1, 1, 2, 2]


def test_effects_of_many_threads_have_each_a_number_of_their_own() -> None:
    """No number is given twice and none is left out."""
    told: list[Effect] = []
    guard = threading.Lock()

    def note(effect: Effect) -> None:
        with guard:
            told.append(effect)

    world = World.seeded()
    items = [spec(f"key-{number}") for number in range(20)]
    request = replace(world.run_request(*items), parallelism=8)
    run_apply(world.doors(), request, RunWatch(on_effect=note))
    begun = [e.number for e in told if e.moment is BEFORE]
    assert sorted(begun) == list(range(1, len(begun) + 1))
    assert sorted(begun) == sorted(e.number for e in told if e.moment is AFTER)


def test_no_secret_can_stand_in_an_effect() -> None:
    """Names hold methods, kinds of writes and paths; never what is written."""
    world = World.seeded()
    told = effects_of(world, spec("a"), spec("b"))
    secrets = [world.sink.secret_at(f"payments/prod/{name}") or "" for name in "ab"]
    assert all(secrets)
    assert not [s for s in secrets if s in repr(told) or s.split("_")[3] in repr(told)]
