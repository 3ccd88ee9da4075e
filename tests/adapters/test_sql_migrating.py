"""Migrations: what they make is what the program expects, and Alembic is loaded for nothing else."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_tables import SCHEMA_VERSION, metadata
from reconciler.errors import ConfigInvalid, StoreOutdated, StoreUnavailable
from reconciler.model.audit import BY_HAND, AuditNote, event_hash
from reconciler.model.keys import Rotation
from reconciler.model.lifetime import Retirement, VersionState
from reconciler.model.uses import UseKind, UseMark, UseReport
from reconciler.model.waivers import Waiver
from tests.adapters.sql_rigs import engine_of
from tests.contracts.store_story import MANAGER, OVERLAP, Story, address, putting
from tests.fakes.system import FakeClock

ALICE = "local:alice"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty store of each kind."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'keys.db'}"


@pytest.fixture
def store(url: str) -> Any:
    """Give a store that was just migrated."""
    opened = SqlStore(url, clock=FakeClock())
    opened.migrate()
    yield opened
    opened.close()


def test_migrated_tables_are_those_of_the_program(store: SqlStore) -> None:
    """Alembic finds nothing to do between the database and the metadata."""
    with engine_of(store).connect() as connection:
        options = {
            "version_table": "keyrec_migrations",
            "compare_type": True,
            "compare_server_default": True,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_every_index_and_constraint_of_the_program_is_in_the_database(store: SqlStore) -> None:
    """By name, with uniqueness and, where there is one, with its condition."""
    found = inspect(engine_of(store))
    for table in metadata.sorted_tables:
        stored = {i["name"]: i for i in found.get_indexes(table.name)}
        assert set(stored) == {index.name for index in table.indexes}
        for index in table.indexes:
            name = str(index.name)
            assert bool(stored[name]["unique"]) is index.unique
            kind = engine_of(store).dialect.name
            is_partial = index.dialect_options[kind]["where"] is not None
            where = stored[name].get("dialect_options", {}).get(f"{kind}_where")
            assert (where is not None) is is_partial
        foreign = {f["referred_table"] for f in found.get_foreign_keys(table.name)}
        assert foreign == {f.column.table.name for f in table.foreign_keys}
    assert [c["name"] for c in found.get_check_constraints("meta")] == ["ck_meta_one_row"]


def test_the_stored_version_is_the_programs(store: SqlStore) -> None:
    """The last migration writes the number that every program reads first."""
    with engine_of(store).connect() as connection:
        assert connection.scalar(text("SELECT schema_version FROM meta")) == SCHEMA_VERSION


def test_a_store_that_is_migrated_again_keeps_its_id(url: str, store: SqlStore) -> None:
    """Plans are bound to the store by it."""
    again = SqlStore(url, clock=FakeClock())
    assert not again.migrate()
    assert again.observe(MANAGER).store_id == store.observe(MANAGER).store_id
    again.close()


def test_two_stores_have_different_ids(tmp_path: Path) -> None:
    """The id is drawn."""
    ids = set()
    for name in "ab":
        opened = SqlStore(f"sqlite:///{tmp_path / name}", clock=FakeClock())
        opened.migrate()
        ids.add(opened.observe(MANAGER).store_id)
        opened.close()
    assert len(ids) == 2


def test_an_older_store_is_named_until_it_is_migrated(store: SqlStore, url: str) -> None:
    """Its number is below this program's."""
    with engine_of(store).begin() as connection:
        connection.execute(text("UPDATE meta SET schema_version = 0"))
    other = SqlStore(url, clock=FakeClock())
    with pytest.raises(StoreOutdated, match="version 0") as caught:
        other.check()
    assert caught.value.advice == "run: keyrec init"
    other.close()


def test_a_failed_migration_leaves_nothing_behind(url: str) -> None:
    """Tables of another program stand in the way: all or nothing."""
    store = SqlStore(url, clock=FakeClock())
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch()
    with engine_of(store).begin() as connection:
        connection.execute(text("CREATE TABLE sink_paths (id integer)"))
    with pytest.raises(StoreUnavailable):
        store.migrate()
    tables = inspect(engine_of(store)).get_table_names()
    assert tables == ["sink_paths"]
    store.close()


def test_programs_that_migrate_at_once_make_one_store(url: str) -> None:
    """One does the work, the others wait and find it done."""
    stores = [SqlStore(url, clock=FakeClock()) for _ in range(4)]
    start, failures = threading.Barrier(4), list[Exception]()

    def run(store: SqlStore) -> None:
        start.wait()
        try:
            store.migrate()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=run, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({store.observe(MANAGER).store_id for store in stores}) == 1
    for store in stores:
        store.close()


def test_alembic_is_loaded_only_by_a_migration_that_has_something_to_do(tmp_path: Path) -> None:
    """A store that is up to date costs no command half a second."""
    program = (
        "import sys\n"
        "from reconciler.adapters.sql_store import SqlStore\n"
        "from tests.fakes.system import FakeClock\n"
        "store = SqlStore(sys.argv[1], clock=FakeClock())\n"
        "print(store.migrate(), 'alembic' in sys.modules)\n"
        "store.close()\n"
    )
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    root = Path(__file__).parents[2]
    said = [
        subprocess.run(
            [sys.executable, "-c", program, url],
            cwd=root, capture_output=True, text=True, check=True,
        ).stdout.split()
        for _ in range(2)
    ]  # fmt: skip
    assert said == [["True", "True"], ["False", "False"]]


def test_tables_can_be_brought_back_and_forth_again(url: str, store: SqlStore) -> None:
    """An older program finds the form that it knows; this one names it, and makes it new again."""
    store.close()
    assert store.bring_back(1, actor=ALICE)
    with engine_of(store).connect() as connection:
        assert connection.scalar(text("SELECT schema_version FROM meta")) == 1
    assert "version_uses" not in inspect(engine_of(store)).get_table_names()
    later = SqlStore(url, clock=FakeClock())
    with pytest.raises(StoreOutdated, match=f"version 1, this program needs {SCHEMA_VERSION}"):
        later.observe(MANAGER)
    assert later.migrate()
    test_migrated_tables_are_those_of_the_program(later)
    later.close()


def test_the_form_before_this_one_forgets_marks_and_nothing_else(url: str, store: SqlStore) -> None:
    """Last uses, and everything that form 2 knew, are there when the tables are made new again."""
    story = Story(store=store, clock=FakeClock())
    record = story.create("a")
    version_id, now = record.versions[0].version_id, store.now()
    seen = UseMark(version_id=version_id, kind=UseKind.SCOPE, subject="Orders:read", last_at=now)
    told = UseReport(reporter="gateway", uses=((version_id, now),), until=now, marks=(seen,))
    store.report_uses(told)
    before = store.observe(MANAGER)
    assert dict(before.marks) == {version_id: (seen,)}
    assert store.bring_back(2, actor=ALICE)
    assert "version_marks" not in inspect(engine_of(store)).get_table_names()
    later = SqlStore(url, clock=FakeClock())
    with pytest.raises(StoreOutdated, match="version 2"):
        later.observe(MANAGER)
    later.migrate()
    after = later.observe(MANAGER)
    assert (after.records, after.uses_until) == (before.records, before.uses_until)
    assert after.uses_since == now
    assert dict(after.marks) == {}
    test_migrated_tables_are_those_of_the_program(later)
    later.close()


def test_bringing_tables_back_gives_waiting_secrets_their_deadline(
    url: str, store: SqlStore
) -> None:
    """The older form has no word for waiting: what waits ends with its overlap, and not before."""
    story = Story(store=store, clock=FakeClock())
    patient = Rotation(overlap=OVERLAP, retire=Retirement.WHEN_UNUSED)
    story.create("a", rotation=patient)
    replaced_at = store.now()
    story.rotate("a")
    store.bring_back(1, actor=ALICE)
    later = SqlStore(url, clock=FakeClock())
    later.migrate()
    record = later.observe(MANAGER).live[address("a")]
    assert record.fields.rotation.retire is Retirement.AFTER_OVERLAP
    (left,) = [v for v in record.versions if v.state is VersionState.RETIRING]
    assert left.retire_at is not None
    assert abs(left.retire_at - (replaced_at + OVERLAP)) < timedelta(minutes=1)
    later.close()


def test_bringing_tables_back_forgets_waivers(url: str, store: SqlStore) -> None:
    """An older program does not know the kind, and could read nothing beside one."""
    story = Story(store=store, clock=FakeClock())
    waiver = Waiver(
        name="partner",
        rule="AK203",
        key=address("a"),
        reason="The partner has no fixed addresses",
        owner="team-security",
        expires=date(2027, 1, 31),
    )
    story.done(putting(waiver, None))
    assert store.observe(MANAGER).waivers == (waiver,)
    store.bring_back(1, actor=ALICE)
    later = SqlStore(url, clock=FakeClock())
    later.migrate()
    assert later.observe(MANAGER).waivers == ()
    later.close()


def test_the_way_back_is_told_by_the_chain_and_the_chain_stays_whole(
    url: str, store: SqlStore
) -> None:
    """One event of whoever asked, before anything is lost; none where nothing is done."""
    before = store.audit_head()
    store.bring_back(SCHEMA_VERSION, actor=ALICE)
    assert store.audit_head() == before
    store.bring_back(1, actor=ALICE)
    with engine_of(store).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit")) == before[0] + 1
    later = SqlStore(url, clock=FakeClock())
    later.migrate()
    event = list(later.events())[-1]
    assert (event.actor, event.note) == (
        ALICE,
        AuditNote(
            event="store-brought-back",
            address="store/form",
            reason=BY_HAND,
            detail=(("from", str(SCHEMA_VERSION)), ("to", "1")),
        ),
    )
    sequence, head = later.audit_head()
    assert (event.sequence, event.hash) == (sequence, head) == (before[0] + 1, event_hash(event))
    later.close()


def test_programs_that_bring_tables_back_at_once_tell_it_once(url: str, store: SqlStore) -> None:
    """One does the work, the other waits and finds it done."""
    stores = [SqlStore(url, clock=FakeClock()) for _ in range(3)]
    start, answers = threading.Barrier(3), list[object]()

    def run(opened: SqlStore) -> None:
        opened.check()
        start.wait()
        try:
            answers.append(opened.bring_back(1, actor=ALICE))
        except StoreOutdated:
            answers.append(False)

    threads = [threading.Thread(target=run, args=(opened,)) for opened in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(bool, answers)) == [False, False, True]
    with engine_of(store).connect() as connection:
        told = "SELECT count(*) FROM audit WHERE event = 'store-brought-back'"
        assert connection.scalar(text(told)) == 1
    for opened in stores:
        opened.close()


def test_the_programs_own_form_is_kept_and_unknown_ones_are_refused(store: SqlStore) -> None:
    """Nothing happens to a store that is asked for what it is, or for what nobody knows."""
    assert not store.bring_back(SCHEMA_VERSION, actor=ALICE)
    for form in (0, SCHEMA_VERSION + 1):
        with pytest.raises(ConfigInvalid, match=f"no stored form {form}"):
            store.bring_back(form, actor=ALICE)


def test_a_store_that_is_not_there_is_not_brought_back(url: str) -> None:
    """Nor made."""
    store = SqlStore(url, clock=FakeClock())
    with pytest.raises(StoreOutdated):
        store.bring_back(1, actor=ALICE)
    store.close()
