"""Asking a server for the state of the store with its driver alone."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from reconciler.adapters.postgres_state import is_plain, server_state
from reconciler.adapters.postgres_sums import SUMS
from reconciler.adapters.sql_loading import VERSION_COLUMNS
from reconciler.adapters.sql_store import SqlStore
from reconciler.model.workspaces import Workspace
from tests.contracts.store_story import ACTOR, POLICY, Story, putting, resource
from tests.fakes.system import FakeClock

CLEAR = "postgresql://u:p@db.example:5432/keys"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Record with what the driver is asked; nobody answers."""
    found: list[tuple[str, dict[str, Any]]] = []

    def connect(address: str, **named: Any) -> Any:
        found.append((address, named))
        raise psycopg.OperationalError("nobody")

    monkeypatch.setattr(psycopg, "connect", connect)
    return found


def test_it_says_what_the_opened_store_says(postgres_url: str) -> None:
    """Before a change and after it, with the server's time."""
    store = SqlStore(postgres_url)
    store.migrate()
    store.seed(resource(POLICY), actor=ACTOR)
    story = Story(store=SqlStore(postgres_url, clock=FakeClock()), clock=FakeClock())
    texts = []
    for name in ("payments", "reviews"):
        story.done(putting(Workspace(name=name), None))
        before, state, after = store.now(), server_state(postgres_url), store.now()
        assert state is not None
        assert before <= state.at <= after
        assert state.text == store.fingerprint()
        texts.append(state.text)
    assert len(set(texts)) == 2
    story.store.close()
    store.close()


def test_a_store_without_tables_gets_no_answer(postgres_url: str) -> None:
    """The opened store says what to do."""
    assert server_state(postgres_url) is None


def test_every_column_of_a_version_but_its_hash_is_summed() -> None:
    """They are named one by one, so that no hash is read."""
    names = ", ".join(column.name for column in VERSION_COLUMNS)
    assert f"SELECT {names} FROM key_versions" in SUMS
    assert "secret_hash" not in SUMS


@pytest.mark.parametrize(
    "url",
    [
        CLEAR,
        CLEAR.replace("postgresql:", "postgresql+psycopg:"),
        "postgresql:///keys",
        "postgresql://u:p%40ss@/keys?host=%2Frun%2Fpostgresql&options=-csearch_path%3Dapi",
        "postgresql://u@/keys?host=/run/postgresql&sslmode=require",
    ],
)
def test_a_plain_address_is_given_to_the_driver(
    url: str, asked: list[tuple[str, dict[str, Any]]]
) -> None:
    """As it stands, with the terms on which every connection is held."""
    assert is_plain(url)
    assert server_state(url) is None
    ((address, named),) = asked
    assert address == url.replace("+psycopg", "")
    assert (named["application_name"], named["connect_timeout"]) == ("keyrec", 10)
    ours = make_url(url)
    theirs = psycopg.conninfo.conninfo_to_dict(address)
    assert theirs.get("password") == ours.password
    assert theirs.get("host") == (ours.host or ours.query.get("host"))
    assert (theirs["dbname"], theirs.get("options")) == (ours.database, ours.query.get("options"))


def test_what_the_address_says_itself_holds(asked: list[tuple[str, dict[str, Any]]]) -> None:
    """Its own time limit, for one."""
    server_state(f"{CLEAR}?connect_timeout=3")
    assert "connect_timeout" not in asked[0][1]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://a,b/keys",
        "postgresql://u:p+q@h/keys",
        f"{CLEAR}?application_name=a+b",
        f"{CLEAR}?host=other",
        "postgresql:///keys?host=a&host=b",
        f"{CLEAR}?sslmode=require&sslmode=disable",
        f"{CLEAR}?user=root",
        f"{CLEAR}?password=x",
        f"{CLEAR}?dbname=other",
        f"{CLEAR}?service=x",
        "postgresql:///keys?port=1",
        "postgresql://h/ke%79s",
        "postgresql://h/",
        "postgresql+asyncpg://h/keys",
        "postgresql://[::1]/keys",
        "postgres://h/keys",
        "sqlite:///keys.db",
        "",
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_not_used(
    url: str, asked: list[tuple[str, dict[str, Any]]]
) -> None:
    """Another store than the one that is planned with could be asked."""
    assert not is_plain(url)
    assert server_state(url) is None
    assert asked == []
