"""Uses on SQL: reported by verifiers, read for planning and for people.

Tables of their own: a report takes no lock that a change of keys waits for, and writes no column
that one writes. A use never goes back in time, and one of an unknown version is left out. Reports
lock rows in one order (table by table, by id), so that none waits in a circle; what they add to is
read again under the lock, so that none is lost.

Compatibility: as `sql_tables`, whose metadata they belong to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Insert,
    Select,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from reconciler.adapters.sql_among import among
from reconciler.adapters.sql_loading import VERSION_COLUMNS
from reconciler.adapters.sql_marks import NO_MARKS, marks_of, marks_text
from reconciler.adapters.sql_tables import key_versions, metadata
from reconciler.adapters.sql_types import Instant
from reconciler.model.uses import (
    FORGOTTEN_AFTER,
    Listening,
    UseMark,
    UseReport,
    listened_since,
    merged_marks,
)

version_uses = Table(
    "version_uses",
    metadata,
    Column("version_id", Text, primary_key=True),
    Column("last_used_at", Instant, nullable=False),
)

version_marks = Table(
    "version_marks",
    metadata,
    Column("version_id", Text, primary_key=True),
    Column("marks", Text, nullable=False),
)

use_reporters = Table(
    "use_reporters",
    metadata,
    Column("reporter", Text, primary_key=True),
    Column("reported_until", Instant, nullable=False),
    # Null: not known, as of those who reported before it was kept.
    Column("reported_since", Instant),
)


def write_uses(connection: Connection, report: UseReport, now: datetime) -> None:
    """Remember the later of what is known and what is reported, as far as it has happened."""
    report = report.as_of(now)
    told = dict(report.uses)
    marked = _by_version(report.marks)
    known = _known(connection, {*told, *marked})
    used = [{"version_id": v, "last_used_at": told[v]} for v in known if v in told]
    _keep_later(connection, version_uses, used)
    _keep_marks(connection, {v: marked[v] for v in known if v in marked}, now)
    _keep_reporter(connection, report)
    _forget_reporters(connection, now)


def select_versions(*columns: Column[Any]) -> Select[*tuple[Any, ...]]:
    """Select versions, each with its last use as `last_used_at`, and these columns of its marks."""
    its_use = version_uses.c.version_id == key_versions.c.version_id
    its_marks = version_marks.c.version_id == key_versions.c.version_id
    wanted = select(*VERSION_COLUMNS, version_uses.c.last_used_at, *columns)
    joined = key_versions.outerjoin(version_uses, its_use)
    return wanted.select_from(joined.outerjoin(version_marks, its_marks) if columns else joined)


def read_marks(connection: Connection, version_ids: Iterable[str]) -> tuple[UseMark, ...]:
    """Give what was seen of these versions, by version, newest first."""
    wanted = among(connection, (version_marks.c.version_id,), ((v,) for v in version_ids))
    rows = connection.execute(
        select(version_marks).where(wanted).order_by(version_marks.c.version_id)
    )
    return tuple(mark for row in rows for mark in marks_of(row.version_id, row.marks))


def read_reporters(connection: Connection) -> tuple[Listening, ...]:
    """Give what is kept of all reporters."""
    rows = connection.execute(select(use_reporters))
    return tuple(Listening(until=row.reported_until, since=row.reported_since) for row in rows)


def _known(connection: Connection, version_ids: Iterable[str]) -> list[str]:
    """Give those of the ids that are of versions, sorted."""
    wanted = [(version_id,) for version_id in version_ids]
    if not wanted:
        return []
    is_it = among(connection, (key_versions.c.version_id,), wanted)
    return sorted(connection.execute(select(key_versions.c.version_id).where(is_it)).scalars())


def _by_version(marks: Iterable[UseMark]) -> dict[str, list[UseMark]]:
    found: defaultdict[str, list[UseMark]] = defaultdict(list)
    for mark in marks:
        found[mark.version_id].append(mark)
    return dict(found)


def _keep_marks(connection: Connection, marked: dict[str, list[UseMark]], now: datetime) -> None:
    """Add to the marks of each version; a row is there before it is locked and read."""
    if not marked:
        return
    new = _insert(connection, version_marks).on_conflict_do_nothing()
    connection.execute(new, [{"version_id": v, "marks": NO_MARKS} for v in marked])
    is_it = among(connection, (version_marks.c.version_id,), ((v,) for v in marked))
    locked = select(version_marks).where(is_it).order_by(version_marks.c.version_id)
    rows = connection.execute(locked.with_for_update(of=version_marks)).all()
    kept = [
        {
            "of": row.version_id,
            "marks": marks_text(
                merged_marks((*marks_of(row.version_id, row.marks), *marked[row.version_id]), now)
            ),
        }
        for row in rows
    ]
    its_row = version_marks.c.version_id == bindparam("of")
    connection.execute(update(version_marks).where(its_row), kept)


def _keep_reporter(connection: Connection, report: UseReport) -> None:
    """Remember a reporter's word; one of the past takes nothing back."""
    new, kept = _insert(connection, use_reporters), use_reporters.c
    said = {
        "reporter": report.reporter,
        "reported_until": report.until,
        "reported_since": listened_since(report.until, read_reporters(connection)),
    }
    moves_on = kept.reported_until < new.excluded.reported_until
    moving = {name: new.excluded[name] for name in ("reported_until", "reported_since")}
    by_name = [kept.reporter]
    connection.execute(
        new.on_conflict_do_update(index_elements=by_name, set_=moving, where=moves_on), said
    )


def _forget_reporters(connection: Connection, now: datetime) -> None:
    """Drop those that are gone for good; one that somebody else holds is not waited for."""
    is_gone = use_reporters.c.reported_until < now - FORGOTTEN_AFTER
    free = select(use_reporters.c.reporter).where(is_gone).with_for_update(skip_locked=True)
    connection.execute(delete(use_reporters).where(use_reporters.c.reporter.in_(free)))


def _keep_later(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows of an id and an instant; where the id is there, keep the later instant."""
    if not rows:
        return
    row_id, instant = table.c
    new = _insert(connection, table)
    later = func.max if connection.dialect.name == "sqlite" else func.greatest
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[row_id],
            set_={instant.name: later(instant, new.excluded[instant.name], type_=instant.type)},
        ),
        rows,
    )


def _insert(connection: Connection, table: Table) -> Any:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement: Insert = dialect.insert(table)
    return statement
