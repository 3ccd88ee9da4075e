"""What all tests share: fixtures for real services, each in a module of its own; the seed of what is
drawn anew in every run, one for all its processes, told at its end; and no law that a busy machine
could break: no example has a deadline.
"""

from __future__ import annotations

import os
import secrets

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


def pytest_configure() -> None:
    """Draw the seed, unless it is given; processes that are started from here inherit it."""
    os.environ.setdefault(SEED, str(secrets.randbelow(2**32)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how this run's random examples are had again."""
    terminalreporter.write_line(f"drawn anew in every run, from {SEED}={os.environ[SEED]}")
