"""What is PostgreSQL's alone: its time, limits, rights, and connections that die."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta, timezone

import pytest
from sqlalchemy import URL, Engine, make_url, text

from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_tables import key_versions, metadata
from reconciler.errors import (
    CommitUnknown,
    StoreUnavailable,
)
from reconciler.model.journal import LEASE_TIME_TO_LIVE
from reconciler.model.resources import address_of
from reconciler.model.workspaces import Workspace
from reconciler.model.writes import RemoveResource
from tests.adapters.sql_rigs import engine_of
from tests.contracts.store_story import MANAGER, POLICY, Story, note, putting, resource
from tests.fakes.system import FakeClock


def test_postgres_gives_its_own_time(postgres_url: str) -> None:
    """Without a clock, leases and rows carry the server's time, aware and in UTC."""
    store = SqlStore(postgres_url)
    store.migrate()
    lease = store.acquire_lease(MANAGER, holder="a test", run_id="run-1")
    assert lease is not None
    assert lease.expires_at - lease.acquired_at == LEASE_TIME_TO_LIVE
    assert lease.acquired_at.tzinfo is timezone.utc
    assert store.now() > lease.acquired_at - timedelta(microseconds=1)
    assert store.lease(MANAGER) == lease
    store.close()


def test_postgres_transactions_are_limited_and_durable(postgres_url: str) -> None:
    """A dead client's locks end before those who wait for them give up."""
    store = SqlStore(postgres_url)
    store.migrate()

    def settings(connection: object) -> dict[str, str]:
        names = (
            "synchronous_commit",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
            "statement_timeout",
            "application_name",
            "transaction_isolation",
            "transaction_read_only",
        )
        return {
            n: connection.execute(text(f"SHOW {n}")).scalar_one()  # type: ignore[attr-defined]
            for n in names
        }

    limits = {
        "synchronous_commit": "on",
        "lock_timeout": "15s",
        "idle_in_transaction_session_timeout": "10s",
        "statement_timeout": "1min",
        "application_name": "keyrec",
    }
    reading = {"transaction_isolation": "repeatable read", "transaction_read_only": "on"}
    writing = {"transaction_isolation": "read committed", "transaction_read_only": "off"}
    assert store._database.read(settings) == {**limits, **reading}
    assert store._database.write(settings) == {**limits, **writing}
    store.close()


def test_a_store_that_has_vanished_is_noticed_and_the_url_may_say_when(postgres_url: str) -> None:
    """A connection that says nothing is tried; without that a run would hang for hours."""
    url = make_url(postgres_url).update_query_dict({"keepalives_idle": "60"})
    for given, idle in ((postgres_url, "15"), (url.render_as_string(hide_password=False), "60")):
        store = SqlStore(given)
        with engine_of(store).connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            used = driver.info.get_parameters()
        assert used["keepalives_idle"] == idle
        assert used["tcp_user_timeout"] == "30000"
        store.close()


@dataclass
class Roles:
    """A schema whose tables are made, and roles with the rights that the reference lists."""

    admin: Engine
    owner_url: URL
    made: list[str]

    @property
    def schema(self) -> str:
        """Give the schema's name."""
        return str(self.owner_url.query["options"]).rpartition("=")[2]

    def url_of(self, job: str, *grants: str) -> str:
        """Make a role with these rights; `{s}` stands for the schema, `{r}` for the role."""
        role = f"{self.schema}_{job}"
        self.made.append(role)
        with self.admin.connect() as connection:
            for statement in (f"CREATE ROLE {role} LOGIN", "GRANT USAGE ON SCHEMA {s} TO {r}"):
                connection.execute(text(statement.format(s=self.schema, r=role)))
            for grant in grants:
                connection.execute(text(f"GRANT {grant} TO {{r}}".format(s=self.schema, r=role)))
        return self.owner_url.set(username=role).render_as_string(hide_password=False)


@pytest.fixture
def roles(postgres_url: str, postgres_admin: Engine) -> Iterator[Roles]:
    """Give such a schema."""
    owner = SqlStore(postgres_url, clock=FakeClock())
    owner.migrate()
    story = Story(store=owner, clock=FakeClock())
    story.create("a")
    story.store.release_lease(story.take_lease())
    owner.close()
    found = Roles(admin=postgres_admin, owner_url=make_url(postgres_url), made=[])
    yield found
    with postgres_admin.connect() as connection:
        for role in found.made:
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


def test_postgres_plans_with_the_right_to_read_all_but_the_hashes(roles: Roles) -> None:
    """The role of a plan sees everything and can write nothing; the error names the document."""
    columns = ", ".join(c.name for c in key_versions.c if c.name != "secret_hash")
    others = ", ".join(f"{{s}}.{t.name}" for t in metadata.sorted_tables if t is not key_versions)
    url = roles.url_of("plan", f"SELECT ON {others}", f"SELECT ({columns}) ON {{s}}.key_versions")
    reader = SqlStore(url)
    reader.check()
    (record,) = reader.observe(MANAGER).records
    assert record == reader.find(record.address)[0]
    for call in (
        lambda: reader.acquire_lease(MANAGER, holder="a plan", run_id="run-2"),
        lambda: reader.presented(record.versions[0].version_id),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            call()
        assert "docs/reference/store.md" in caught.value.advice
    reader.close()


def test_postgres_applies_with_the_rights_that_the_reference_lists(roles: Roles) -> None:
    """Nothing of an apply needs to own the tables."""
    url = roles.url_of(
        "apply",
        "SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA {s}",
        "DELETE ON {s}.resources, {s}.commits",
    )
    clock = FakeClock()
    store = SqlStore(url, clock=clock)
    store.seed(resource(POLICY), actor="local:alice")
    story = Story(store=store, clock=clock, run_id="run-2")
    story.create("b")
    body = Workspace(name="w")
    story.done(putting(body, None))
    story.done(
        RemoveResource(
            address=address_of(body),
            base=resource(body).fingerprint,
            note=note("workspace-removed", "workspace/w"),
        )
    )
    assert store.end_lease(MANAGER, actor="local:bob") is not None
    store.close()


@dataclass
class Mortal:
    """A store on PostgreSQL whose connections can be ended from outside."""

    store: SqlStore
    admin: Engine
    name: str

    def end_connections(self) -> None:
        """End them, and no other program's."""
        ending = text(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = :name"
        )
        with self.admin.connect() as connection:
            connection.execute(ending, {"name": self.name})


@pytest.fixture
def mortal(postgres_url: str, postgres_admin: Engine) -> Iterator[Mortal]:
    """Give such a store with its tables."""
    name = str(make_url(postgres_url).query["options"]).rpartition("=")[2]
    url = make_url(postgres_url).update_query_dict({"application_name": name})
    store = SqlStore(url.render_as_string(hide_password=False), clock=FakeClock())
    store.migrate()
    yield Mortal(store=store, admin=postgres_admin, name=name)
    store.close()


def test_a_connection_that_died_between_two_calls_is_replaced(
    mortal: Mortal,
) -> None:
    """A restarted server is no reason to fail: nothing was under way."""
    store = mortal.store
    story = Story(store=store, clock=FakeClock())
    mortal.end_connections()
    story.done(story.creation("a"))
    mortal.end_connections()
    assert [r.address.name for r in story.observe().records] == ["a"]


def test_a_connection_that_dies_before_commit_is_a_new_try(
    mortal: Mortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work was certainly rolled back, so it is done again and once."""
    store = mortal.store
    tries: list[int] = []
    story = Story(store=store, clock=FakeClock())
    original = SqlStore._commit

    def dying(self: SqlStore, connection: object, commit: object) -> object:
        tries.append(1)
        if len(tries) == 1:
            mortal.end_connections()
        return original(self, connection, commit)  # type: ignore[arg-type]

    monkeypatch.setattr(SqlStore, "_commit", dying)
    story.done(story.creation("a"))
    assert len(tries) == 2
    assert story.observe().audit_sequence == 1


def test_a_connection_that_dies_at_commit_is_an_unknown_outcome(
    mortal: Mortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real server's last word is not trusted; the repetition settles it."""
    store = mortal.store
    story = Story(store=store, clock=FakeClock())
    commit = story.put_together(story.creation("a"))
    dialect = engine_of(store).dialect
    original, calls = dialect.do_commit, list[int]()

    def dying(connection: object) -> None:
        calls.append(1)
        if len(calls) == 1:
            mortal.end_connections()
        original(connection)  # type: ignore[arg-type]

    monkeypatch.setattr(dialect, "do_commit", dying)
    with pytest.raises(CommitUnknown):
        store.commit(commit)
    assert store.commit(commit).refusals == (None,)
    assert story.observe().audit_sequence == 1
