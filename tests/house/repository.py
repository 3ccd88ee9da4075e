"""What the repository holds, for the tests that hold it to its own rules."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def committed_files(*patterns: str) -> list[Path]:
    """Give every file that git tracks and that still stands, sorted."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listing.split("\0") if name)
    return sorted(path for path in paths if path.is_file())


def committed_texts(*patterns: str) -> Iterator[tuple[str, str]]:
    """Give (path, text) of every tracked file that is UTF-8 text."""
    for path in committed_files(*patterns):
        try:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def package_modules() -> list[Path]:
    """Give every module of the package, tracked or not yet."""
    return sorted((ROOT / "reconciler").rglob("*.py"))
