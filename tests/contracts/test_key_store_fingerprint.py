"""The contract of `KeyStore.fingerprint`: whatever `observe` reads changes it, and uses do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Table, text

from reconciler.adapters.sql_fingerprint import rows_fingerprint
from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_tables import metadata
from reconciler.model.secret_writes import CommitAttempt
from reconciler.model.uses import UseKind, UseMark, UseReport
from reconciler.model.workspaces import Workspace
from reconciler.model.writes import RecordDestroyed
from reconciler.ports import KeyStore
from tests.adapters.sql_rigs import engine_of, statements_of
from tests.contracts.store_rigs import StoreRig
from tests.contracts.store_story import (
    ACTOR,
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
from tests.fakes.system import FakeClock

OBSERVED = ("meta", "keys", "key_versions", "operations", "attempts", "sink_paths", "resources")
UNREAD = {("key_versions", "secret_hash")}
"""Columns of these tables that no plan reads."""


def test_what_would_take_as_long_as_a_plan_is_not_done(store_rig: StoreRig) -> None:
    """A server adds up its rows itself; a file and a store in memory have nobody who would."""
    fingerprint = store_rig.story().store.fingerprint()
    assert (fingerprint is None) is (store_rig.name != "postgres")


@pytest.fixture
def server(postgres_url: str) -> Iterator[Story]:
    """Give a run on PostgreSQL whose store has rows in every table that a plan reads."""
    clock = FakeClock()
    store = SqlStore(postgres_url, clock=clock)
    store.migrate()
    store.seed(resource(POLICY), actor=ACTOR)
    story = Story(store=store, clock=clock)
    story.done(putting(Workspace(name="payments"), None))
    story.create("a")
    story.rotate("a")
    story.done(story.creation("b"))
    yield story
    store.close()


def fingerprint(store: KeyStore) -> str:
    """Give the fingerprint; there has to be one."""
    found = store.fingerprint()
    assert found is not None
    return found


def test_an_unchanged_store_keeps_it(server: Story, postgres_url: str) -> None:
    """Whoever asks, and however often."""
    first = fingerprint(server.store)
    server.clock.advance(timedelta(days=9))
    server.observe()
    other = SqlStore(postgres_url, clock=server.clock)
    assert fingerprint(server.store) == fingerprint(other) == first
    other.close()


def test_every_write_changes_it(server: Story) -> None:
    """The life of a key, one transaction after another; none gives an earlier text again."""
    seen = [fingerprint(server.store)]

    def look(*_: object) -> None:
        seen.append(fingerprint(server.store))

    begin = server.creation("c")
    look(server.done(begin))
    attempt = CommitAttempt(
        operation_id=begin.operation.operation_id, version_id=begin.version.version_id, expected=0
    )
    look(server.done(attempt))
    look(server.done(server.confirmation(begin)))
    look(server.done(server.updating(server.record("c"), owner="another")))
    look(server.done(server.holding(server.record("c")), fenced=False))
    old = server.record("a").versions[0]
    server.advance(timedelta(days=2))
    look(server.done(retiring(old.version_id)))
    destroyed = RecordDestroyed(version_id=old.version_id, note=note("copy-destroyed", "x/y"))
    look(server.done(destroyed))
    current = server.record("a").current
    assert current is not None
    look(server.done(revoking(current.version_id), fenced=False))
    look(server.done(server.removing(server.record("a"))))
    look(server.done(putting(Workspace(name="search"), None)))
    assert len(set(seen)) == len(seen) == 11


def test_another_managers_keys_count_too(server: Story) -> None:
    """A plan lists them, and guards look at their paths."""
    first = fingerprint(server.store)
    other = Story(store=server.store, clock=server.clock, manager="other", run_id="run-2")
    other.done(other.creation("x"))
    assert fingerprint(server.store) != first


def test_uses_leases_and_audit_do_not_change_it(server: Story) -> None:
    """Verifiers report each minute, runs come and go: no plan that is silent waits for them."""
    first = fingerprint(server.store)
    (version_id,) = (v.version_id for v in server.record("a").versions[-1:])
    now = server.store.now()
    mark = UseMark(version_id=version_id, kind=UseKind.SCOPE, subject="Reviews:read", last_at=now)
    uses = UseReport(reporter="gateway", uses=((version_id, now),), until=now, marks=(mark,))
    server.store.report_uses(uses)
    assert server.record("a").versions[-1].last_used_at == now
    assert server.fence is not None
    server.store.renew_lease(server.fence)
    server.store.release_lease(server.fence)
    server.take_lease()
    assert fingerprint(server.store) == first


CHANGED: dict[str, str] = {
    "text": "coalesce({c}, '') || 'x'",
    "integer": "coalesce({c}, 0) + 1",
    "bigint": "coalesce({c}, 0) + 1",
    "boolean": "NOT {c}",
    "timestamp with time zone": "coalesce({c}, now()) + interval '1 microsecond'",
}


@pytest.fixture
def by_hand(server: Story) -> Iterator[Connection]:
    """Give a transaction in which every row may be changed, whatever the database's own rules."""
    store = server.store
    assert isinstance(store, SqlStore)
    with engine_of(store).connect() as connection:
        found = connection.execute(
            text(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN "
                "('f', 'c') AND connamespace = current_schema()::regnamespace"
            )
        )
        for table, name in found.all():
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        yield connection
        connection.rollback()


def tables() -> Iterator[Table]:
    """Give the tables that a plan reads."""
    return (metadata.tables[name] for name in OBSERVED)


def one_row(table: Table) -> str:
    """Give the condition of one row that a plan reads."""
    is_open = "operation_id IN (SELECT operation_id FROM operations WHERE state = 'open')"
    condition = is_open if table.name in {"operations", "attempts"} else "true"
    return f"ctid = (SELECT ctid FROM {table.name} WHERE {condition} LIMIT 1)"


def after(connection: Connection, statement: str) -> str:
    """Give the fingerprint after a change of one row, and take the change back."""
    with connection.begin_nested() as savepoint:
        assert connection.execute(text(statement)).rowcount == 1, statement
        found = rows_fingerprint(connection)
        savepoint.rollback()
    assert found is not None
    return found


def test_any_column_of_any_table_that_a_plan_reads_changes_it(by_hand: Connection) -> None:
    """Whoever has SQL, whatever they change; a hash of a secret is the one that is not read."""
    first = rows_fingerprint(by_hand)
    found = by_hand.execute(
        text(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = current_schema()"
        )
    )
    types = {(table, column): kind for table, column, kind in found}
    unseen = set()
    for table in tables():
        for column in table.c:
            value = CHANGED[types[table.name, column.name]].format(c=column.name)
            change = f"UPDATE {table.name} SET {column.name} = {value} WHERE {one_row(table)}"
            if after(by_hand, change) == first:
                unseen.add((table.name, column.name))
    assert unseen == UNREAD
    assert rows_fingerprint(by_hand) == first


def test_a_row_less_changes_it(by_hand: Connection) -> None:
    """In each of the tables."""
    first = rows_fingerprint(by_hand)
    for table in tables():
        assert after(by_hand, f"DELETE FROM {table.name} WHERE {one_row(table)}") != first


def test_nothing_and_an_empty_text_are_told_apart(by_hand: Connection) -> None:
    """As are two rows whose words were swapped."""
    row = one_row(metadata.tables["keys"])
    none, empty = (
        after(by_hand, f"UPDATE keys SET owner = {value} WHERE {row}") for value in ("NULL", "''")
    )
    assert none != empty
    first = rows_fingerprint(by_hand)
    swap = "UPDATE keys SET owner = CASE owner WHEN 'team-a' THEN 'team-b' ELSE 'team-a' END"
    assert by_hand.execute(text(swap)).rowcount == 2
    assert rows_fingerprint(by_hand) != first


def _close(connection: Connection) -> Any:
    return connection.execute(text("UPDATE operations SET reason = 'x' WHERE state <> 'open'"))


def _attempts(connection: Connection) -> Any:
    closed = "operation_id NOT IN (SELECT operation_id FROM operations WHERE state = 'open')"
    return connection.execute(text(f"UPDATE attempts SET expected = 9 WHERE {closed}"))


def _audit(connection: Connection) -> Any:
    return connection.execute(text("UPDATE audit SET reason = 'x'"))


@pytest.mark.parametrize("change", [_close, _attempts, _audit])
def test_what_no_plan_reads_does_not_change_it(
    by_hand: Connection, change: Callable[[Connection], Any]
) -> None:
    """Operations that came to their end, their attempts, and the audit log."""
    first = rows_fingerprint(by_hand)
    assert change(by_hand).rowcount
    assert rows_fingerprint(by_hand) == first


def test_it_costs_one_statement(server: Story) -> None:
    """And the one that limits the transaction, however many keys there are."""
    assert isinstance(server.store, SqlStore)
    counts = []
    for name in ("d", "e", "f"):
        with statements_of(server.store) as sent:
            fingerprint(server.store)
        counts.append(len(sent))
        server.create(name)
    assert counts == [2] * 3


def test_no_hash_leaves_the_server(server: Story) -> None:
    """Numbers come back, never rows."""
    assert set(fingerprint(server.store)) <= set("0123456789:- ")
    assert server.store.observe(MANAGER).live.keys() == {address("a"), address("b")}
