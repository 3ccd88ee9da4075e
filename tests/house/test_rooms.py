"""Rooms: the import contracts cover every one of them, and hold."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.house.repository import ROOT

PACKAGE = ROOT / "reconciler"


def contracts() -> list[dict[str, Any]]:
    """Give the import contracts of pyproject.toml."""
    with (ROOT / "pyproject.toml").open("rb") as stream:
        return list(tomllib.load(stream)["tool"]["importlinter"]["contracts"])


def rooms() -> set[str]:
    """Give the rooms: folders and modules right under the package."""
    entries = (path for path in PACKAGE.iterdir() if not path.name.startswith("__init__"))
    return {path.stem for path in entries if path.suffix == ".py" or is_room(path)}


def is_room(path: Path) -> bool:
    """Whether a folder holds a package."""
    return (path / "__init__.py").is_file()


def test_every_room_has_its_layer() -> None:
    """A new room is declared before it is used."""
    (layers,) = (contract for contract in contracts() if contract["type"] == "layers")
    declared = {room.strip().strip("()") for layer in layers["layers"] for room in layer.split("|")}
    assert rooms() - declared == set()
    assert layers["exhaustive"] is True


def test_rooms_have_one_level_of_folders() -> None:
    """One room, one folder; a module stands in a room or beside the rooms."""
    nested = [path for path in PACKAGE.rglob("*.py") if len(path.relative_to(PACKAGE).parts) > 2]
    assert [str(path.relative_to(ROOT)) for path in nested if "migrations" not in path.parts] == []


def test_the_pure_rooms_may_import_nothing_that_reaches_outside() -> None:
    """The core's contract names every pure room."""
    (pure,) = (each for each in contracts() if each["name"].startswith("The core does no I/O"))
    wanted = {
        f"reconciler.{room}" for room in ("model", "manifest", "planning", "review", "errors")
    }
    assert wanted - set(pure["source_modules"]) == set()


def test_imports_point_one_way() -> None:
    """All import contracts are kept."""
    linter = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout
