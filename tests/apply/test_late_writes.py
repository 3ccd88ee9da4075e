"""Writes that were on their way when their key was removed, and land when nobody expects them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.apply.outcome import OutcomeStatus
from reconciler.model.secret import Secret
from tests.apply.watching import assert_settled
from tests.fakes.sink import Fate
from tests.fakes.world import World, removal, spec

PATH = "payments/prod/a"


def world_with_a_late_write(*, readable: bool) -> World:
    """Give a world whose key was removed, with the sink out of reach, while a write was delayed."""
    world = World.seeded(readable=readable)
    world.apply(spec("a"))
    world.sink.next_writes(Fate.DELAYED, Fate.UNAVAILABLE, Fate.UNAVAILABLE)
    world.apply(spec("a", generation=2))
    assert world.apply(removal("a"), allowed_removals=1).exit_code == 4
    world.sink._fates.clear()
    return world


@pytest.mark.parametrize("readable", [False, True])
def test_a_late_write_of_a_removed_key_does_not_block_the_next_key_of_its_path(
    readable: bool,
) -> None:
    """The store knows its version, path and hash: it is keyrec's own, and ends nowhere else."""
    world = world_with_a_late_write(readable=readable)
    world.sink.deliver()
    late = world.sink.secret_at(PATH)

    report = world.apply(spec("a", owner="another-team"))

    assert report.exit_code == 0
    assert_settled(world)
    assert not world.authenticates(late)
    assert world.authenticates(world.sink.secret_at(PATH))


@pytest.mark.parametrize("readable", [False, True])
def test_a_late_write_below_an_open_operation_of_the_next_key_is_explained(readable: bool) -> None:
    """Also where the next key's own write was never sent: the next run goes on from it."""
    world = world_with_a_late_write(readable=readable)
    declared = spec("a", owner="another-team")
    world.sink.next_writes(Fate.UNAVAILABLE)
    assert world.apply(declared).exit_code == 4
    world.sink.deliver()

    assert world.apply(declared).exit_code == 0
    assert_settled(world)
    assert world.authenticates(world.sink.secret_at(PATH))


@pytest.mark.parametrize("forged", ["secret", "path"])
def test_a_copy_of_a_known_version_is_a_strangers_where_its_secret_or_its_path_is_another(
    forged: str,
) -> None:
    """A version id alone proves nothing; nor does a secret that belongs elsewhere."""
    world = World.seeded(readable=True)
    world.apply(spec("a"), spec("b"))
    copied = world.sink.payload_at(PATH, 1)
    assert copied is not None
    if forged == "secret":
        copied = replace(copied, api_key=Secret("not-a-key-of-this-test"), key_id="somebody")
    path = PATH if forged == "secret" else "payments/prod/b"
    world.sink.write(path, copied, expected=1)

    report = world.apply(spec("a", generation=2), spec("b", generation=2))

    blocked = [o.path for o in report.outcomes if o.status is OutcomeStatus.BLOCKED]
    assert blocked == [path]
