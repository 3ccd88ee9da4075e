"""The SQL store behind its port: statements, rights, files, settings, unknown outcomes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, make_url, text

from reconciler.adapters import sql_engine
from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_tables import key_versions, metadata
from reconciler.errors import (
    CommitUnknown,
    ConfigInvalid,
    KeyrecError,
    StoreOutdated,
    StoreUnavailable,
)
from reconciler.model.journal import LEASE_TIME_TO_LIVE
from reconciler.model.resources import address_of
from reconciler.model.workspaces import Workspace
from reconciler.model.writes import RemoveResource
from tests.adapters.sql_rigs import engine_of, statements_of
from tests.contracts.store_story import MANAGER, POLICY, Story, note, putting, resource
from tests.fakes.system import FakeClock

PASSWORD = "correct-horse-battery"


@dataclass
class Opened:
    """A store with its URL and clock."""

    url: str
    clock: FakeClock
    store: SqlStore

    def story(self) -> Story:
        """Begin a run."""
        return Story(store=self.store, clock=self.clock)


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Give a store of each kind with its tables and a policy."""
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    clock = FakeClock()
    store = SqlStore(url, clock=clock)
    store.migrate()
    store.seed(resource(POLICY), actor="local:alice")
    yield Opened(url=url, clock=clock, store=store)
    store.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give the URL of a file that is not there yet."""
    return f"sqlite:///{tmp_path / 'made' / 'by us' / 'keys.db'}"


def refuse_commits(opened: Opened, monkeypatch: pytest.MonkeyPatch, *, do_commit: bool) -> None:
    """Lose the connection at the next COMMIT, before or after it was done."""
    dialect = engine_of(opened.store).dialect
    original, calls = dialect.do_commit, list[int]()

    def lose(connection: object) -> None:
        if calls:
            return original(connection)  # type: ignore[arg-type]
        calls.append(1)
        if do_commit:
            original(connection)  # type: ignore[arg-type]
        else:
            dialect.do_rollback(connection)  # type: ignore[arg-type]
        raise dialect.loaded_dbapi.OperationalError("server closed the connection")

    monkeypatch.setattr(dialect, "do_commit", lose)


@pytest.mark.parametrize("do_commit", [True, False])
def test_a_connection_that_is_lost_at_commit_leaves_the_outcome_unknown_and_repeatable(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, do_commit: bool
) -> None:
    """Whatever had happened, running the commit again gives one key and one answer."""
    story = opened.story()
    commit = story.put_together(story.creation("a"))
    refuse_commits(opened, monkeypatch, do_commit=do_commit)
    with pytest.raises(CommitUnknown) as caught:
        opened.store.commit(commit)
    assert caught.value.transient
    answer = opened.store.commit(commit)
    assert answer.refusals == (None,)
    assert [r.address.name for r in story.observe().records] == ["a"]
    assert story.observe().audit_sequence == answer.audit_sequence == 2


def test_a_lost_answer_to_a_lease_call_is_cured_inside(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking, renewing and giving back do no harm twice, so nobody hears of it."""
    refuse_commits(opened, monkeypatch, do_commit=True)
    lease = opened.store.acquire_lease(MANAGER, holder="a test", run_id="run-1")
    assert lease is not None
    assert lease.epoch == 1


def test_the_number_of_statements_does_not_depend_on_the_number_of_writes(opened: Opened) -> None:
    """One key or five hundred: the same few statements, in both transactions."""
    story = opened.story()
    counts = []
    for size in (1, 500):
        begins = [story.creation(f"k{size}-{n}", expected=0) for n in range(size)]
        story.take_lease()
        with statements_of(opened.store) as begun:
            story.done(*begins)
        with statements_of(opened.store) as confirmed:
            story.done(*(story.confirmation(begin) for begin in begins))
        counts.append((len(begun), len(confirmed)))
    assert counts[0] == counts[1]
    assert max(counts[1]) <= 17


def test_observing_sends_few_statements_and_reads_no_hash(opened: Opened) -> None:
    """The number does not depend on the number of keys; the hash column is never named."""
    story = opened.story()
    counts = []
    for size in (1, 50):
        for n in range(size):
            story.create(f"k{size}-{n}")
        with statements_of(opened.store) as sent:
            story.observe()
        assert not any("secret_hash" in statement for statement in sent)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 12


def test_reading_a_sqlite_store_that_is_not_there_does_not_make_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    """A plan writes nothing, not even an empty file."""
    store = SqlStore(sqlite_url, clock=FakeClock())
    with pytest.raises(StoreOutdated):
        store.observe(MANAGER)
    assert list(tmp_path.iterdir()) == []


def test_a_sqlite_store_belongs_to_its_owner_alone(sqlite_url: str, tmp_path: Path) -> None:
    """File 0600, folders that were made 0700; the log beside it too."""
    store = SqlStore(sqlite_url, clock=FakeClock())
    store.migrate()
    story = Story(store=store, clock=FakeClock())
    story.create("a")
    folder = tmp_path / "made" / "by us"
    assert {p.name: oct(p.stat().st_mode & 0o777) for p in folder.iterdir()} == {
        "keys.db": "0o600",
        "keys.db-wal": "0o600",
        "keys.db-shm": "0o600",
    }
    assert {oct(p.stat().st_mode & 0o777) for p in (folder, folder.parent)} == {"0o700"}
    store.close()


def test_a_sqlite_store_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """A file stands where a folder is wanted."""
    (tmp_path / "made").write_text("a file")
    store = SqlStore(f"sqlite:///{tmp_path / 'made' / 'keys.db'}", clock=FakeClock())
    with pytest.raises(StoreUnavailable, match="cannot be made: Not a directory"):
        store.migrate()


def test_sqlite_keeps_what_it_says_it_keeps(sqlite_url: str) -> None:
    """Write-ahead log, full synchronisation, foreign keys."""
    store = SqlStore(sqlite_url, clock=FakeClock())
    store.migrate()
    with engine_of(store).connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert found == ["wal", 2, 1]
    store.close()


def test_a_locked_sqlite_store_is_unavailable_for_a_while(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writers wait, then say who stands in the way; readers are not disturbed."""
    monkeypatch.setattr(sql_engine, "_SQLITE_BUSY_SECONDS", 0)
    store = SqlStore(sqlite_url, clock=FakeClock())
    store.migrate()
    story = Story(store=store, clock=FakeClock())
    other = sqlite3.connect(make_url(sqlite_url).database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked by another program") as caught:
        story.commit()
    assert caught.value.transient
    assert story.observe().records == ()
    other.execute("ROLLBACK")
    other.close()
    story.create("a")
    store.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    path = tmp_path / "keys.db"
    path.write_text("this is not a database" * 100)
    store = SqlStore(f"sqlite:///{path}", clock=FakeClock())
    with pytest.raises(StoreUnavailable, match="is not a database"):
        store.migrate()
    store.close()


def test_sqlite_needs_a_clock(sqlite_url: str) -> None:
    """It has no time of its own."""
    with pytest.raises(ValueError, match="give a clock"):
        SqlStore(sqlite_url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("not a url", "cannot be read"),
        (f"mysql://root:{PASSWORD}@localhost/keys", "cannot be mysql"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
def test_a_url_that_names_no_store_is_refused(url: str, said: str) -> None:
    """Without repeating it: it may hold a password."""
    with pytest.raises(ConfigInvalid, match=said) as caught:
        SqlStore(url, clock=FakeClock())
    assert PASSWORD not in everything_in(caught.value)


def everything_in(error: BaseException | None) -> str:
    """Give all texts of an error and of those it was raised from."""
    said = ""
    while error is not None:
        said += repr(error) + str(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return said


@pytest.mark.parametrize("call", ["check", "migrate", "now"])
def test_a_server_that_is_not_there_is_named_without_its_password(call: str) -> None:
    """The place, the reason, one advice; no chain of driver errors."""
    url = f"postgresql://alice:{PASSWORD}@127.0.0.1:1/keys?connect_timeout=2"
    store = SqlStore(url)
    with pytest.raises(StoreUnavailable, match=r"postgresql: 127\.0\.0\.1:1/keys") as caught:
        getattr(store, call)()
    assert PASSWORD not in everything_in(caught.value) + caught.value.advice
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_failed_statement_leaves_no_hash_in_the_error(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id that is used twice is refused by the database; its row is not repeated."""
    story = opened.story()
    begin = story.creation("a")
    story.done(begin)
    other = story.creation("b")
    twice = story.put_together(
        type(other)(
            **{
                **{f: getattr(other, f) for f in other.__dataclass_fields__},
                "version": begin.version,
            }
        )
    )
    with pytest.raises(StoreUnavailable) as caught:
        opened.store.commit(twice)
    assert "argon2id" not in everything_in(caught.value)
    assert [r.address.name for r in story.observe().records] == ["a"]


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
        "DELETE ON {s}.resources",
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


def test_every_store_error_says_what_to_do(opened: Opened) -> None:
    """A newer table version names the mend, whichever method is called first."""
    with engine_of(opened.store).begin() as connection:
        connection.execute(text("UPDATE meta SET schema_version = 99"))
    other = SqlStore(opened.url, clock=opened.clock)
    for call in (other.check, other.migrate, lambda: other.observe(MANAGER)):
        with pytest.raises(StoreOutdated, match="version 99") as caught:
            call()
        assert isinstance(caught.value, KeyrecError)
        assert caught.value.advice == "use a newer keyrec"
    other.close()
