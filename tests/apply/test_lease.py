"""The lease is renewed while a run works, and given back when it ends."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from reconciler.apply.lease import _renew, held_lease
from reconciler.errors import LeaseLost, StoreUnavailable
from reconciler.model.journal import LEASE_RENEWAL, LEASE_TIME_TO_LIVE, Lease
from tests.fakes.world import MANAGER, World


class Pauses(threading.Event):
    """An end that comes after so many pauses, each of which passes by the world's clock."""

    def __init__(self, world: World, count: int) -> None:
        super().__init__()
        self.world, self.left = world, count
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        self.left -= 1
        self.world.clock.advance(LEASE_RENEWAL)
        return self.left < 0


def taken(world: World) -> Lease:
    """Take the lease."""
    lease = world.store.acquire_lease(MANAGER, holder="a test", run_id="run")
    assert lease is not None
    return lease


def test_a_long_run_keeps_its_lease() -> None:
    """Renewed every ten seconds, it outlives its time to live many times."""
    world = World.seeded()
    lease, pauses = taken(world), Pauses(world, 30)
    _renew(world.doors(), lease.fence, pauses)
    assert pauses.waited == [LEASE_RENEWAL.total_seconds()] * 31
    held = world.store.lease(MANAGER)
    assert held is not None
    assert held.expires_at == world.clock.now() - LEASE_RENEWAL + LEASE_TIME_TO_LIVE


def test_a_store_that_is_gone_for_a_moment_does_not_end_the_renewing() -> None:
    """The next renewal may come in time."""
    world = World.seeded()
    lease = taken(world)
    world.store.fail_next(StoreUnavailable("gone"), method="renew_lease")
    pauses = Pauses(world, 4)
    _renew(world.doors(), lease.fence, pauses)
    assert len(pauses.waited) == 5
    held = world.store.lease(MANAGER)
    assert held is not None
    assert not held.is_free(world.clock.now())


def test_a_lost_lease_is_not_renewed_any_more() -> None:
    """The next transaction meets the fence."""
    world = World.seeded()
    lease, pauses = taken(world), Pauses(world, 99)
    world.store.end_lease(MANAGER, actor="local:alice")
    _renew(world.doors(), lease.fence, pauses)
    assert len(pauses.waited) == 1
    with pytest.raises(LeaseLost):
        world.store.renew_lease(lease.fence)


def test_no_thread_is_left_behind() -> None:
    """The renewing ends with the block, and the lease is free again."""
    world = World.seeded()
    before = threading.active_count()
    with held_lease(
        world.doors(),
        MANAGER,
        holder="a test",
        timeout=timedelta(seconds=1),
        stop=threading.Event(),
    ) as lease:
        assert threading.active_count() == before + 1
        assert world.store.lease(MANAGER) == lease
    assert threading.active_count() == before
    assert world.store.lease(MANAGER) is None
