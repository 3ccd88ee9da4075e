"""Stored forms of single values and rows: exact, for they are read by later versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table, create_engine, insert, select

from reconciler.adapters.sql_records import fields_of, fields_row, source_of, source_text
from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_types import Duration, Instant, WordOf
from reconciler.model.keys import KeyFields, Rotation
from reconciler.model.lifetime import VersionState
from reconciler.model.source import SourceRef
from tests.contracts.store_story import Story, fields
from tests.fakes.system import FakeClock

values = Table(
    "kept",
    MetaData(),
    Column("at", Instant),
    Column("every", Duration),
    Column("state", WordOf(VersionState)),
)
EAST = timezone(timedelta(hours=5, minutes=30))


@pytest.fixture(params=["sqlite", "postgres"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Give a connection to each kind of database with the table."""
    url = f"sqlite:///{tmp_path / 'values.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    engine = create_engine(url)
    with engine.begin() as opened:
        values.create(opened)
        yield opened
    engine.dispose()


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc),
        datetime(2026, 11, 24, 12, 0, 0, 1, tzinfo=timezone.utc),
        datetime(2026, 3, 29, 2, 30, 59, 999999, tzinfo=EAST),
        datetime(1999, 12, 31, 23, 59, 59, tzinfo=timezone.utc),
    ],
)
def test_an_instant_comes_back_in_utc_to_the_microsecond(connection: Any, at: datetime) -> None:
    """Wherever it was said."""
    connection.execute(insert(values), [{"at": at, "every": None, "state": None}])
    found = connection.execute(select(values.c.at)).scalar_one()
    assert found == at
    assert found.utcoffset() == timedelta(0)


def test_nothing_comes_back_as_nothing(connection: Any) -> None:
    """Empty columns stay empty."""
    connection.execute(insert(values), [{"at": None, "every": None, "state": None}])
    assert connection.execute(select(values)).one() == (None, None, None)


def test_a_naive_instant_is_a_fault_of_the_caller(connection: Any) -> None:
    """It would mean another time on another machine."""
    naive = datetime(2026, 11, 24, 12, 0)  # noqa: DTZ001 - that is the point
    with pytest.raises(Exception, match="aware"):
        connection.execute(insert(values), [{"at": naive, "every": None, "state": None}])


@pytest.mark.parametrize(
    "every", [timedelta(0), timedelta(microseconds=1), timedelta(days=36_000, seconds=1)]
)
def test_a_duration_comes_back_exactly(connection: Any, every: timedelta) -> None:
    """To the microsecond, over a century."""
    connection.execute(insert(values), [{"at": None, "every": every, "state": None}])
    assert connection.execute(select(values.c.every)).scalar_one() == every


def test_a_word_comes_back_as_a_member_of_its_set(connection: Any) -> None:
    """So that `is` and `match` work on what was read."""
    row = {"at": None, "every": None, "state": VersionState.RETIRING}
    connection.execute(insert(values), [row])
    assert connection.execute(select(values.c.state)).scalar_one() is VersionState.RETIRING


@pytest.mark.parametrize(
    "stored",
    [
        fields("a"),
        KeyFields(environment="test", sink_path="w/test/n"),
        fields("a", allowlist=(), ranges=(), scopes=(), labels=(), description="ü\n\\ \u2028"),
        fields("a", rotation=Rotation(generation=7, every=None, overlap=timedelta(minutes=1))),
    ],
)
def test_fields_come_back_from_their_row_unchanged(stored: KeyFields) -> None:
    """Absent and empty are different things."""
    assert fields_of(fields_row(stored)) == stored


def test_a_place_in_a_manifest_comes_back_with_its_last_line() -> None:
    """The audit hash needs only three parts of it; people may want the fourth."""
    place = SourceRef(file="keys/ü.yaml", line=3, column=1, end_line=20)
    assert source_of(source_text(place)) == place
    assert source_of(source_text(None)) is None


def test_the_stored_form_of_a_key_is_pinned(tmp_path: Path) -> None:
    """Form 2 on SQLite, column by column, as other versions of the program will find it."""
    store = SqlStore(f"sqlite:///{tmp_path / 'keys.db'}", clock=FakeClock())
    store.migrate()
    story = Story(store=store, clock=FakeClock())
    story.create("a")
    store.close()
    reader = sqlite3.connect(tmp_path / "keys.db")
    reader.row_factory = sqlite3.Row
    row = dict(reader.execute("SELECT * FROM keys").fetchone())
    version = dict(reader.execute("SELECT * FROM key_versions").fetchone())
    reader.close()
    assert row == {
        "key_id": row["key_id"],
        "workspace": "payments",
        "name": "a",
        "manager": "platform-keys",
        "status": "live",
        "environment": "prod",
        "sink_path": "payments/prod/a",
        "scopes": '[["Reviews","read"],["Webhooks","change"]]',
        "allowlist": '["203.0.113.0/24","network:ci-runners"]',
        "ranges": '["203.0.113.0/24","2001:db8:40::/48"]',
        "expiration": "90d",
        "active": 1,
        "protected": 0,
        "generation": 1,
        "every": 2_592_000_000_000,
        "overlap": 86_400_000_000,
        "retire": None,
        "reissue": 1,
        "owner": "team-a",
        "description": "Pulls invoices, “quoted” and 100 %",
        "labels": '[["system","billing"],["tier","1"]]',
        "fingerprint": row["fingerprint"],
        "record_version": 2,
        "created_at": "2026-11-24T12:00:00.000000Z",
        "expires_at": "2027-02-22T12:00:00.000000Z",
        "hold_reason": None,
        "hold_by": None,
        "hold_since": None,
        "superseded_by": None,
        "rotated_at": "2026-11-24T12:00:00.000000Z",
        "removal_reason": None,
        "removed_at": None,
        "audit_sequence": 1,
    }
    assert version == {
        "version_id": version["version_id"],
        "key_id": row["key_id"],
        "operation_id": version["operation_id"],
        "secret_hash": f"$argon2id${version['version_id']}",
        "state": "current",
        "sink_id": "sink-1",
        "sink_path": "payments/prod/a",
        "sink_version": 1,
        "custody": "custody-1",
        "last_characters": version["last_characters"],
        "created_at": "2026-11-24T12:00:00.000000Z",
        "confirmed_at": "2026-11-24T12:00:00.000000Z",
        "retire_at": None,
        "overlap_until": None,
        "retired_at": None,
        "leaked": 0,
        "copy_destroyed_at": None,
        "audit_sequence": 1,
    }
