"""What is SQLite's alone: the file, its rights, its settings, its lock."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import make_url

from reconciler.adapters import sql_engine
from reconciler.adapters.sql_store import SqlStore
from reconciler.errors import StoreOutdated, StoreUnavailable
from tests.adapters.sql_rigs import engine_of
from tests.contracts.store_story import MANAGER, Story
from tests.fakes.system import FakeClock


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give the URL of a file that is not there yet."""
    return f"sqlite:///{tmp_path / 'made' / 'by us' / 'keys.db'}"


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


def test_sqlite_needs_a_clock(sqlite_url: str) -> None:
    """It has no time of its own."""
    with pytest.raises(ValueError, match="give a clock"):
        SqlStore(sqlite_url)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    path = tmp_path / "keys.db"
    path.write_text("this is not a database" * 100)
    store = SqlStore(f"sqlite:///{path}", clock=FakeClock())
    with pytest.raises(StoreUnavailable, match="is not a database"):
        store.migrate()
    store.close()


class BusyAtFirst(sqlite3.Connection):
    """A connection to a file that another program switches to the log at the same moment."""

    refusals = 1
    waited: tuple[str, ...] = ()

    def execute(self, statement: str, *arguments: object) -> sqlite3.Cursor:
        """Refuse the first switch as SQLite does: at once, without waiting."""
        if "journal_mode" in statement and self.refusals:
            self.refusals -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        self.waited += (statement,)
        return super().execute(statement)


def test_a_program_that_opens_a_new_store_while_another_does_waits_for_it(tmp_path: Path) -> None:
    """SQLite itself does not wait where two programs switch a file to the log."""
    connection = sqlite3.connect(tmp_path / "keys.db", isolation_level=None, factory=BusyAtFirst)
    sql_engine._prepare_sqlite(connection, None)
    assert connection.waited[:3] == ("BEGIN IMMEDIATE", "ROLLBACK", "PRAGMA journal_mode=WAL")
    connection.close()


def test_a_folder_that_may_not_be_entered_is_said_so(tmp_path, monkeypatch):
    """Not as a fault of the program, and not as a store that is not there yet."""

    def denied(self: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied")

    store = SqlStore(f"sqlite:///{tmp_path / 'keys.db'}", clock=FakeClock())
    monkeypatch.setattr(Path, "stat", denied)
    with pytest.raises(StoreUnavailable, match="cannot be looked at: Permission denied"):
        store.check()
    monkeypatch.undo()
    store.close()
