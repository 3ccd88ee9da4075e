"""The implementations of `KeyStore`: opened as often as a test likes, on one store of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import update

from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_tables import keys
from reconciler.model.keys import KeyAddress
from reconciler.ports import KeyStore
from tests.adapters.sql_rigs import engine_of
from tests.contracts.store_story import POLICY, Story, resource
from tests.fakes.store import FakeStore
from tests.fakes.system import FakeClock

KINDS = ("fake", "sqlite", "postgres")


@dataclass
class StoreRig:
    """One store, empty and without tables, that several programs may open."""

    name: str
    clock: FakeClock
    make: Callable[[FakeClock], KeyStore]
    opened: list[KeyStore] = field(default_factory=list)

    def edit_owner(self, address: KeyAddress, owner: str) -> None:
        """Change a live key's owner past the program."""
        store = self.open()
        if isinstance(store, FakeStore):
            store.edit_by_hand(address, owner=owner)
            return
        assert isinstance(store, SqlStore)
        is_it = (keys.c.workspace == address.workspace) & (keys.c.name == address.name)
        with engine_of(store).begin() as connection:
            connection.execute(update(keys).where(is_it).values(owner=owner))

    def open(self) -> KeyStore:
        """Open the store as one more program does."""
        store = self.make(self.clock)
        self.opened.append(store)
        return store

    def migrated(self) -> KeyStore:
        """Open it with its tables made."""
        store = self.open()
        store.migrate()
        return store

    def story(self, manager: str = "platform-keys", run_id: str = "run-1") -> Story:
        """Begin a run on the store with its tables and a policy."""
        store = self.migrated()
        store.seed(resource(POLICY), actor="local:alice")
        return Story(store=store, clock=self.clock, manager=manager, run_id=run_id)


@pytest.fixture(params=KINDS)
def store_rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreRig]:
    """Give each implementation in turn."""
    clock = FakeClock()
    match request.param:
        case "fake":
            fake = FakeStore(clock, is_migrated=False)
            rig = StoreRig(name="fake", clock=clock, make=lambda _: fake)
        case "sqlite":
            url = f"sqlite:///{tmp_path / 'store' / 'keys.db'}"
            rig = StoreRig(name="sqlite", clock=clock, make=lambda c: SqlStore(url, clock=c))
        case _:
            url = request.getfixturevalue("postgres_url")
            rig = StoreRig(name="postgres", clock=clock, make=lambda c: SqlStore(url, clock=c))
    yield rig
    for store in rig.opened:
        store.close()


@pytest.fixture
def story(store_rig: StoreRig) -> Story:
    """Give a run on each implementation in turn."""
    return store_rig.story()
