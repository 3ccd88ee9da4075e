"""What a plan costs, in counts that no busy machine changes: parses, statements, processes, imports.

A number here is a promise that grows with nothing. Whoever makes it smaller changes it; whoever
makes it depend on the number of keys breaks it.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import yaml
from sqlalchemy import Engine, event

from reconciler.bootstrap import doors
from tests.adapters.git_repository import Repository
from tests.cli.quiet_rigs import Quiet, quiet_place
from tests.fakes.command_line import KEPT_VARIABLES, ROOT, CommandLine

SIZES = (10, 100, 400)
MANY = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {{name: key-{number}, workspace: demo, owner: team-demo}}
spec: {{environment: dev, scopes: {{Reviews: read}}, expiration: 30d}}
"""


def declare(place: Quiet, count: int) -> None:
    """Declare that many keys beside the first one, ten in a file."""
    for start in range(0, count, 10):
        texts = [MANY.format(number=number) for number in range(start, min(start + 10, count))]
        place.line.write(f"keys/demo/many-{start}.yaml", "---\n".join(texts))


@pytest.fixture
def filed(keyrec: CommandLine) -> Iterator[Quiet]:
    """Give a place on a file."""
    with quiet_place(keyrec, None) as found:
        yield found


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the texts of manifests that a parser of YAML was given since."""
    texts: list[str] = []
    parser = vars(yaml.cyaml)["CParser"]

    def noted(text: str) -> Any:
        if "kind: Config" not in text:
            texts.append(text)
        return parser(text)

    monkeypatch.setattr(yaml.cyaml, "CParser", noted)
    return texts


def test_a_second_plan_parses_no_file_of_keys_that_is_as_it_was(
    filed: Quiet, parsed: list[str]
) -> None:
    """None of them, and the one that was changed once. Policy and workspace are read each time."""
    declare(filed, 30)
    filed.plan("-json")
    assert sum("kind: ApiKey" in text for text in parsed) == 4
    for changed in (0, 1, 0):
        parsed.clear()
        if changed:
            filed.line.change("keys/demo/many-10.yaml", "key-15", "key-115")
        filed.plan("-json")
        assert sum("kind: ApiKey" in text for text in parsed) == changed
        assert len(parsed) == changed + 2


def test_a_remembered_plan_parses_no_manifest(filed: Quiet, parsed: list[str]) -> None:
    """Their bytes alone are looked at."""
    filed.plan()
    parsed.clear()
    assert filed.plan().out.startswith("No changes.")
    assert parsed == []


@contextmanager
def statements() -> Iterator[list[str]]:
    """Record what is sent to any database meanwhile; one statement for many rows counts once."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    ask = psycopg.Connection.execute

    def alone(connection: Any, statement: Any, *rest: Any, **named: Any) -> Any:
        sent.append(statement)
        return ask(connection, statement, *rest, **named)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.Connection, "execute", alone)
            yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def counted(place: Quiet, *flags: str) -> int:
    """Plan, and give how many statements that took."""
    with statements() as sent:
        assert place.plan(*flags).code in {0, 2}
    return len(sent)


STATEMENTS = {
    "sqlite": {"silent": 15, "with changes": 15, "remembered": 0},
    "postgres": {"silent": 16, "with changes": 18, "remembered": 2},
}
"""By store: of a plan that says nothing, of one of three changes, of one that is said again."""


@pytest.mark.parametrize("store", STATEMENTS)
def test_a_plan_asks_the_store_as_often_whatever_it_holds(
    keyrec: CommandLine, request: pytest.FixtureRequest, store: str
) -> None:
    """For 10, 100 and 400 keys the same number of statements."""
    url = request.getfixturevalue("postgres_url") if store == "postgres" else None
    with quiet_place(keyrec, url) as place:
        for size in SIZES:
            declare(place, size)
            assert place.keyrec("apply", "--auto-approve").code == 0
            place.plan()
            found = {
                "silent": counted(place, "--no-cache", "--detailed-exitcode"),
                "remembered": counted(place),
            }
            declare(place, size + 3)
            found["with changes"] = counted(place, "--detailed-exitcode")
            assert found == STATEMENTS[store], size


def test_a_remembered_plan_opens_no_file_store(
    filed: Quiet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row is read: the file's times say enough."""
    filed.plan()

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a database was opened")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    monkeypatch.setattr(doors, "open_store", refuse)
    answer = filed.plan()
    assert (answer.code, answer.err) == (0, "")
    assert filed.plan("--no-cache").code == 1


@contextmanager
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """Record the programs that are started meanwhile."""
    started: list[list[str]] = []
    start = subprocess.Popen.__init__

    def note(self: Any, argv: list[str], *rest: Any, **named: Any) -> None:
        started.append(argv)
        start(self, argv, *rest, **named)

    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", note)
        yield started


GIT = {(): 5, ("--revision", "HEAD"): 5}
REMEMBERED_GIT = {(): 0, ("--revision", "HEAD"): 3}
"""Runs of git for a plan, and for one that is said again."""


@pytest.mark.parametrize("flags", GIT, ids=" ".join)
def test_a_plan_runs_git_as_often_however_many_files_there_are(
    filed: Quiet, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    """Of the working tree and of a revision; one that is remembered asks for less."""
    repository = Repository(filed.line.folder)
    for size in (0, 10, 100):
        declare(filed, size)
        repository.commit()
        with processes(monkeypatch) as started:
            filed.plan("--no-cache", *flags)
        assert len(started) == GIT[flags], started
    repository.git("rm", "--quiet", "keys/demo/many-*")
    repository.commit()
    filed.plan(*flags)
    with processes(monkeypatch) as started:
        assert filed.plan(*flags).out == "No changes. 1 key matches.\n"
    assert len(started) == REMEMBERED_GIT[flags], started


LOADED = """\
import sys
from datetime import datetime
from reconciler.cli.main import run
if {now!r}:
    from reconciler.adapters.system import SystemClock
    SystemClock.now = lambda _: datetime.fromisoformat({now!r})
code = run({argv!r})
print(*sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def loaded(line: CommandLine, *argv: str, now: str = "") -> tuple[str, set[str]]:
    """Run a command as a process: what it says, and the modules that are loaded at its end."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    ended = subprocess.run(
        [sys.executable, "-c", LOADED.format(argv=list(argv), now=now)],
        capture_output=True,
        text=True,
        check=True,
        cwd=line.folder,
        env={**kept, "PYTHONPATH": str(ROOT), **line.environment},
    )
    return ended.stdout, set(ended.stderr.split())


def within(modules: set[str], *packages: str) -> set[str]:
    """Give those packages of which anything is loaded."""
    return {p for p in packages if any(m == p or m.startswith(f"{p}.") for m in modules)}


HEAVY = ("sqlalchemy", "alembic", "hvac", "argon2", "pyrage", "psycopg", "requests", "jwt")


def test_help_loads_neither_libraries_nor_rooms(keyrec: CommandLine) -> None:
    """Only how to parse a command line, and the errors that it may end with."""
    said, modules = loaded(keyrec, "--help")
    assert "keyrec COMMAND --help" in said
    assert within(modules, *HEAVY, "pydantic", "yaml", "sqlite3") == set()
    rooms = {m.split(".")[1] for m in modules if m.startswith("reconciler.")}
    assert rooms == {"cli", "errors"}


UNUSED = ("apply", "review", "credentials", "verification", "server")
"""Rooms that a plan which is said again does not enter."""


def test_a_remembered_plan_loads_neither_database_nor_planning(filed: Quiet) -> None:
    """On a file; the configuration is read and judged, and the files are looked at."""
    filed.plan()
    said, modules = loaded(filed.line, "plan", now=filed.now.isoformat())
    assert said == "No changes. 1 key matches.\n"
    assert within(modules, *HEAVY, "sqlite3") == set()
    assert within(modules, *(f"reconciler.{room}" for room in UNUSED)) == set()
    assert {m for m in modules if m.startswith("reconciler.planning.")} == {
        "reconciler.planning.selection"
    }


def test_a_plan_that_is_made_loads_no_vault_and_no_hashing(filed: Quiet) -> None:
    """It contacts no sink and makes no secret."""
    said, modules = loaded(filed.line, "plan", "--no-cache", now=filed.now.isoformat())
    assert said == "No changes. 1 key matches.\n"
    assert within(modules, *HEAVY) == {"sqlalchemy"}
