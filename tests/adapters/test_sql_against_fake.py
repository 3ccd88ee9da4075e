"""The SQL store and the one in memory, written apart, agree on every sequence of writes.

Long lives of a few keys are drawn from a seed, as commits of writes that mostly could hold and
sometimes cannot; after each commit both stores give the same answer and observe the same state.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from reconciler.adapters.sql_store import SqlStore
from reconciler.model.journal import Operation, OperationState
from reconciler.model.keys import KeyRecord, KeyStatus
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.secret_writes import CloseOperation, CommitAttempt, ConfirmSecret, Retarget
from reconciler.model.workspaces import Workspace
from reconciler.model.writes import RecordDestroyed, ReleaseKey, RemoveResource, Write
from tests.contracts.store_story import (
    MANAGER,
    POLICY,
    Story,
    address,
    note,
    putting,
    resource,
    retiring,
    revoking,
)
from tests.fakes.store import STORE_ID, FakeStore
from tests.fakes.system import FakeClock

NAMES = ("a", "b", "c")
PATHS = tuple(f"payments/prod/{name}" for name in NAMES)
COMMITS = 60


class Chooser:
    """Draws the next write from what the store in memory holds."""

    def __init__(self, seed: int, story: Story, fake: FakeStore) -> None:
        self._random = Random(seed)
        self.story = story
        self.fake = fake

    def pick(self, count: int) -> int:
        """Draw a number below `count`."""
        return self._random.randrange(count)

    def one_of(self, *things: str) -> str:
        """Draw one of the words."""
        return things[self.pick(len(things))]

    def key(self) -> KeyRecord | None:
        """Draw any key that ever was, as it is now; sometimes as it was not."""
        every = list(self.fake.state.keys.values())
        live = [k for k in every if k.status is KeyStatus.LIVE]
        keys = live if live and self.pick(8) else every
        if not keys:
            return None
        key = keys[self.pick(len(keys))]
        is_stale = self.pick(8) == 0
        return replace(key, record_version=99) if is_stale else key

    def operation(self) -> Operation | None:
        """Draw an operation, an open one where there is any."""
        every = list(self.fake.state.operations.values())
        opened = [o for o in every if o.state is OperationState.OPEN]
        some = opened if opened and self.pick(8) else every
        return some[self.pick(len(some))] if some else None

    def version_id(self) -> str:
        """Draw any version that ever was."""
        ids = list(self.fake.state.versions) or ["unknown"]
        return ids[self.pick(len(ids))]

    def writes(self) -> tuple[Write, ...]:
        """Draw the writes of one commit."""
        return tuple(w for _ in range(self.pick(3) + 1) if (w := self.write()) is not None)

    def write(self) -> Write | None:
        """Draw one write."""
        families = (self.of_key, self.of_operation, self.of_version, self.of_resource)
        return families[min(self.pick(10) // 3, 3)]()

    def of_key(self) -> Write | None:
        """Draw a write of a key."""
        key = self.key()
        name = self.one_of(*NAMES)
        path = f"payments/prod/{name}" if self.pick(4) else self.one_of(*PATHS)
        kind = self.one_of("create", "rotate", "rename", "reissue", "update", "remove", "hold")
        expiration = (Expiration.NONE, Expiration.DAY)[self.pick(2)]
        if kind == "create" or key is None:
            return self.story.creation(name, path=path, expiration=expiration)
        match kind:
            case "rotate":
                return self.story.rotation(key, sink_id=self.one_of("sink-1", "sink-2"))
            case "rename":
                return self.story.renaming(key, name, path=path)
            case "reissue":
                path = key.fields.sink_path if self.pick(4) else path
                return self.story.reissue(key, path=path, expiration=expiration)
            case "update":
                return self.story.updating(key, name, active=self.pick(2) == 0)
            case "remove":
                return self.story.removing(key)
            case _:
                released = ReleaseKey(key_id=key.key_id, note=note("released", key.address))
                return self.story.holding(key) if self.pick(2) else released

    def of_operation(self) -> Write | None:
        """Draw a write of an operation; most of them confirm."""
        operation = self.operation()
        if operation is None:
            return None
        said = note("operation", "payments/x")
        ids = {"operation_id": operation.operation_id}
        seen = max(a.expected for a in operation.attempts) + self.pick(3)
        match self.one_of("confirm", "confirm", "attempt", "retarget", "close"):
            case "confirm":
                target = operation.target if self.pick(8) else self.version_id()
                return ConfirmSecret(**ids, version_id=target, sink_version=seen, note=said)
            case "attempt":
                return CommitAttempt(**ids, version_id=operation.target, expected=seen)
            case "retarget":
                return Retarget(
                    **ids,
                    interrupted=operation.target,
                    interrupted_sink_version=seen if self.pick(2) else None,
                    version=self.story.new_version(operation.sink_path, operation.sink_id),
                    expected=seen,
                    note=said,
                )
            case _:
                end = (VersionState.RETIRED, VersionState.RETIRING)[self.pick(2)]
                return CloseOperation(
                    **ids,
                    state=(OperationState.BLOCKED, OperationState.ABANDONED)[self.pick(2)],
                    dispositions=((operation.target, end),),
                    note=said,
                )

    def of_version(self) -> Write | None:
        """Draw a write of a version."""
        version_id = self.version_id()
        match self.one_of("retire", "retire", "destroy", "destroy", "revoke"):
            case "retire":
                return retiring(version_id)
            case "destroy":
                return RecordDestroyed(version_id=version_id, note=note("destroyed", "x/y"))
            case _:
                return revoking(version_id)

    def of_resource(self) -> Write | None:
        """Draw a write of a resource."""
        body = Workspace(name=self.one_of("w1", "w2"), admins=(self.one_of("local:x", "local:y"),))
        stored = self.fake.state.resources.get(resource(body).address)
        base = None if stored is None else stored.fingerprint
        if self.pick(3):
            return putting(body, base if self.pick(8) else "another")
        said = note("workspace-removed", "workspace/w")
        return RemoveResource(address=resource(body).address, base=base or "none", note=said)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an empty SQLite store to copy."""
    path = tmp_path_factory.mktemp("template") / "keys.db"
    store = SqlStore(f"sqlite:///{path}", clock=FakeClock())
    store.migrate()
    store.close()
    return path


@pytest.fixture
def sql(template: Path, tmp_path: Path, clock: FakeClock) -> Iterator[SqlStore]:
    """Give a fresh SQLite store."""
    store = SqlStore(f"sqlite:///{shutil.copy(template, tmp_path / 'keys.db')}", clock=clock)
    yield store
    store.close()


@pytest.fixture
def clock() -> FakeClock:
    """Give the time of both stores."""
    return FakeClock()


@pytest.mark.parametrize("seed", range(8))
def test_both_stores_agree_on_every_life_of_a_few_keys(
    sql: SqlStore, clock: FakeClock, seed: int
) -> None:
    """Same answers, same observed state, same lists by address, same audit chain."""
    fake = FakeStore(clock)
    for store in (fake, sql):
        store.seed(resource(POLICY), actor="local:alice")
        store.acquire_lease(MANAGER, holder="a test", run_id="run-1")
    story = Story(store=fake, clock=clock)
    chooser = Chooser(seed, story, fake)
    for _ in range(COMMITS):
        clock.advance(timedelta(hours=(0, 1, 13)[chooser.pick(3)]))
        lease = sql.acquire_lease(MANAGER, holder="a test", run_id="run-1")
        assert lease is not None
        assert lease.fence == story.take_lease()
        commit = story.put_together(*chooser.writes())
        assert sql.commit(commit) == fake.commit(commit)
        assert replace(sql.observe(MANAGER), store_id=STORE_ID) == fake.observe(MANAGER)
        for name in NAMES:
            assert sql.find(address(name)) == fake.find(address(name))
            assert sql.history(f"payments/{name}") == fake.history(f"payments/{name}")
    assert tuple(sql.events()) == tuple(fake.events())
