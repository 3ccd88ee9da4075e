"""Up to when all uses of secrets are known."""

from __future__ import annotations

from datetime import timedelta

from reconciler.model.uses import SILENT_AFTER, covered_until
from tests.fakes.system import START

SECOND = timedelta(seconds=1)


def test_without_a_report_nothing_is_known() -> None:
    """Silence is no evidence."""
    assert covered_until([]) is None


def test_the_slowest_reporter_decides() -> None:
    """What it has seen since is not told yet."""
    assert covered_until([START + SECOND, START]) == START


def test_a_reporter_is_gone_after_a_day_of_silence() -> None:
    """One that was stopped for good does not keep secrets alive for ever."""
    assert covered_until([START, START + SILENT_AFTER]) == START
    newest = START + SILENT_AFTER + SECOND
    assert covered_until([START, newest]) == newest
