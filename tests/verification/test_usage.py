"""Writing uses down: nobody waits while it is done, and none is lost or counted twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from reconciler.credentials.verdict import DenialReason
from reconciler.errors import StoreUnavailable
from reconciler.model.uses import UseKind, UseReport
from reconciler.verification.seen import Tally
from reconciler.verification.usage import UseRecorder
from tests.fakes.system import START

MINUTE = START.timestamp()


class Owner:
    """Counts by a tally for as long as it lives."""

    def __init__(self, version_id: str) -> None:
        """Make the tally."""
        self.tally = Tally(version_id, address="203.0.113.7", scope=None)

    def use(self, times: int = 1) -> None:
        """Count uses."""
        for _ in range(times):
            self.tally.last_at = MINUTE
            self.tally.count()


class Reports:
    """A store that only keeps reports, or refuses them."""

    def __init__(self) -> None:
        """Be in reach."""
        self.kept: list[UseReport] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.fault: BaseException | None = None

    def report_uses(self, report: UseReport) -> None:
        """Keep one."""
        self.meanwhile()
        if self.fault is not None:
            raise self.fault
        self.kept.append(report)

    def times(self, kind: UseKind = UseKind.ORIGIN) -> dict[str, int]:
        """Add up what was reported, by version."""
        found: dict[str, int] = {}
        for mark in (mark for report in self.kept for mark in report.marks):
            if mark.kind is kind:
                found[mark.version_id] = found.get(mark.version_id, 0) + mark.times
        return found


@pytest.fixture
def reports() -> Reports:
    """Give a store without reports."""
    return Reports()


@pytest.fixture
def uses(reports: Any) -> UseRecorder:
    """Give a recorder that reports when it is told to."""
    now: Callable[[], datetime] = lambda: START  # noqa: E731 - one value
    return UseRecorder(reports, reporter="test", now=now, on_trouble=lambda _: None)


def counted(uses: UseRecorder, version_id: str, times: int) -> Owner:
    """Give an owner whose tally was used."""
    owner = Owner(version_id)
    uses.counting(owner, owner.tally)
    owner.use(times)
    return owner


def test_nobody_waits_while_tallies_are_folded(uses, reports, monkeypatch):
    """Everything that a request does is done in the middle of it, and is told the next time."""
    owners = [counted(uses, version_id, 2) for version_id in ("one", "two")]
    take = Tally.take
    new: list[Owner] = []

    def in_the_middle(tally: Tally) -> int:
        times = take(tally)
        if not new:
            assert uses._lock.acquire(blocking=False)
            uses._lock.release()
            new.append(counted(uses, "three", 3))
            uses.allowed("one", START, address="203.0.113.7", scope=None)
            uses.denied("one", START, reason=DenialReason.KEY_HELD, address=None)
            owners[0].use()
        return times

    monkeypatch.setattr(Tally, "take", in_the_middle)
    assert uses.report()
    assert reports.times() == {"one": 2, "two": 2}
    assert uses.report()
    assert reports.times() == {"one": 4, "two": 2, "three": 3}
    assert reports.times(UseKind.DENIED) == {"one": 1}
    assert uses.report()
    assert not reports.kept[-1].marks


def test_who_goes_while_tallies_are_folded_is_counted_once(uses, reports, monkeypatch):
    """Also where others come at that time, and fold what ended."""
    owners = [counted(uses, version_id, 2) for version_id in ("one", "two", "three")]
    take = Tally.take
    new: list[Owner] = []

    def in_the_middle(tally: Tally) -> int:
        times = take(tally)
        if len(owners) > 1:
            owners[0].use()
            del owners[:2]
            new.extend(counted(uses, version_id, 1) for version_id in ("four", "five"))
        return times

    monkeypatch.setattr(Tally, "take", in_the_middle)
    for _ in range(3):
        assert uses.report()
    assert reports.times() == {"one": 3, "two": 2, "three": 2, "four": 1, "five": 1}
    assert len(uses._tallies) == 3


def test_what_ended_is_folded_by_and_by(uses, reports):
    """By whoever comes next; so there are never many, and no call does much."""
    for number in range(100):
        counted(uses, f"version-{number}", 2)
        assert len(uses._tallies) <= 2
    assert uses.report()
    assert (uses._tallies, len(uses._ended)) == ({}, 0)
    assert reports.times() == {f"version-{number}": 2 for number in range(100)}


@pytest.mark.parametrize("fault", [StoreUnavailable("for a test"), ZeroDivisionError()])
def test_what_cannot_be_told_goes_with_what_came_meanwhile(uses, reports, fault):
    """Uses, refusals and tallies alike; none of them twice."""
    owner = counted(uses, "one", 2)

    def meanwhile() -> None:
        owner.use()
        uses.allowed("one", START, address="203.0.113.7", scope=None)
        uses.allowed("two", START, address="203.0.113.7", scope=None)
        uses.denied("three", START, reason=DenialReason.KEY_HELD, address=None)

    reports.meanwhile, reports.fault = meanwhile, fault
    if isinstance(fault, StoreUnavailable):
        assert not uses.report()
    else:
        with pytest.raises(ZeroDivisionError):
            uses.report()
    reports.meanwhile, reports.fault = lambda: None, None
    assert uses.report()
    assert reports.times() == {"one": 4, "two": 1}
    assert reports.times(UseKind.DENIED) == {"three": 1}
    assert dict(reports.kept[0].uses) == {"one": START, "two": START}


def test_tallies_are_not_lost_where_folding_fails(uses, reports, monkeypatch):
    """What was not met yet is met the next time."""
    owners = [counted(uses, version_id, 2) for version_id in ("one", "two")]
    with monkeypatch.context() as patched:
        patched.setattr(Tally, "fold", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            uses.report()
    assert uses.report()
    assert len(uses._tallies) == len(owners)
    assert reports.times() == {"one": 2, "two": 2}


def test_nothing_is_reported_before_the_time_is_known(uses, reports, monkeypatch):
    """And nothing is lost by it."""
    counted(uses, "one", 2)
    with monkeypatch.context() as patched:
        patched.setattr(uses, "_now", lambda: None)
        assert not uses.report()
    assert uses.report()
    assert reports.times() == {"one": 2}
