"""A real store and a real sink, opened anew for every run as a new process does, and looked at from
outside: values as a consumer reads them, rows by SQL.

A place can be put back to how it was: SQLite and age files by copying their folder, PostgreSQL and
Vault by an empty schema and a fresh prefix.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from reconciler.adapters.age_disk import Disk
from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_tables import metadata
from reconciler.model.policy import Policy
from reconciler.model.resources import Resource, address_of
from reconciler.ports import KeyStore, SecretSink
from tests.fakes.system import FakeClock
from tests.fakes.world import ADMIN, MANAGER
from tests.promises.parts import AgePart, PostgresPart, SqlitePart, VaultPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Store and sink as one process has them."""

    store: KeyStore
    sink: SecretSink


@dataclass
class Place:
    """One pair."""

    name: str
    keeps: SqlitePart | PostgresPart
    holds: AgePart | VaultPart
    clock: FakeClock = field(default_factory=FakeClock)
    _copies: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Name store and database; what is opened is closed again after each use.

        They are kept because SQLAlchemy keeps with them what it has compiled: half of the time.
        """
        self._store = SqlStore(self.keeps.url, clock=self.clock)
        self._observer = SqlStore(self.keeps.url, clock=self.clock)
        self._engine = create_engine(self.keeps.url)

    def begin(self, **changes: Any) -> None:
        """Start from nothing: tables, an empty sink, the first policy; no copy is kept."""
        while self._copies:
            shutil.rmtree(self._copies.pop())
        self.keeps.begin()
        if isinstance(self.holds, AgePart):
            shutil.rmtree(self.holds.folder / "secrets", ignore_errors=True)
        policy = Policy(platform_admins=(ADMIN,), sink=self.holds.begin(), **changes)
        resource = Resource(address=address_of(policy), body=policy, manager=MANAGER)
        self._store.migrate()
        self._store.seed(resource, actor=ADMIN)
        self._store.close()

    @contextmanager
    def opened(self, disk: Disk | None = None) -> Iterator[Opened]:
        """Open store and sink as a new process does."""
        sink = self.holds.open(disk)
        try:
            yield Opened(store=self._store, sink=sink)
        finally:
            sink.close()
            self._store.close()

    @contextmanager
    def observed(self) -> Iterator[KeyStore]:
        """Open the store to look at it only."""
        try:
            yield self._observer
        finally:
            self._let_go(self._observer.close)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Read rows of the store by SQL, beside the program."""
        try:
            with self._engine.connect() as connection:
                return [dict(row) for row in connection.execute(text(statement)).mappings()]
        finally:
            self._let_go(self._engine.dispose)

    def change(self, statement: str) -> None:
        """Change rows by SQL, beside the program."""
        try:
            with self._engine.begin() as connection:
                connection.execute(text(statement))
        finally:
            self._let_go(self._engine.dispose)

    @property
    def is_folder(self) -> bool:
        """Whether all of it stands in one folder, which can be put back."""
        return isinstance(self.keeps, SqlitePart) and isinstance(self.holds, AgePart)

    def copied(self) -> Callable[[], None]:
        """Remember the folder as it is now; what is given puts it back."""
        assert isinstance(self.keeps, SqlitePart)
        folder = self.keeps.folder
        copy = folder.with_name(f"copy-{uuid.uuid4().hex[:8]}")
        shutil.copytree(folder, copy, symlinks=True)
        self._copies.append(copy)

        def put_back() -> None:
            shutil.rmtree(folder)
            shutil.copytree(copy, folder, symlinks=True)

        return put_back

    def at_rest(self) -> bytes:
        """Give all that the store keeps, and what an age sink keeps: nothing in it is secret."""
        kept = b""
        if isinstance(self.holds, AgePart):
            kept += _bytes_below(self.holds.folder / "secrets")
        if isinstance(self.keeps, SqlitePart):
            return kept + _bytes_below(self.keeps.folder / "store")
        rows = [self.rows(f"SELECT * FROM {table}") for table in metadata.tables]
        return kept + repr(rows).encode()

    def close(self) -> None:
        """End what observers have kept open."""
        self._observer.close()
        self._engine.dispose()

    def _let_go(self, close: Callable[[], None]) -> None:
        """Close what looks at a file, which may be put back; a server's connection may stay.

        A child that is forked meanwhile never uses it, and says nothing when it ends.
        """
        if isinstance(self.keeps, SqlitePart):
            close()


def _bytes_below(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())
