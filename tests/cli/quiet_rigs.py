"""A command line whose clock is the test's and whose plans are counted, on a file or on a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from reconciler.adapters import postgres_state
from reconciler.adapters.sql_database import Database
from reconciler.adapters.system import SystemClock
from reconciler.apply import prepare
from tests.fakes.command_line import Answer, CommandLine

KEY = "keys/demo/hello-dev.yaml"
CLEAR = timedelta(days=1)
"""How far a test's clock is ahead of the one that files are stamped by: all changes are long past."""


@dataclass
class Quiet:
    """One place of work after its first apply."""

    line: CommandLine
    url: str
    """Of the store, with its password."""
    made: list[str] = field(default_factory=list)
    """The manager of each plan that was made, not remembered."""
    ahead: timedelta = CLEAR
    _moment: datetime | None = None
    _engine: Engine | None = None

    def prepare(self) -> None:
        """Take over the clock and count plans."""
        patch, clock, database = self.line.monkeypatch, SystemClock.now, Database.now
        self._moment = clock(SystemClock())
        make = prepare.prepare

        def counted(**wanted: Any) -> Any:
            self.made.append(wanted["manager"])
            return make(**wanted)

        def now(asked: Database, connection: Any) -> datetime:
            real = database(asked, connection)
            return real if asked.url.get_backend_name() == "sqlite" else real + self.ahead

        ask = postgres_state.server_state

        def asked(url: str) -> postgres_state.ServerState | None:
            state = ask(url)
            return None if state is None else replace(state, at=state.at + self.ahead)

        patch.setattr(postgres_state, "server_state", asked)
        patch.setattr(SystemClock, "now", lambda _: self.now)
        patch.setattr(Database, "now", now)
        patch.setattr(prepare, "prepare", counted)

    @property
    def now(self) -> datetime:
        """Give the time by the machine's clock: it stands until it is told to move."""
        assert self._moment is not None
        return self._moment + self.ahead

    def advance(self, duration: timedelta) -> None:
        """Let time pass for the machine and for the store."""
        self.ahead += duration

    @property
    def is_file(self) -> bool:
        """Whether the store is a file."""
        return self.url.startswith("sqlite")

    @property
    def cache(self) -> Path:
        """Give the folder of all that is remembered."""
        return self.line.home / ".cache" / "keyrec"

    def plan(self, *flags: str) -> Answer:
        """Plan."""
        return self.line("plan", *flags)

    def is_made(self, *flags: str) -> bool:
        """Plan, and say whether a plan was made; it has to say what one without a cache says."""
        count = len(self.made)
        answer = self.plan(*flags)
        is_made = len(self.made) > count
        assert answer == self.plan("--no-cache", *flags)
        return is_made

    def settle(self) -> None:
        """Return when the file system tells the next change of the store from the last one."""
        if not self.is_file:
            return
        store = self.line.folder / ".keyrec" / "keys.db"
        probe = store.with_name("probe")
        newest = max(p.stat().st_mtime_ns for p in store.parent.glob("keys.db*"))
        probe.touch()
        while probe.stat().st_mtime_ns <= newest:
            probe.touch()
        probe.unlink()

    def sql(self, statement: str) -> int:
        """Change the store by hand; how many rows."""
        self.settle()
        if self._engine is None:
            self._engine = create_engine(self.url)
        with self._engine.begin() as connection:
            count = connection.execute(text(statement)).rowcount
        if self.is_file:
            self.close()
        return int(count)

    def close(self) -> None:
        """Leave the store."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def keyrec(self, *argv: str) -> Answer:
        """Run another command, later than what was before it."""
        self.settle()
        return self.line(*argv)

    def entries(self) -> list[Path]:
        """Give the plans that are remembered."""
        return sorted((self.cache / "plans").glob("*"))


@contextmanager
def quiet_place(line: CommandLine, url: str | None) -> Iterator[Quiet]:
    """Give a place with its first key applied: on a server where its URL is given."""
    if url is not None:
        line.set(KEYREC_STORE_URL=url)
    for argv in (("init",), ("apply", "--auto-approve")):
        answer = line(*argv)
        assert answer.code == 0, answer.both
    place = Quiet(line=line, url=url or f"sqlite:///{line.folder / '.keyrec' / 'keys.db'}")
    place.prepare()
    try:
        yield place
    finally:
        place.close()
