"""Tampering with the audit table by SQL, as whoever can write to the database may do it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from reconciler.adapters.sql_audit import event_of
from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_tables import audit
from reconciler.apply.auditing import verify_audit
from reconciler.model.audit import GENESIS, AuditEvent, event_hash
from reconciler.model.chain import Head
from tests.adapters.sql_rigs import engine_of
from tests.contracts.store_story import MANAGER, POLICY, Story, resource
from tests.fakes.system import FakeClock


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """Give a store of each kind with a chain of nine events."""
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    clock = FakeClock()
    opened = SqlStore(url, clock=clock)
    opened.migrate()
    opened.seed(resource(POLICY), actor="local:alice")
    story = Story(store=opened, clock=clock)
    story.create("a")
    story.rotate("a")
    story.create("b")
    story.done(story.holding(story.record("b")), fenced=False)
    story.done(story.removing(story.record("a")))
    assert opened.audit_head()[0] == 9
    yield opened
    opened.close()


def put(connection: Connection, at: int, /, **columns: object) -> None:
    """Change columns of one event."""
    values = ", ".join(f"{name} = :{name}" for name in columns)
    connection.execute(text(f"UPDATE audit SET {values} WHERE sequence = {at}"), dict(columns))


def renumber(connection: Connection, old: int, new: int) -> None:
    """Move one event to another number."""
    put(connection, old, sequence=new)


def change(connection: Connection) -> None:
    """Say that somebody else did it."""
    put(connection, 4, actor="local:mallory")


def repeat_a_fact(connection: Connection) -> None:
    """Say another thing beside the same name, which a mapping would swallow."""
    detail = connection.execute(text("SELECT detail FROM audit WHERE sequence = 4")).scalar_one()
    forged = [["operation", "forged"], *json.loads(detail)]
    put(connection, 4, detail=json.dumps([*forged, forged[-1]]))


def damage(connection: Connection) -> None:
    """Leave no JSON."""
    put(connection, 4, detail="{")


def take_out(connection: Connection) -> None:
    """Delete an event and close the gap."""
    connection.execute(text("DELETE FROM audit WHERE sequence = 4"))
    for number in range(5, 10):
        renumber(connection, number, number - 1)


def put_in(connection: Connection) -> None:
    """Make room and insert an event."""
    for number in range(9, 3, -1):
        renumber(connection, number, number + 1)
    columns = [c.name for c in audit.c if c.name != "sequence"]
    names = ", ".join(columns)
    connection.execute(
        text(
            f"INSERT INTO audit (sequence, {names}) SELECT 4, {names} FROM audit WHERE sequence = 2"
        )
    )
    put(connection, 4, event="key-released")
    rehash(connection, 4)


def put_before(connection: Connection) -> None:
    """Copy an event to a number that no event has; a history would show it."""
    columns = ", ".join(c.name for c in audit.c if c.name != "sequence")
    connection.execute(
        text(
            f"INSERT INTO audit (sequence, {columns}) "
            f"SELECT 0, {columns} FROM audit WHERE sequence = 2"
        )
    )


def swap(connection: Connection) -> None:
    """Let two events change places."""
    renumber(connection, 4, 99)
    renumber(connection, 5, 4)
    renumber(connection, 99, 5)


def cut(connection: Connection) -> None:
    """Delete the last events."""
    connection.execute(text("DELETE FROM audit WHERE sequence > 7"))


def cut_with_head(connection: Connection) -> None:
    """Delete the last events, and set the head back."""
    cut(connection)
    head = connection.scalar(text("SELECT hash FROM audit WHERE sequence = 7"))
    connection.execute(
        text("UPDATE meta SET audit_sequence = 7, audit_head = :head"), {"head": head}
    )


def rewrite(connection: Connection) -> None:
    """Change an event and compute the whole chain anew, with its head."""
    change(connection)
    for number in range(1, 10):
        rehash(connection, number)
    head = connection.scalar(text("SELECT hash FROM audit WHERE sequence = 9"))
    connection.execute(text("UPDATE meta SET audit_head = :head"), {"head": head})


def rehash(connection: Connection, sequence: int) -> None:
    """Bind an event to the one before it, and compute its hash."""
    previous = connection.scalar(text(f"SELECT hash FROM audit WHERE sequence = {sequence - 1}"))
    put(connection, sequence, previous_hash=previous or GENESIS)
    row = connection.execute(audit.select().where(audit.c.sequence == sequence)).mappings().one()
    put(connection, sequence, hash=event_hash(event_of(row)))


FOUND_ALONE: dict[str, tuple[Callable[[Connection], None], tuple[str, int]]] = {
    "an event is changed": (change, ("changed", 4)),
    "an event is made unreadable": (damage, ("damaged", 4)),
    "a fact of an event is given twice": (repeat_a_fact, ("damaged", 4)),
    "an event is removed": (take_out, ("removed", 4)),
    "an event is inserted": (put_in, ("inserted", 4)),
    "events are reordered": (swap, ("reordered", 4)),
    "the end is cut": (cut, ("cut", 8)),
    "events are put before the first": (put_before, ("inserted", 0)),
}
FOUND_BY_THE_ANCHOR: dict[str, tuple[Callable[[Connection], None], tuple[str, int]]] = {
    "the end is cut, and the stored head with it": (cut_with_head, ("behind", 8)),
    "the whole chain is rewritten, with the stored head": (rewrite, ("rewritten", 9)),
}


def found(store: SqlStore, *kept: Head) -> tuple[str, int] | None:
    """Verify; kind and place of the first fault."""
    fault = verify_audit(store, None, manager=MANAGER, kept=kept).fault
    return None if fault is None else (fault.kind.value, fault.sequence)


@pytest.mark.parametrize("name", FOUND_ALONE)
def test_tampering_is_found_in_the_chain_itself(name: str, store: SqlStore) -> None:
    """The first bad event is named, with what was done."""
    tamper, expected = FOUND_ALONE[name]
    assert found(store) is None
    with engine_of(store).begin() as connection:
        tamper(connection)
    assert found(store) == expected


@pytest.mark.parametrize("name", FOUND_BY_THE_ANCHOR)
def test_a_chain_that_is_whole_in_itself_is_found_by_a_kept_head(
    name: str, store: SqlStore
) -> None:
    """The anchor, or what an apply printed."""
    tamper, expected = FOUND_BY_THE_ANCHOR[name]
    sequence, hash_ = store.audit_head()
    with engine_of(store).begin() as connection:
        tamper(connection)
    assert found(store) is None
    assert found(store, Head(sequence=sequence, hash=hash_)) == expected


DAMAGES: dict[str, dict[str, object]] = {
    "no list of pairs": {"detail": "[1]"},
    "a pair of something else": {"detail": '[["a", 1]]'},
    "half a pair": {"detail": '[["a"]]'},
    "a text that cannot be written": {"detail": '[["a", "\\ud800"]]'},
    "a place that is none": {"source": "nowhere"},
    "a place without its parts": {"source": "[1]"},
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_row_is_a_finding_and_stops_no_history(name: str, store: SqlStore) -> None:
    """Never a crash: the other events are read as ever."""
    address = next(e.note.address for e in store.events() if e.sequence == 4)
    before = len(store.history(address))
    with engine_of(store).begin() as connection:
        put(connection, 4, **DAMAGES[name])
    assert found(store) == ("damaged", 4)
    history = store.history(address)
    assert (len(history), [e.sequence for e in history if e.is_damaged]) == (before, [4])


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("at", "yesterday", ("damaged", 4)),
        ("at", "2026-11-24T12:00:00", ("damaged", 4)),
        ("actor", b"\x00", ("damaged", 4)),
        ("revision", b"\x00", ("damaged", 4)),
        ("sequence", "four", ("removed", 4)),
    ],
)
def test_a_column_of_sqlite_may_hold_anything(
    column: str, value: object, expected: tuple[str, int], tmp_path: Path
) -> None:
    """It takes any type in any column; PostgreSQL does not."""
    clock = FakeClock()
    opened = SqlStore(f"sqlite:///{tmp_path / 'keys.db'}", clock=clock)
    opened.migrate()
    opened.seed(resource(POLICY), actor="local:alice")
    story = Story(store=opened, clock=clock)
    for key in ("a", "b"):
        story.create(key)
    with engine_of(opened).begin() as connection:
        put(connection, 4, **{column: value})
    assert found(opened) == expected
    opened.close()


def test_what_is_committed_while_the_chain_is_read_is_no_fault(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head is read before the events, and once more after them."""
    real = store.events

    def slow() -> Iterator[AuditEvent]:
        store.acquire_lease("another", holder="it", run_id="run-9")
        store.end_lease("another", actor="local:bob")
        yield from real()
        store.acquire_lease("another", holder="it", run_id="run-10")
        store.end_lease("another", actor="local:bob")

    monkeypatch.setattr(store, "events", slow)
    assert found(store) is None
    assert found(store, Head(sequence=1, hash="0" * 64)) == ("rewritten", 1)


def test_the_reference_names_what_is_found_and_by_what() -> None:
    """Its table has exactly the rows that are tested here."""
    from tests.house.repository import ROOT

    page = (ROOT / "docs/reference/audit.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:4] for line in page.splitlines() if line.startswith("| ")]
    cells = [tuple(cell.strip() for cell in row) for row in rows]
    alone = [(n, k[0], "yes") for n, (_, k) in FOUND_ALONE.items()]
    anchored = [(n, k[0], "by the anchor") for n, (_, k) in FOUND_BY_THE_ANCHOR.items()]
    for name, kind, by in (*alone, *anchored):
        assert (name, f"`{kind}`", by) in cells
    assert json.dumps(cells).count("by the anchor") == len(anchored)
