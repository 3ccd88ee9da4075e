"""The store as a verifier sees it, on both databases: nothing that counts may change unnoticed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, make_url, text

from reconciler.adapters.sql_doorbell import Doorbell
from reconciler.adapters.sql_engine import impatient
from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_verification import SqlVerificationStore
from reconciler.errors import StoreOutdated, StoreUnavailable
from reconciler.model.journal import OperationState
from reconciler.model.keys import KeyRecord
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.policy import HashProfile
from reconciler.model.scopes import BUILT_IN_CATALOG, ScopeCatalog
from reconciler.model.uses import UseReport
from reconciler.model.writes import ReleaseKey, RemoveResource
from reconciler.ports import StoredVersion
from reconciler.verification.doors import StoreMark
from tests.adapters.sql_rigs import engine_of
from tests.contracts.store_rigs import StoreRig
from tests.contracts.store_story import (
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

CATALOG = ScopeCatalog.of({"Invoices": ("read", "issue")})


@pytest.fixture(params=["sqlite", "postgres"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[StoreRig, str]]:
    """Give a store to write in, and its address."""
    clock = FakeClock()
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'keys.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    made = StoreRig(name=request.param, clock=clock, make=lambda c: SqlStore(url, clock=c))
    yield made, url
    for store in made.opened:
        store.close()


@pytest.fixture
def story(rig: tuple[StoreRig, str]) -> Story:
    """Give a run on the store."""
    return rig[0].story()


@pytest.fixture
def seen(rig: tuple[StoreRig, str], story: Story) -> Iterator[SqlVerificationStore]:
    """Give the same store as a verifier sees it."""
    del story
    store = SqlVerificationStore(rig[1], clock=rig[0].clock)
    yield store
    store.close()


def all_versions(story: Story, seen: SqlVerificationStore) -> dict[str, StoredVersion]:
    """Give every version that there ever was."""
    assert isinstance(story.store, SqlStore)
    with engine_of(story.store).connect() as connection:
        ids = connection.execute(text("SELECT version_id FROM key_versions")).scalars().all()
    return dict(seen.issued(ids).versions)


def reissued(story: Story) -> None:
    """Make a key that took the place of two others, the first of which still has its overlap."""
    story.create("chain")
    for _ in range(2):
        story.finish(story.reissue(story.record("chain")))


def current(story: Story, name: str) -> str:
    """Give the current version of a key."""
    version = story.record(name).current
    assert version is not None
    return version.version_id


def oldest(story: Story) -> KeyRecord:
    """Give the key that was replaced first."""
    return story.store.find(address("chain"))[-1]


def blocked(story: Story) -> None:
    """End a rotation without a new secret."""
    begin = story.rotation(story.record("a"))
    story.done(begin)
    end = (begin.version.version_id, VersionState.RETIRED)
    story.done(story.closing(begin, end, state=OperationState.BLOCKED))


def released(story: Story) -> None:
    """Let the held key go."""
    record = story.record("held")
    release = ReleaseKey(key_id=record.key_id, note=note("key-released", record.address))
    story.done(release, fenced=False)


def retired(story: Story) -> None:
    """Rotate without an overlap, and do the bookkeeping."""
    before = current(story, "a")
    begin = story.rotation(story.record("a"))
    story.finish(replace(begin, operation=replace(begin.operation, overlap=timedelta(0))))
    story.done(retiring(before))


WRITES: dict[str, Callable[[Story], object]] = {
    "create": lambda s: s.done(s.creation("new")),
    "confirm": lambda s: s.finish(s.creation("new")),
    "update": lambda s: s.done(s.updating(s.record("a"), ranges=("192.0.2.0/24",))),
    "deactivate": lambda s: s.done(s.updating(s.record("a"), active=False)),
    "deactivate a chain": lambda s: s.done(s.updating(s.record("chain"), active=False)),
    "rename": lambda s: s.done(s.updating(s.record("a"), name="other")),
    "rotate, begun": lambda s: s.done(s.rotation(s.record("a"))),
    "rotate": lambda s: s.rotate("a"),
    "rotate, blocked": blocked,
    "reissue, begun": lambda s: s.done(s.reissue(s.record("a"), expiration=Expiration.NONE)),
    "reissue": lambda s: s.finish(s.reissue(s.record("a"))),
    "reissue a chain": lambda s: s.finish(s.reissue(s.record("chain"))),
    "remove": lambda s: s.done(s.removing(s.record("a"))),
    "remove a chain": lambda s: s.done(s.removing(s.record("chain"))),
    "hold": lambda s: s.done(s.holding(s.record("a")), fenced=False),
    "hold what was replaced": lambda s: s.done(s.holding(oldest(s)), fenced=False),
    "release": released,
    "retire": retired,
    "leaked": lambda s: s.done(revoking(current(s, "a")), fenced=False),
    "leaked of a chain": lambda s: s.done(revoking(current(s, "chain")), fenced=False),
}


@pytest.mark.parametrize("write", WRITES)
def test_whatever_becomes_different_belongs_to_a_key_that_is_told(story, seen, write):
    """Every version that any write changes, also one of a key that the write does not name."""
    story.create("a")
    story.create("bystander")
    reissued(story)
    story.done(story.holding(story.create("held")), fenced=False)
    mark, before = seen.changes(None).mark, all_versions(story, seen)
    WRITES[write](story)
    told, after = seen.changes(mark).key_ids, all_versions(story, seen)
    different = {v for v in before if before[v] != after[v]} | (after.keys() - before.keys())
    assert different, "the write changed nothing: the case tests nothing"
    assert told is not None
    assert {after[v].record.key_id for v in different} <= told
    assert story.record("bystander").key_id not in told


def test_nothing_changed_is_told_as_nothing(story, seen):
    """With one look at one row, and no catalogue."""
    story.create("a")
    mark = seen.changes(None).mark
    again = seen.changes(mark)
    assert (again.key_ids, again.catalog, again.hashing) == (frozenset(), None, None)


def test_a_first_look_tells_everything(story, seen):
    """Any key may have changed; catalogue and policy come along."""
    first = seen.changes(None)
    assert first.key_ids is None
    assert (first.catalog, first.hashing) == (BUILT_IN_CATALOG, HashProfile.TOKEN)


def test_catalogue_and_policy_are_told_when_they_change(story, seen):
    """Stored, changed, and taken away again."""
    mark = seen.changes(None).mark
    story.done(putting(CATALOG, None))
    stored = seen.changes(mark)
    assert stored.catalog == BUILT_IN_CATALOG.extended(CATALOG)
    old = resource(POLICY).fingerprint
    story.done(putting(replace(POLICY, hashing=HashProfile.OWASP), old))
    assert seen.changes(stored.mark).hashing is HashProfile.OWASP
    removal = RemoveResource(
        address=resource(CATALOG).address,
        base=resource(CATALOG).fingerprint,
        note=note("resource-removed", "scopes/default"),
    )
    story.done(removal)
    assert seen.changes(stored.mark).catalog == BUILT_IN_CATALOG


@pytest.mark.parametrize(
    "other",
    [
        {"store_id": "another store"},
        {"head": "f" * 64},
        {"sequence": 10_000},
    ],
)
def test_another_history_tells_everything(story, seen, other):
    """A restored store, or another one behind the same address."""
    story.create("a")
    mark = replace(seen.changes(None).mark, **other)
    story.create("b")
    assert seen.changes(mark).key_ids is None


def test_too_many_events_at_once_tell_everything(story, seen, monkeypatch):
    """Rather than a list of all of them."""
    mark = seen.changes(None).mark
    monkeypatch.setattr("reconciler.adapters.sql_changes.MOST_EVENTS", 1)
    story.create("a")
    assert seen.changes(mark).key_ids is None


def test_issued_gives_what_the_store_presents_with_this_one_version(story, seen):
    """The same record and hash as `KeyStore.presented`; unknown ids are left out."""
    story.create("a")
    story.rotate("a")
    known = [v.version_id for v in story.store.find(address("a"))[0].versions]
    issued = seen.issued([*known, "unknown", "' OR 1=1"])
    assert set(issued.versions) == set(known)
    for version_id in known:
        whole = story.store.presented(version_id)
        assert whole is not None
        record = replace(whole.record, versions=(whole.version,))
        assert issued.versions[version_id] == replace(whole, record=record)
    assert seen.issued([]).versions == {}


def test_rows_are_read_by_one_statement_however_many(story, seen):
    """With the mark and the time that they are of, and nothing after it."""
    ids = [story.create(name).versions[0].version_id for name in ("a", "b", "c")]
    seen.issued(ids[:1])
    for wanted in (["unknown"], ids[:1], ids):
        sent: list[str] = []
        engine = seen._database.engine
        event.listen(engine, "before_cursor_execute", lambda *call, to=sent: to.append(call[2]))
        assert set(seen.issued(wanted).versions) == set(wanted) & set(ids)
        assert [s for s in sent if not s.startswith(("BEGIN", "SELECT set_config"))] == sent[-1:]


@pytest.mark.parametrize(
    ("column", "value"), [("scopes", "{"), ("ranges", '["everywhere"]'), ("labels", "[1]")]
)
def test_a_damaged_row_is_named_and_takes_no_other_with_it(story, seen, column, value):
    """Whoever broke one key breaks that one alone, and it lets nobody in."""
    story.create("a")
    story.create("b")
    broken, sound = current(story, "a"), current(story, "b")
    assert isinstance(story.store, SqlStore)
    with engine_of(story.store).begin() as connection:
        change = text(f"UPDATE keys SET {column} = :value WHERE name = 'a'")
        connection.execute(change, {"value": value})
    issued = seen.issued([broken, sound])
    assert (set(issued.versions), issued.damaged) == ({sound}, {broken})


def test_a_server_that_has_vanished_is_given_up_in_seconds():
    """Unless the address says otherwise; a file is opened as it is."""
    hasty = make_url(impatient("postgresql://u:pw@db/keyrec?connect_timeout=9"))
    assert (hasty.query["connect_timeout"], hasty.query["tcp_user_timeout"]) == ("9", "5000")
    assert hasty.password == "pw"
    assert impatient("sqlite:///keys.db") == "sqlite:///keys.db"


def test_a_hash_is_replaced_only_where_the_old_one_stands(story, seen):
    """Two verifiers that renew the same hash do no harm, and no event is told of."""
    version_id = current_of(story)
    old = seen.issued([version_id]).versions[version_id].secret_hash
    mark = seen.changes(None).mark
    assert seen.replace_hash(version_id, old=old, new="new")
    assert not seen.replace_hash(version_id, old=old, new="newer")
    assert seen.issued([version_id]).versions[version_id].secret_hash == "new"
    assert seen.changes(mark).key_ids == frozenset()


def current_of(story: Story) -> str:
    """Make a key and give its version."""
    story.create("a")
    return current(story, "a")


def test_reported_uses_arrive(story, seen):
    """In the tables that planning reads."""
    version_id = current_of(story)
    now = story.store.now().replace(second=0, microsecond=0)
    seen.report_uses(UseReport(reporter="here:1", uses=((version_id, now),), until=now))
    assert story.observe().uses_until == now


def test_the_time_is_the_database_s(rig, story, seen):
    """By which deadlines are judged."""
    mark: StoreMark = seen.changes(None).mark
    assert abs(mark.now - story.store.now()) < timedelta(minutes=1)
    assert mark.behind == timedelta(0)
    if rig[0].name == "sqlite":
        assert mark.now == rig[0].clock.now()


def test_a_store_that_is_not_there_is_said_so(tmp_path):
    """As for every command."""
    store = SqlVerificationStore(f"sqlite:///{tmp_path / 'none.db'}", clock=FakeClock())
    with pytest.raises(StoreOutdated, match="no store yet"):
        store.changes(None)
    store.close()


def test_a_file_that_was_replaced_is_read_anew(tmp_path):
    """A copy was put back while the verifier ran; what is in the place counts, and nothing else."""
    clock, path = FakeClock(), tmp_path / "keys.db"
    url = f"sqlite:///{path}"
    rig = StoreRig(name="sqlite", clock=clock, make=lambda c: SqlStore(url, clock=c))
    story = rig.story()
    seen = SqlVerificationStore(url, clock=clock)
    mark = seen.changes(None).mark
    for store in rig.opened:
        store.close()
    path.rename(tmp_path / "away.db")
    with pytest.raises(StoreUnavailable):
        seen.changes(mark)
    story = rig.story()
    story.create("a")
    again = seen.changes(mark)
    assert again.mark.store_id != mark.store_id
    assert again.key_ids is None
    for store in rig.opened:
        store.close()
    seen.close()


def test_a_server_that_is_not_there_is_said_so():
    """Without the password of its address."""
    store = SqlVerificationStore("postgresql://u:canary@127.0.0.1:9/none")
    with pytest.raises(StoreUnavailable) as met:
        store.changes(None)
    assert "canary" not in str(met.value)
    store.close()


def test_postgresql_rings_for_every_change(postgres_url):
    """Within the wait, so that nobody waits for the next look; and not for a look."""
    rig = StoreRig(name="pg", clock=FakeClock(), make=lambda c: SqlStore(postgres_url, clock=c))
    story = rig.story()
    seen = SqlVerificationStore(postgres_url)
    heard: list[bool] = []
    listening = threading.Thread(target=lambda: heard.extend(seen.wait(30) for _ in range(2)))
    listening.start()
    assert isinstance(story.store, SqlStore)
    engine = engine_of(story.store)
    with engine.connect() as connection:
        asked = text("SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN keyrec'")
        while listening.is_alive() and not connection.execute(asked).scalar_one():
            connection.rollback()
    story.create("a")
    listening.join(60)
    assert heard == [True, True]
    seen.close()
    assert seen.wait(30) is False
    for store in rig.opened:
        store.close()


def test_a_bell_that_does_not_work_is_silence():
    """No server, and a file: it waits, and says that nothing was heard."""
    absent = Doorbell(create_engine("postgresql+psycopg://u@127.0.0.1:9/none"))
    assert absent.wait(0.01) is False
    file = Doorbell(create_engine("sqlite://"))
    assert file.wait(0.01) is False
