"""What the SQL store forgets, so that it does not grow for ever."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import create_engine, func, select

from reconciler.adapters.sql_run_tables import commits
from reconciler.adapters.sql_store import SqlStore
from reconciler.model.audit import AuditNote
from reconciler.model.resources import Resource, address_of
from reconciler.model.workspaces import Workspace
from reconciler.model.writes import Commit, PutResource
from tests.fakes.system import FakeClock


def test_answers_of_commits_are_forgotten_a_week_later_when_a_run_begins(tmp_path: Path) -> None:
    """A repeated commit is answered from its row within any sane time; then the row goes."""
    clock = FakeClock()
    url = f"sqlite:///{tmp_path}/keys.db"
    store = SqlStore(url, clock=clock)
    store.migrate()
    _commit(store, "payments", 1)

    clock.advance(timedelta(days=6))
    _commit(store, "shop", 2)
    assert _answers(url) == 2

    clock.advance(timedelta(days=2))
    _commit(store, "tools", 3)
    assert _answers(url) == 2
    store.close()


def _commit(store: SqlStore, name: str, number: int) -> None:
    run = f"run-{number}"
    lease = store.acquire_lease("m", holder="a test", run_id=run)
    assert lease is not None
    body = Workspace(name=name)
    put = PutResource(
        resource=Resource(address=address_of(body), body=body, manager="m"),
        base=None,
        note=AuditNote(event="resource-stored", address=f"workspace/{name}", reason="requested"),
    )
    store.commit(Commit(commit_id=run, actor="local:a", fence=lease.fence, writes=(put,)))


def _answers(url: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(commits)).scalar_one()
    engine.dispose()
    return int(count)
