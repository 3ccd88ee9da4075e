"""The contract of `KeyStore`: the lease, by the database's time."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.errors import LeaseLost
from reconciler.model.journal import LEASE_RENEWAL, LEASE_TIME_TO_LIVE, Fence, Lease
from reconciler.ports import KeyStore
from tests.contracts.store_rigs import StoreRig
from tests.contracts.store_story import MANAGER


def take(store: KeyStore, run_id: str) -> Lease | None:
    """Try to take the lease of the manager."""
    return store.acquire_lease(MANAGER, holder=f"alice of {run_id}", run_id=run_id)


def taken(store: KeyStore, run_id: str) -> Lease:
    """Take the free lease of the manager."""
    lease = take(store, run_id)
    assert lease is not None
    return lease


@pytest.fixture
def store(store_rig: StoreRig) -> KeyStore:
    """Give an empty store with its tables."""
    return store_rig.migrated()


def test_a_lease_that_was_never_taken_is_none(store: KeyStore) -> None:
    """There is no row, and nobody to end."""
    assert store.lease(MANAGER) is None
    assert store.end_lease(MANAGER, actor="local:bob") is None


def test_a_taken_lease_says_who_holds_it_until_when(store_rig: StoreRig) -> None:
    """Its times are the database's; every program sees the same row."""
    lease = taken(store_rig.migrated(), "run-1")
    now = store_rig.clock.now()
    assert lease == Lease(
        manager=MANAGER,
        epoch=1,
        run_id="run-1",
        holder="alice of run-1",
        acquired_at=now,
        expires_at=now + LEASE_TIME_TO_LIVE,
    )
    assert store_rig.open().lease(MANAGER) == lease


def test_a_held_lease_is_not_given_to_another_run(store: KeyStore) -> None:
    """Managers do not stand in each other's way."""
    lease = taken(store, "run-1")
    assert take(store, "run-2") is None
    assert store.acquire_lease("other", holder="bob", run_id="run-2") is not None
    assert store.lease(MANAGER) == lease


def test_a_lost_answer_is_cured_by_taking_the_lease_again(store_rig: StoreRig) -> None:
    """The same run gets the lease that it holds, extended, with the same epoch."""
    store = store_rig.migrated()
    lease = taken(store, "run-1")
    store_rig.clock.advance(LEASE_RENEWAL)
    assert taken(store, "run-1") == replace(lease, expires_at=lease.expires_at + LEASE_RENEWAL)


def test_the_epoch_rises_with_every_new_holder(store_rig: StoreRig) -> None:
    """By running out, by release, by force; also where the same run comes back."""
    store = store_rig.migrated()
    first = taken(store, "run-1")
    store_rig.clock.advance(LEASE_TIME_TO_LIVE)
    second = taken(store, "run-1")
    store.release_lease(second.fence)
    third = taken(store, "run-2")
    store.end_lease(MANAGER, actor="local:bob")
    fourth = taken(store, "run-3")
    assert [lease.epoch for lease in (first, second, third, fourth)] == [1, 2, 3, 4]


def test_a_lease_is_free_exactly_when_its_time_has_run_out(store_rig: StoreRig) -> None:
    """Up to the last microsecond it is held; a run-out lease is still shown."""
    store = store_rig.migrated()
    lease = taken(store, "run-1")
    store_rig.clock.advance(LEASE_TIME_TO_LIVE - timedelta(microseconds=1))
    assert take(store, "run-2") is None
    store_rig.clock.advance(timedelta(microseconds=1))
    assert store.lease(MANAGER) == lease
    assert store.end_lease(MANAGER, actor="local:bob") is None
    assert taken(store, "run-2").run_id == "run-2"


def test_a_renewed_lease_holds_for_its_whole_time_again(store_rig: StoreRig) -> None:
    """Counted from the renewal."""
    store = store_rig.migrated()
    lease = taken(store, "run-1")
    store_rig.clock.advance(LEASE_RENEWAL)
    renewed = store.renew_lease(lease.fence)
    assert renewed.expires_at == store_rig.clock.now() + LEASE_TIME_TO_LIVE
    assert (renewed.acquired_at, renewed.epoch) == (lease.acquired_at, lease.epoch)
    assert store.lease(MANAGER) == renewed


def test_a_lease_that_ran_out_cannot_be_renewed(store_rig: StoreRig) -> None:
    """Also where nobody took it meanwhile: others may have acted on it."""
    store = store_rig.migrated()
    lease = taken(store, "run-1")
    store_rig.clock.advance(LEASE_TIME_TO_LIVE)
    with pytest.raises(LeaseLost):
        store.renew_lease(lease.fence)


@pytest.mark.parametrize("change", [{"run_id": "run-2"}, {"epoch": 2}, {"manager": "other"}])
def test_a_strange_fence_neither_renews_nor_releases(
    store: KeyStore, change: dict[str, str | int]
) -> None:
    """Only the holder's epoch and run id count."""
    lease = taken(store, "run-1")
    strange: Fence = replace(lease.fence, **change)  # type: ignore[arg-type]
    with pytest.raises(LeaseLost):
        store.renew_lease(strange)
    store.release_lease(strange)
    assert store.lease(MANAGER) == lease


def test_a_released_lease_is_free_at_once(store: KeyStore) -> None:
    """It can be released twice; the second time does nothing."""
    lease = taken(store, "run-1")
    store.release_lease(lease.fence)
    assert store.lease(MANAGER) is None
    second = taken(store, "run-2")
    store.release_lease(lease.fence)
    assert store.lease(MANAGER) == second


def test_an_ended_lease_is_told_and_audited(store: KeyStore) -> None:
    """Who ended whose lease stays in the chain."""
    lease = taken(store, "run-1")
    assert store.end_lease(MANAGER, actor="local:bob") == lease
    assert store.lease(MANAGER) is None
    with pytest.raises(LeaseLost):
        store.renew_lease(lease.fence)
    (event,) = store.history(f"lease/{MANAGER}")
    assert (event.note.event, event.actor) == ("lease-ended", "local:bob")
    assert dict(event.note.detail)["holder"] == "alice of run-1"


def test_of_many_programs_that_try_at_once_one_gets_the_lease(store_rig: StoreRig) -> None:
    """Also for the very first row of a manager."""
    store_rig.migrated()
    stores = [store_rig.open() for _ in range(6)]
    start, answers = threading.Barrier(6), list[Lease | None]()

    def run(number: int) -> None:
        start.wait()
        answers.append(take(stores[number], f"run-{number}"))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [lease for lease in answers if lease is not None]
    assert stores[0].lease(MANAGER) == winner
    assert winner.epoch == 1
