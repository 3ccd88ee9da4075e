"""The SQL store behind its port: unknown outcomes, numbers of statements, errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from reconciler.adapters.sql_store import SqlStore
from reconciler.errors import (
    CommitUnknown,
    ConfigInvalid,
    KeyrecError,
    StoreOutdated,
    StoreUnavailable,
)
from tests.adapters.sql_rigs import engine_of, everything_in, statements_of
from tests.contracts.store_story import MANAGER, POLICY, Story, resource
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


def test_a_lease_call_whose_end_stays_unknown_is_unavailable(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few tries the store does not answer; its connections are not used again."""
    dialect = engine_of(opened.store).dialect

    def lose(_connection: object) -> None:
        raise dialect.loaded_dbapi.OperationalError("server closed the connection")

    monkeypatch.setattr(dialect, "do_commit", lose)
    with pytest.raises(StoreUnavailable, match="does not answer"):
        opened.store.acquire_lease(MANAGER, holder="a test", run_id="run-1")
    monkeypatch.undo()
    lease = opened.store.acquire_lease(MANAGER, holder="a test", run_id="run-1")
    assert lease is not None


def test_postgres_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver is an extra of the package."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigInvalid, match="not installed") as caught:
        SqlStore("postgresql://localhost/keys")
    assert "keyrec[postgres]" in caught.value.advice


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("not a url", "cannot be read"),
        (f"mysql://root:{PASSWORD}@localhost/keys", "cannot be mysql"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        (f"postgresql://alice:first@{PASSWORD}@localhost/keys", "cannot be read"),
        (f"postgresql://al/ice:{PASSWORD}@localhost/keys", "cannot be read"),
        (f"postgresql://alice:first@x/{PASSWORD}@localhost/keys", "cannot be read"),
    ],
)
def test_a_url_that_names_no_store_is_refused(url: str, said: str) -> None:
    """Without repeating it: it may hold a password."""
    with pytest.raises(ConfigInvalid, match=said) as caught:
        SqlStore(url, clock=FakeClock())
    assert PASSWORD not in everything_in(caught.value)


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
