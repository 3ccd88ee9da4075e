"""What a run costs a SQL store, counted: transactions and statements, on both databases.

Counts say the same on every machine; what they come to in seconds is measured in `benchmarks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from reconciler.adapters.sql_store import SqlStore
from reconciler.model.keys import KeySpec
from reconciler.model.resources import Resource, address_of
from tests.adapters.sql_rigs import engine_of, statements_of
from tests.fakes.sink import FakeSink
from tests.fakes.system import FakeClock
from tests.fakes.world import ADMIN, MANAGER, PAYMENTS, SINK_ID, World, policy, spec


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one apply took."""

    transactions: int
    """That changed something."""
    statements: int

    def __sub__(self, other: Cost) -> Cost:
        """Give what it took more than another one."""
        return Cost(
            transactions=self.transactions - other.transactions,
            statements=self.statements - other.statements,
        )


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'keys.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def world(url: str) -> Iterator[World]:
    """Give a world whose store is a real one."""
    clock = FakeClock()
    store = SqlStore(url, clock=clock)
    store.migrate()
    body = policy()
    store.seed(Resource(address=address_of(body), body=body, manager=MANAGER), actor=ADMIN)
    sink = FakeSink(readable=False, identity=SINK_ID)
    world = World(clock=clock, store=store, sink=sink)  # type: ignore[arg-type]  # a real one
    world.apply(PAYMENTS)
    yield world
    store.close()


def cost_of(world: World, *wish: KeySpec) -> Cost:
    """Apply and count."""
    store: object = world.store
    assert isinstance(store, SqlStore)
    with statements_of(store) as sent, commits_of(store) as committed:
        assert world.apply(*wish).exit_code == 0
    return Cost(transactions=len(committed), statements=len(sent))


@contextmanager
def commits_of(store: SqlStore) -> Iterator[list[None]]:
    """Count the transactions that are committed meanwhile."""
    committed: list[None] = []

    def note(_connection: object) -> None:
        committed.append(None)

    event.listen(engine_of(store), "commit", note)
    try:
        yield committed
    finally:
        event.remove(engine_of(store), "commit", note)


def keys(count: int, **fields: Any) -> list[KeySpec]:
    """Declare so many keys."""
    return [spec(f"k{number:03d}", **fields) for number in range(count)]


def test_a_hundred_creations_take_two_transactions_and_a_fixed_number_of_statements(
    world: World,
) -> None:
    """Whatever came before them in the run, and however many keys are stored already."""
    one = cost_of(world, *keys(1))
    hundred = cost_of(world, *keys(101)) - one
    assert hundred == Cost(transactions=0, statements=0), "a batch is paid for once"
    more = cost_of(world, *keys(301)) - one
    assert more.transactions == 2
    assert more.statements <= 36
    assert len(world.sink.sent) == 301


def test_rotations_cost_what_creations_cost(world: World) -> None:
    """Two transactions for a hundred of them."""
    cost_of(world, *keys(101))
    one = cost_of(world, *keys(1, generation=2), *keys(101)[1:])
    every = cost_of(world, *keys(1, generation=3), *keys(101, generation=3)[1:]) - one
    assert every.transactions == 2
    assert every.statements <= 36


def test_updates_share_one_transaction_and_a_fixed_number_of_statements(world: World) -> None:
    """A hundred updates cost what one costs; five hundred fit into one transaction."""
    cost_of(world, *keys(501))
    one = cost_of(world, *keys(1, owner="a"), *keys(501)[1:])
    hundred = cost_of(world, *keys(100, owner="b"), *keys(501)[100:])
    assert hundred == one
    every = cost_of(world, *keys(501, owner="c")) - one
    assert every.transactions == 1
    assert every.statements <= 18
