"""What each side of a comparison does in one round.

Folders, stores and places in Vault are new ones, made before the clock starts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from sqlalchemy import make_url

from benchmarks.manifests import KEYREC, KEYS, Shape, configured, single_files
from benchmarks.measure import Failed, Taken, command
from benchmarks.opentofu import Built, OpenTofu
from benchmarks.services import Services

COUNT = 1_000
MANY = 10_000
ROOT = Path(__file__).parents[1]
FLOOR = Path(__file__).with_name("floor_updates.py")
APPLY = (KEYREC, "apply", "--auto-approve")


@dataclass(slots=True, kw_only=True)
class Round:
    """All that the measurements share."""

    place: Path
    services: Services
    built: Built
    keyrec: tuple[Path, dict[str, str]] | None = None
    """The last folder into which keyrec made its keys."""
    tofu: OpenTofu | None = None
    words: int = 0
    """So that every change is another one."""

    def creates(self, count: int = COUNT) -> Taken:
        """Let keyrec make new keys."""
        self.keyrec = self.services.new_folder(self.place, count)
        folder, env = self.keyrec
        return replace(command(APPLY, cwd=folder, env=env), work=count)

    def tofu_creates(self) -> Taken:
        """Let OpenTofu make new keys."""
        env = self.services.env
        self.tofu = OpenTofu.into(self.place, COUNT, built=self.built, vault=env)
        return self.tofu.apply()

    def go_writes(self) -> Taken:
        """Let the Go client write as many secrets."""
        return self.built.write(self.place, COUNT, self.services.env)

    def makes(self) -> Taken:
        """Let keyrec make new keys; what their making took, less what hashing alone takes."""
        folder, env = self.services.new_folder(self.place, COUNT)
        output = folder / "made.json"
        argv = [sys.executable, "-m", "benchmarks.making"]
        command(argv, cwd=folder, env={**env, "PYTHONPATH": str(ROOT)}, output=output)
        found = json.loads(output.read_text())
        if found["made"] != COUNT:
            raise Failed(f"{found['made']} keys were made")
        return Taken(wall=found["wall"] - found["hashing"], cpu=found["cpu"])

    def writes(self) -> Taken:
        """Let keyrec's sink alone write as many secrets."""
        env = {**os.environ, **self.services.env, "PYTHONPATH": str(ROOT)}
        argv = [sys.executable, "-m", "benchmarks.sending", f"sent-{uuid4().hex[:8]}", str(COUNT)]
        output = self.place / "sent.json"
        command(argv, cwd=self.place, env=env, output=output)
        return Taken(**json.loads(output.read_text()))

    def rotates(self) -> Taken:
        """Rotate the keys that keyrec made last, every one by its manifest."""
        return self._changed(COUNT, lambda word: Shape(generation=1 + word))

    def updates(self) -> Taken:
        """Describe the keys that keyrec made last in other words."""
        return self._changed(MANY, lambda word: Shape(description=f"Measured {word}"))

    def floor_updates(self) -> Taken:
        """Change as many rows by the bare driver."""
        self.words += 1
        return self._floor(f"Measured {self.words}")

    def prepare_floor(self) -> None:
        """Copy the store's tables."""
        self._floor("prepare")

    def plans(self) -> Taken:
        """Plan what keyrec made last: nothing is to be done."""
        folder, env = self._made()
        return command([KEYREC, "plan", "--detailed-exitcode"], cwd=folder, env=env)

    def tofu_plans(self) -> Taken:
        """Let OpenTofu plan what it made last."""
        if self.tofu is None:
            raise Failed("OpenTofu has made nothing")
        return self.tofu.plan()

    def _changed(self, count: int, shape_of: Callable[[int], Shape]) -> Taken:
        self.words += 1
        folder, env = self._made()
        single_files(count, folder / KEYS, shape_of(self.words))
        return replace(command(APPLY, cwd=folder, env=env), work=count)

    def _floor(self, word: str) -> Taken:
        folder, env = self._made()
        line = next(x for x in (folder / "keyrec.yaml").read_text().splitlines() if "store" in x)
        url = make_url(line.partition('"')[2].partition('"')[0]).set(drivername="postgresql")
        text = url.render_as_string(hide_password=False)
        return command([sys.executable, FLOOR, text, word], cwd=folder, env=env)

    def _made(self) -> tuple[Path, dict[str, str]]:
        if self.keyrec is None:
            raise Failed("keyrec has made nothing")
        return self.keyrec


def age_creates(place: Path) -> Taken:
    """Let keyrec make new keys in age files and SQLite."""
    folder = place / f"age-{uuid4().hex[:8]}"
    single_files(COUNT, folder / KEYS)
    env = configured(folder)
    return replace(command(APPLY, cwd=folder, env=env), work=COUNT)
