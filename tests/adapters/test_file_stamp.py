"""The stamp of a SQLite store: any transaction changes it, and none hides within a clock's tick."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from reconciler.adapters.file_stamp import file_stamp
from reconciler.adapters.sql_store import SqlStore
from tests.contracts.store_story import ACTOR, POLICY, Story, resource
from tests.fakes.system import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a store with its tables and a policy, closed."""
    found = tmp_path / "keys.db"
    store = SqlStore(f"sqlite:///{found}", clock=FakeClock())
    store.migrate()
    store.seed(resource(POLICY), actor=ACTOR)
    store.close()
    return found


@pytest.fixture(autouse=True)
def settled(path: Path) -> None:
    """Begin a tick later: what a test changes does not look like what was there before it."""
    next_tick(path)


def next_tick(path: Path) -> None:
    """Return when the file system tells a change from the last one of the store."""
    probe = path.with_name("probe")
    probe.touch()
    while changed_at(probe) <= changed_at(path):
        probe.touch()
    probe.unlink()


def changed_at(*paths: Path) -> datetime:
    """Give when the newest of these files was changed."""
    newest = max(max(p.stat().st_mtime, p.stat().st_ctime) for p in paths)
    return datetime.fromtimestamp(newest, timezone.utc)


def later(path: Path) -> datetime:
    """Give a time at which the last change is long past."""
    parts = [p for p in path.parent.iterdir() if p.name.startswith(path.name)]
    return changed_at(*parts) + timedelta(seconds=60)


def stamp(path: Path) -> str | None:
    """Give the stamp, a minute after the last change."""
    return file_stamp(f"sqlite:///{path}", later(path))


def test_an_unchanged_store_keeps_its_stamp(path: Path) -> None:
    """Whoever reads it, and however late it is."""
    first = stamp(path)
    assert first is not None
    store = SqlStore(f"sqlite:///{path}", clock=FakeClock())
    store.observe("platform-keys")
    assert stamp(path) == first
    store.close()
    assert stamp(path) == first
    assert file_stamp(f"sqlite:///{path}", later(path) + timedelta(days=900)) == first


@pytest.mark.parametrize(
    ("seconds", "has"), [(-5.0, False), (0.0, False), (1.9, False), (2.1, True)]
)
def test_what_changed_just_now_has_no_stamp_yet(path: Path, seconds: float, has: bool) -> None:
    """Within two seconds the next change could look like this one; a clock that is behind too."""
    now = changed_at(path) + timedelta(seconds=seconds)
    assert (file_stamp(f"sqlite:///{path}", now) is not None) is has


def _by_keyrec(path: Path) -> None:
    store = SqlStore(f"sqlite:///{path}", clock=FakeClock())
    Story(store=store, clock=FakeClock()).create("a")
    store.close()


def _by_a_lease(path: Path) -> None:
    store = SqlStore(f"sqlite:///{path}", clock=FakeClock())
    store.acquire_lease("platform-keys", holder="a test", run_id="run")
    store.close()


def _by_hand(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET audit_sequence = audit_sequence + 1")
    connection.close()


def _restored(path: Path) -> None:
    copy = path.with_name("copy.db")
    shutil.copy2(path, copy)
    copy.replace(path)


def _touched_back(path: Path) -> None:
    status = path.stat()
    _by_hand(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


CHANGES = {
    "keyrec": _by_keyrec,
    "a lease": _by_a_lease,
    "by hand": _by_hand,
    "a copy in its place": _restored,
    "with its time put back": _touched_back,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_gives_another_stamp(path: Path, change: Callable[[Path], None]) -> None:
    """Whoever made it."""
    first = stamp(path)
    change(path)
    assert stamp(path) not in {first, None}


def test_a_change_that_is_in_the_log_alone_counts(path: Path) -> None:
    """A program that keeps the store open leaves its transactions there."""
    first = stamp(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    status = path.stat()
    stamps = {first}
    for _ in range(3):
        connection.execute("UPDATE meta SET audit_sequence = audit_sequence + 1")
        stamps.add(stamp(path))
        next_tick(path.with_name("keys.db-wal"))
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (status.st_mtime_ns, status.st_size)
    assert len(stamps - {None}) == 4
    connection.close()


def test_a_link_has_the_stamp_of_the_file_that_it_leads_to(path: Path) -> None:
    """SQLite puts its logs there, and whoever writes need not know of the link."""
    folder = path.with_name("elsewhere")
    folder.mkdir()
    link, second = folder / "linked.db", folder / "again.db"
    link.symlink_to(path)
    second.symlink_to("linked.db")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    stamps = set()
    for _ in range(3):
        (told,) = {file_stamp(f"sqlite:///{name}", later(path)) for name in (path, link, second)}
        stamps.add(told)
        next_tick(max(path.parent.glob("keys.db*"), key=changed_at))
        connection.execute("UPDATE meta SET audit_sequence = audit_sequence + 1")
    assert len(stamps - {None}) == 3
    wal = path.with_name("keys.db-wal")
    assert file_stamp(f"sqlite:///{link}", changed_at(wal)) is None
    connection.close()


def test_a_path_through_a_link_is_read_as_the_store_reads_it(path: Path) -> None:
    """What stands before `..` is never looked at."""
    there = path.with_name("there") / "below"
    there.mkdir(parents=True)
    shutil.copy(path, there.with_name(path.name))
    path.with_name("link").symlink_to(there)
    assert file_stamp(f"sqlite:///{path.parent}/link/../{path.name}", later(path)) == stamp(path)


@pytest.mark.parametrize("target", ["nowhere.db", "loop.db"])
def test_a_link_that_leads_nowhere_has_no_stamp(path: Path, target: str) -> None:
    """Nor has one that leads to itself."""
    link = path.with_name("loop.db")
    link.symlink_to(target)
    assert file_stamp(f"sqlite:///{link}", later(path)) is None


@pytest.mark.parametrize("part", ["-wal", "-journal"])
def test_an_empty_log_makes_no_difference_and_a_new_one_has_to_settle(
    path: Path, part: str
) -> None:
    """A reader may leave the first; the second is a change."""
    first = stamp(path)
    log = path.with_name(path.name + part)
    log.touch()
    assert stamp(path) == first
    log.write_bytes(b"x")
    assert file_stamp(f"sqlite:///{path}", changed_at(log)) is None
    assert stamp(path) not in {first, None}


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/keys.db",
        "sqlite:///{path}/below.db",
        "sqlite:///{path}?timeout=5",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql+psycopg://host/keys",
    ],
)
def test_what_is_no_plain_file_has_no_stamp(path: Path, url: str) -> None:
    """A plan is made then."""
    assert file_stamp(url.format(path=path), later(path)) is None


def test_an_empty_file_has_no_stamp(tmp_path: Path) -> None:
    """There is no store in it."""
    (tmp_path / "empty.db").touch()
    assert stamp(tmp_path / "empty.db") is None


def test_a_name_that_may_be_read_in_two_ways_has_no_stamp(path: Path) -> None:
    """Which file is meant depends on who reads it."""
    path.rename(path.with_name("a%20b.db"))
    assert stamp(path.with_name("a%20b.db")) is None


@pytest.mark.parametrize("name", ["a b.db", "ü#.db"])
def test_the_file_is_the_one_that_the_store_opens(tmp_path: Path, name: str) -> None:
    """No other sign of a name is read in another way; both forms of the URL name it."""
    path = tmp_path / name
    store = SqlStore(f"sqlite:///{path}", clock=FakeClock())
    store.migrate()
    store.close()
    assert path.stat().st_size
    assert stamp(path) is not None
    assert file_stamp(f"sqlite+pysqlite:///{path}", later(path)) == stamp(path)
