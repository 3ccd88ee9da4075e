"""Manifests that change at random, each state legal after the one before.

A key is edited once between two runs that reached the end: what a killed run has done of an edit is
not known, and a second edit of the same key could ask for what no repository would (a rename of a
name that was never taken). A key's name says how long its overlap is, through all renames.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

WORKSPACES = ("shop", "ware")
OVERLAPS = {"quick": "1m", "slow": "24h"}
SCOPES = ("{Reviews: read}", "{Reviews: operate}", "{Webhooks: change}", "{SecurityScans: read}")
ALLOWLISTS = ("", "[203.0.113.0/24]", "[203.0.113.0/24, 2001:db8:40::/48]")
REASONS = ("integration-removed", "system-retired", "created-by-mistake", "policy")
FEWEST, MOST = 8, 26


@dataclass(frozen=True)
class Declared:
    """One declared key."""

    name: str
    workspace: str
    owner: str
    scopes: str = SCOPES[0]
    allowlist: str = ""
    expiration: str = "none"
    active: bool = True
    generation: int = 1
    reissue: int = 1
    every: str = ""
    retire: str = "after-overlap"
    path: str = ""
    previous_name: str = ""

    @property
    def address(self) -> str:
        """Give `workspace/name`."""
        return f"{self.workspace}/{self.name}"

    @property
    def overlap(self) -> str:
        """Give how long a replaced secret of it works."""
        return OVERLAPS[self.name.partition("-")[0]]

    def text(self) -> str:
        """Write the manifest."""
        lines = [
            "apiVersion: keyrec/v1",
            "kind: ApiKey",
            "metadata:",
            f"  name: {self.name}",
            f"  workspace: {self.workspace}",
            f"  owner: {self.owner}",
            *([f"  previousName: {self.previous_name}"] if self.previous_name else []),
            "spec:",
            "  environment: prod",
            f"  scopes: {self.scopes}",
            *([f"  allowlist: {self.allowlist}"] if self.allowlist else []),
            f"  expiration: {self.expiration}",
            f"  active: {str(self.active).lower()}",
            f"  reissue: {self.reissue}",
            "  rotation:",
            f"    generation: {self.generation}",
            f"    overlap: {self.overlap}",
            f"    retire: {self.retire}",
            *([f"    every: {self.every}"] if self.every else []),
            *(["  secret:", f"    path: {self.path}"] if self.path else []),
        ]
        return "\n".join(lines) + "\n"


@dataclass
class Repository:
    """What is declared, what is gone, and what waits for a run that reaches the end."""

    folder: Path
    chance: random.Random
    principal: str
    keys: dict[str, Declared] = field(default_factory=dict)
    """By address."""
    forgotten: dict[str, Declared] = field(default_factory=dict)
    """Keys without a manifest that the store still has, inactive."""
    removals: dict[str, Declared] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    count: int = 0

    @property
    def still(self) -> list[str]:
        """Give the addresses of keys that no edit is under way for, and nobody holds."""
        return sorted(self.keys.keys() - self.touched - self.held)

    def begin(self) -> None:
        """Write the workspaces."""
        for name in WORKSPACES:
            text = f"apiVersion: keyrec/v1\nkind: Workspace\nmetadata: {{name: {name}}}\n"
            admins = f'spec: {{admins: ["{self.principal}"]}}\n'
            self._file(f"{name}/workspace").parent.mkdir(parents=True, exist_ok=True)
            self._file(f"{name}/workspace").write_text(text + admins)

    def edit(self, edits: int) -> None:
        """Make so many edits."""
        for _ in range(edits):
            self._edit_once()

    def settled(self) -> None:
        """Take note that a run has reached the end: every key may be edited again."""
        self.touched.clear()
        for address, key in self.keys.items():
            self.keys[address] = replace(key, previous_name="")

    def touch(self, address: str) -> None:
        """Leave a key alone until the next settled run."""
        self.touched.add(address)

    def _edit_once(self) -> None:
        if len(self.keys) < FEWEST:
            return self._create()
        doomed = sorted(self.keys.keys() & self.touched - self.held)
        if doomed and self.chance.random() < 0.06:
            # A removal is legal whatever became of an edit before it, but for a rename.
            address = self.chance.choice(doomed)
            return None if self.keys[address].previous_name else self._remove(address)
        if self.still and (len(self.keys) > MOST or self.chance.random() < 0.75):
            address = self.chance.choice(self.still)
            self.touched.add(address)
            edits = _ENDING if len(self.keys) > MOST else _OF_A_KEY
            return self.chance.choice(edits)(self, address)
        return self.chance.choice(_ANYTHING)(self)

    def _create(self) -> None:
        """Declare a key under a new name, or under one that a removed key had."""
        free = sorted(self.removals.keys() - self.touched)
        if free and self.chance.random() < 0.5:
            old = self.removals.pop(self.chance.choice(free))
            workspace, name, path = old.workspace, old.name, old.path
        else:
            name = f"{self.chance.choice(sorted(OVERLAPS))}-{self._number()}"
            workspace, path = self.chance.choice(WORKSPACES), ""
        self._declare(
            Declared(
                name=name,
                workspace=workspace,
                owner=f"team-{self._number()}",
                scopes=self.chance.choice(SCOPES),
                allowlist=self.chance.choice(ALLOWLISTS),
                expiration=self.chance.choice(("none", "none", "90d", "1h")),
                active=self.chance.random() < 0.9,
                every=self.chance.choice(("", "", "30d")),
                retire=self.chance.choice(("after-overlap", "after-overlap", "when-unused")),
                path=path,
            )
        )

    def _remember(self) -> None:
        """Declare a forgotten key again."""
        ready = sorted(self.forgotten.keys() - self.touched)
        if ready:
            self._declare(self.forgotten.pop(self.chance.choice(ready)))

    def _remove_forgotten(self) -> None:
        ready = sorted(self.forgotten.keys() - self.touched)
        if ready:
            self._removed(self.forgotten.pop(self.chance.choice(ready)))

    def _update(self, address: str) -> None:
        key = self.keys[address]
        changed = replace(key, owner=f"team-{self._number()}", scopes=self.chance.choice(SCOPES))
        self._declare(replace(changed, allowlist=self.chance.choice(ALLOWLISTS)))

    def _switch(self, address: str) -> None:
        self._declare(replace(self.keys[address], active=not self.keys[address].active))

    def _rotate(self, address: str) -> None:
        key = self.keys[address]
        self._declare(replace(key, generation=key.generation + self.chance.choice((1, 1, 2))))

    def _rotate_and_update(self, address: str) -> None:
        self._rotate(address)
        self._update(address)

    def _move(self, address: str) -> None:
        key = self.keys[address]
        self._declare(replace(key, path=f"{key.workspace}/moved/{self._number()}"))

    def _reissue(self, address: str) -> None:
        key = self.keys[address]
        expiration = self.chance.choice(("none", "90d"))
        self._declare(replace(key, reissue=key.reissue + 1, expiration=expiration))

    def _rename(self, address: str) -> None:
        key = self.keys.pop(address)
        self._file(address).unlink()
        name = f"{key.name.partition('-')[0]}-{self._number()}"
        self._declare(replace(key, name=name, previous_name=key.name))

    def _remove(self, address: str) -> None:
        self._removed(self.keys.pop(address))

    def _forget(self, address: str) -> None:
        self.forgotten[address] = self.keys.pop(address)
        self._file(address).unlink()

    def _declare(self, key: Declared) -> None:
        self.keys[key.address] = key
        self.touched.add(key.address)
        self._file(key.address).write_text(key.text())

    def _removed(self, key: Declared) -> None:
        self.removals[key.address] = key
        self.touched.add(key.address)
        self._file(key.address).write_text(
            "apiVersion: keyrec/v1\nkind: KeyRemoval\n"
            f"metadata: {{name: {key.name}, workspace: {key.workspace}}}\n"
            f"spec: {{reason: {self.chance.choice(REASONS)}}}\n"
        )

    def _file(self, address: str) -> Path:
        return self.folder / "keys" / f"{address}.yaml"

    def _number(self) -> int:
        self.count += 1
        return self.count


_ENDING: tuple[Callable[[Repository, str], None], ...] = (
    Repository._remove,
    Repository._forget,
)
_OF_A_KEY: tuple[Callable[[Repository, str], None], ...] = (
    Repository._update,
    Repository._switch,
    Repository._rotate,
    Repository._rotate,
    Repository._rotate,
    Repository._rotate_and_update,
    Repository._move,
    Repository._reissue,
    Repository._rename,
    *_ENDING,
)
_ANYTHING: tuple[Callable[[Repository], None], ...] = (
    Repository._create,
    Repository._create,
    Repository._create,
    Repository._remember,
    Repository._remove_forgotten,
)
