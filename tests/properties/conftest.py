"""Tells the seed of the examples that are other ones in every run."""

from __future__ import annotations

import pytest

from tests.properties.profiles import SEED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how this run's random examples are had again."""
    terminalreporter.write_line(f"laws: KEYREC_TEST_SEED={SEED}")
