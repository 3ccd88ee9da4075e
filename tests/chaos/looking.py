"""What stands in Vault and in the store, read without keyrec: HTTP for values, SQL for rows."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from psycopg.rows import DictRow

from tests.chaos.place import PREFIX, Place

ANCHOR = "_keyrec/"
Spot = tuple[str, int]
"""A path below the prefix, and a version number there."""


@dataclass(frozen=True)
class Value:
    """What a consumer reads at a spot."""

    api_key: str = field(repr=False)
    key_id: str
    version_id: str


@dataclass
class Consumers:
    """All that was ever the latest at any path, read once and kept, as consumers keep it."""

    place: Place
    values: dict[Spot, Value] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)
    """The newest version number seen at a path."""
    destroyed: set[Spot] = field(default_factory=set)
    anchor: tuple[int, str] = (0, "")
    """Sequence and hash of the event that the sink remembers."""

    def look(self, only: set[str] | None = None) -> None:
        """Read the paths again, or some of them; new ones always."""
        connection = http.client.HTTPConnection("127.0.0.1", self.place.vault.port, timeout=20)
        try:
            for path in self._paths(connection, ""):
                if only is None or path in only or path not in self.latest:
                    self._look_at(connection, path)
            self._look_at_anchor(connection)
        finally:
            connection.close()

    def _paths(self, connection: http.client.HTTPConnection, below: str) -> list[str]:
        listed = self._get(connection, f"metadata/{PREFIX}/{below}?list=true")
        found: list[str] = []
        for name in (listed or {}).get("keys", []):
            if name == ANCHOR:
                continue
            path = f"{below}{name}"
            found += self._paths(connection, path) if name.endswith("/") else [path]
        return found

    def _look_at(self, connection: http.client.HTTPConnection, path: str) -> None:
        metadata = self._get(connection, f"metadata/{PREFIX}/{path}")
        if metadata is None:
            return
        for text, entry in metadata["versions"].items():
            spot = (path, int(text))
            if entry["destroyed"]:
                self.destroyed.add(spot)
            elif spot not in self.values:
                read = self._get(connection, f"data/{PREFIX}/{path}?version={text}")
                if read is not None and read["data"]:
                    self.values[spot] = Value(
                        **{name: read["data"][name] for name in ("api_key", "key_id", "version_id")}
                    )
        self.latest[path] = metadata["current_version"]

    def _look_at_anchor(self, connection: http.client.HTTPConnection) -> None:
        read = self._get(connection, f"data/{PREFIX}/{ANCHOR}anchor")
        if read is not None:
            anchor = json.loads(read["data"]["anchor"])
            self.anchor = (anchor["sequence"], anchor["hash"])

    def _get(self, connection: http.client.HTTPConnection, target: str) -> dict[str, Any] | None:
        url = f"/v1/{self.place.mount}/{target}"
        connection.request("GET", url, headers={"X-Vault-Token": self.place.vault.root_token})
        with connection.getresponse() as answer:
            text = answer.read()
            if answer.status == 404:
                return None
            if answer.status != 200:
                raise AssertionError(f"Vault answers {answer.status} to a reader")
        data: dict[str, Any] = json.loads(text)["data"]
        return data


@dataclass(frozen=True)
class Rows:
    """The store at one moment."""

    now: datetime
    keys: dict[str, DictRow]
    versions: dict[str, DictRow]
    operations: dict[str, DictRow]
    attempts: list[DictRow]
    events: list[DictRow]
    """The audit chain after what was read before."""
    head: tuple[int, str]

    @cached_property
    def versions_of(self) -> dict[str, list[DictRow]]:
        """Give the versions by key."""
        found: dict[str, list[DictRow]] = {key_id: [] for key_id in self.keys}
        for row in self.versions.values():
            found[row["key_id"]].append(row)
        return found

    @property
    def open_operations(self) -> list[DictRow]:
        """Give the operations that wait for a run."""
        return [o for o in self.operations.values() if o["state"] == "open"]

    def family(self, key_id: str) -> set[str]:
        """Give all keys that one and the same key has replaced in the end, with that one."""
        return self._families[self._newest(key_id)]

    def _newest(self, key_id: str) -> str:
        """Follow the replacements of a key; an older one points past those between."""
        while (newer := self.keys[key_id]["superseded_by"]) is not None:
            key_id = newer
        return key_id

    @cached_property
    def _families(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for key_id in self.keys:
            found.setdefault(self._newest(key_id), set()).add(key_id)
        return found


def recent_paths(place: Place) -> set[str]:
    """Give the paths of the newest operations, and of all that are open."""
    with place.sql() as connection:
        rows = connection.execute(
            "(SELECT sink_path FROM operations ORDER BY audit_sequence DESC LIMIT 60) "
            "UNION SELECT sink_path FROM operations WHERE state = 'open'"
        ).fetchall()
    return {row["sink_path"] for row in rows}


def read_rows(place: Place, *, after: int) -> Rows:
    """Read everything in one transaction; of the audit chain what follows an event."""
    with place.sql() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

        def all_of(query: str, *values: int) -> list[DictRow]:
            return connection.execute(query, values).fetchall()

        (meta,) = all_of("SELECT now() AS now, audit_sequence, audit_head FROM meta")
        return Rows(
            now=meta["now"],
            keys={row["key_id"]: row for row in all_of("SELECT * FROM keys")},
            versions={row["version_id"]: row for row in all_of("SELECT * FROM key_versions")},
            operations={row["operation_id"]: row for row in all_of("SELECT * FROM operations")},
            attempts=all_of(
                "SELECT a.*, o.sink_path FROM attempts a JOIN operations o USING (operation_id)"
            ),
            events=all_of("SELECT * FROM audit WHERE sequence > %s ORDER BY sequence", after),
            head=(meta["audit_sequence"], meta["audit_head"]),
        )
