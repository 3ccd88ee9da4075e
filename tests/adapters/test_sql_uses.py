"""Uses on SQL behind the port: what they lock, what they cost, what is forgotten or unreadable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from reconciler.adapters.sql_marks import marks_of, marks_text
from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_tables import key_versions, keys, meta
from reconciler.adapters.sql_uses import use_reporters, version_marks, write_uses
from reconciler.adapters.sql_verification import SqlVerificationStore
from reconciler.errors import StoreUnavailable
from reconciler.model.uses import FORGOTTEN_AFTER, UseKind, UseMark, UseReport
from tests.adapters.sql_rigs import engine_of, statements_of
from tests.adapters.test_sql_postgres import Roles, roles
from tests.contracts.store_story import MANAGER, Story, address
from tests.fakes.system import START, FakeClock

__all__ = ["roles"]

MINUTE = timedelta(minutes=1)
VERIFIER_RIGHTS = (
    "SELECT ON {s}.meta, {s}.keys, {s}.key_versions, {s}.audit, {s}.resources",
    "SELECT, INSERT, UPDATE ON {s}.version_uses, {s}.version_marks, {s}.use_reporters",
    "DELETE ON {s}.use_reporters",
    "UPDATE (secret_hash) ON {s}.key_versions",
)
"""What docs/reference/store.md lists for a verifier."""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty store of each kind."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'keys.db'}"


@pytest.fixture
def story(url: str) -> Iterator[Story]:
    """Give a run on a store with its tables."""
    clock = FakeClock()
    store = SqlStore(url, clock=clock)
    store.migrate()
    yield Story(store=store, clock=clock)
    store.close()


def sql(story: Story) -> SqlStore:
    """Give the story's store as what it is."""
    assert isinstance(story.store, SqlStore)
    return story.store


def version_ids(story: Story) -> list[str]:
    """Give the ids of all versions that are there."""
    return [v.version_id for r in story.observe().records for v in r.versions]


def mark(version_id: str, subject: str = "203.0.113.7") -> UseMark:
    """Give one origin of a version."""
    return UseMark(version_id=version_id, kind=UseKind.ORIGIN, subject=subject, last_at=START)


def reported(*ids: str, reporter: str = "gateway-1", until: datetime = START) -> UseReport:
    """Give a report in which each version was used and has two marks."""
    return UseReport(
        reporter=reporter,
        uses=tuple((version_id, START) for version_id in ids),
        until=until,
        marks=tuple(mark(v, s) for v in ids for s in ("203.0.113.7", "192.0.2.1")),
    )


def test_a_report_and_its_reading_send_few_statements(story: Story) -> None:
    """One version or fifty: the same number, for the report, the observation and the marks."""
    counts = []
    for size in (1, 50):
        for n in range(size):
            story.create(f"k{size}-{n}")
        ids = version_ids(story)
        with statements_of(sql(story)) as writing:
            story.store.report_uses(reported(*ids))
        with statements_of(sql(story)) as observing:
            assert len(story.observe().marks) == len(ids)
        with statements_of(sql(story)) as reading:
            assert len(story.store.use_marks(frozenset(ids))) == 2 * len(ids)
        counts.append((len(writing), len(observing), len(reading)))
    assert counts[0] == counts[1]
    assert counts[1] <= (15, 12, 6)


def test_a_report_that_says_only_that_somebody_listens_reads_no_version(story: Story) -> None:
    """Most reports of a quiet night."""
    with statements_of(sql(story)) as sent:
        story.store.report_uses(reported())
    assert not any("key_versions" in s or "version_marks" in s for s in sent)


def test_a_report_writes_to_the_tables_of_uses_alone(story: Story) -> None:
    """No column of keys, versions or the chain."""
    story.create("a")
    with statements_of(sql(story)) as sent:
        story.store.report_uses(reported(*version_ids(story)))
    changing = [s for s in sent if s.split()[0] in {"INSERT", "UPDATE", "DELETE"}]
    assert {s.split()[1 if s.startswith("UPDATE") else 2] for s in changing} == {
        "version_uses",
        "version_marks",
        "use_reporters",
    }


def test_reporters_that_are_gone_for_good_are_forgotten(story: Story) -> None:
    """Each process has a name of its own; the store does not keep them all."""
    story.store.report_uses(reported(reporter="gone"))
    story.clock.advance(FORGOTTEN_AFTER)
    story.store.report_uses(reported(reporter="still", until=story.clock.now()))
    assert reporters(story) == {"gone", "still"}
    story.clock.advance(MINUTE)
    story.store.report_uses(reported(reporter="still", until=story.clock.now()))
    assert reporters(story) == {"still"}


def reporters(story: Story) -> set[str]:
    """Give the names of all reporters that are kept."""
    with engine_of(sql(story)).connect() as connection:
        return set(connection.execute(select(use_reporters.c.reporter)).scalars())


UNREADABLE = [
    "",
    "{",
    "null",
    "7",
    '{"a": 1}',
    "[" * 5000,
    '["origin", "203.0.113.7"]',
    '[["origin", "203.0.113.7", "yesterday", 1]]',
    '[["origin", "203.0.113.7", "2026-11-24T12:00:00", 1]]',
    '[["origin", "203.0.113.7", "2026-11-24T12:00:00Z", null]]',
    '[["origin", "a\\u001b[2J", "2026-11-24T12:00:00Z", 1]]',
    '[["origin", ["203.0.113.7"], 5, 1]]',
    '[["a kind of tomorrow", "203.0.113.7", "2026-11-24T12:00:00Z", 1]]',
]


@pytest.mark.parametrize("stored", UNREADABLE)
def test_a_mark_that_cannot_be_read_is_left_out(stored: str) -> None:
    """Whoever may report uses keeps nobody from planning."""
    assert marks_of("v", stored) == ()


def test_marks_are_stored_as_pinned() -> None:
    """Compatibility: other programs of this form read these bytes."""
    stored = '[["origin","203.0.113.7","2026-11-24T12:00:00.000000Z",1]]'
    assert marks_text([mark("v")]) == stored
    assert marks_of("v", stored) == (mark("v"),)


def test_a_damaged_row_of_marks_is_mended_by_the_next_report(story: Story) -> None:
    """What could not be read is written anew; plans go on meanwhile."""
    story.create("a")
    (version_id,) = version_ids(story)
    story.store.report_uses(reported(version_id))
    with engine_of(sql(story)).begin() as connection:
        connection.execute(text("UPDATE version_marks SET marks = '{'"))
    assert dict(story.observe().marks) == {version_id: ()}
    story.store.report_uses(reported(version_id))
    assert len(story.store.use_marks(frozenset({version_id}))) == 2


def test_a_report_waits_for_no_change_of_a_key(postgres_url: str) -> None:
    """With every row of keys, versions and the chain's head locked it comes through at once."""
    story = postgres_story(postgres_url)
    with engine_of(sql(story)).begin() as holding:
        for table in (meta, keys, key_versions):
            holding.execute(select(table).with_for_update()).all()
        with engine_of(sql(story)).begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
            write_uses(connection, reported(*version_ids(story)), START)
    assert len(story.observe().marks) == 1
    story.store.close()


def test_a_change_of_a_key_waits_for_no_report(postgres_url: str) -> None:
    """While a report is under way and holds what it locks, a run rotates the key and ends it."""
    story = postgres_story(postgres_url)
    story.store.report_uses(reported(*version_ids(story)))
    with engine_of(sql(story)).begin() as holding:
        write_uses(holding, reported(*version_ids(story)), START)
        assert holding.execute(select(version_marks).with_for_update()).all()
        story.rotate("a")
        story.done(story.removing(story.record("a")))
    story.store.close()


def postgres_story(url: str) -> Story:
    """Give a run on PostgreSQL with one key."""
    clock = FakeClock()
    store = SqlStore(url, clock=clock)
    store.migrate()
    story = Story(store=store, clock=clock)
    story.create("a")
    return story


def test_a_verifier_reports_with_the_rights_that_the_reference_lists(roles: Roles) -> None:
    """It reads, reports and renews a hash; it can change nothing else of a key."""
    url = roles.url_of("verifier", *VERIFIER_RIGHTS)
    owner = SqlStore(roles.owner_url.render_as_string(hide_password=False), clock=FakeClock())
    (version,) = owner.observe(MANAGER).live[address("a")].versions
    verifier = SqlVerificationStore(url, clock=FakeClock())
    assert verifier.changes(None).mark.store_id == owner.observe(MANAGER).store_id
    issued = verifier.issued([version.version_id]).versions[version.version_id]
    for _ in range(2):
        verifier.report_uses(reported(version.version_id))
    (used,) = owner.observe(MANAGER).live[address("a")].versions
    assert used.last_used_at == START
    assert len(owner.use_marks(frozenset({version.version_id}))) == 2
    renewed = {"old": issued.secret_hash, "new": f"{issued.secret_hash}="}
    assert verifier.replace_hash(version.version_id, **renewed)
    verifier.close()
    stranger = SqlStore(url, clock=FakeClock())
    with pytest.raises(StoreUnavailable):
        stranger.end_lease(MANAGER, actor="gateway")
    stranger.close()
    owner.close()
