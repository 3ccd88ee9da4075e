"""Committed files speak of the project alone: no machine, no registry, no secret."""

from __future__ import annotations

import re

from tests.house.repository import committed_texts

# Put together here so that this file does not name what it looks for.
MACHINE_PATHS = tuple(f"/{folder}/" for folder in ("work", "root", "opt/wheels"))
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("registry", "npmjs", "org"),
        ("crates", "io"),
    )
)
AGE_IDENTITY = re.compile("AGE-SECRET-" + r"KEY-1[02-9AC-HJ-NP-Z]{20,}")


def found(*needles: str) -> list[str]:
    """Give file:line of every place where one of the texts stands."""
    return [
        f"{path}:{number}"
        for path, text in committed_texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if any(needle in line for needle in needles)
    ]


def test_no_committed_file_names_a_path_of_one_machine() -> None:
    """The repository works wherever it is cloned."""
    assert found(*MACHINE_PATHS) == []


def test_no_committed_file_names_a_registry_host() -> None:
    """Which registry serves the packages is the machine's setting."""
    assert found(*REGISTRY_HOSTS) == []


def test_no_committed_file_holds_an_age_identity() -> None:
    """Identities for tests and examples are made when they run."""
    assert [path for path, text in committed_texts() if AGE_IDENTITY.search(text)] == []
