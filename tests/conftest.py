"""What all tests share: fixtures for real services, each in a module of its own; the seed of what is
drawn anew in every run, one for all its processes, told at its end; and no law that a busy machine
could break: no example has a deadline.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.services.postgres",
    "tests.services.vault_fixtures",
    "tests.leaks.witness",
]

SEED = "KEYREC_TEST_SEED"

settings.register_profile("house", settings(), deadline=None)
settings.load_profile("house")


LONG = ("e2e", "ci", "docs/test_how_to.py", "docs/test_tutorial.py")
"""What types pages and runs commands as processes: `make check` runs them, `make test LONG=1` too."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes minutes by where it stands."""
    here = Path(__file__).parent
    long = tuple(here / place for place in LONG)
    for item in items:
        if any(place in (item.path, *item.path.parents) for place in long):
            item.add_marker(pytest.mark.long)


def pytest_configure() -> None:
    """Draw the seed, unless it is given; processes that are started from here inherit it."""
    os.environ.setdefault(SEED, str(secrets.randbelow(2**32)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how this run's random examples are had again."""
    terminalreporter.write_line(f"drawn anew in every run, from {SEED}={os.environ[SEED]}")
