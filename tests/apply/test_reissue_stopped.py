"""A reissued key that is stopped is stopped whole."""

from __future__ import annotations

from datetime import timedelta

from reconciler.model.lifetime import Expiration
from tests.fakes.sink import Fate
from tests.fakes.world import World, spec


def test_a_reissued_key_that_is_deactivated_admits_nobody_by_its_old_secret() -> None:
    """P7 reaches the secret that still had its overlap; an activation brings back the new one."""
    world = World.seeded()
    world.apply(spec("a"))
    old = world.sink.secret_at("payments/prod/a")
    world.apply(spec("a", reissue=2))
    new = world.sink.secret_at("payments/prod/a")
    assert world.authenticates(old)

    world.apply(spec("a", reissue=2, active=False))
    assert not world.authenticates(old)
    assert not world.authenticates(new)

    world.apply(spec("a", reissue=2))
    assert world.authenticates(new)
    assert not world.authenticates(old)


def test_a_reissue_that_never_arrives_ends_the_old_secret_with_the_new_key() -> None:
    """The new key has expired: nothing of either may work for ever."""
    world = World.seeded()
    world.apply(spec("a"))
    old = world.sink.secret_at("payments/prod/a")
    world.sink.next_writes(Fate.UNAVAILABLE)
    world.apply(spec("a", reissue=2, expiration=Expiration.HOUR))
    assert world.authenticates(old)
    world.clock.advance(timedelta(hours=1))
    assert not world.authenticates(old)
    world.apply(spec("a", reissue=2, expiration=Expiration.HOUR))
    assert not world.authenticates(old)
