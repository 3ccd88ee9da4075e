"""Up to when all uses of secrets are known, and which marks of them are kept."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.uses import (
    LONGEST_SUBJECT,
    MARKS_LAST,
    MOST_MARKS,
    SILENT_AFTER,
    UseKind,
    UseMark,
    covered_until,
    merged_marks,
)
from tests.fakes.system import START

SECOND = timedelta(seconds=1)
HOUR = START.replace(minute=0, second=0, microsecond=0)


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


def mark(
    minutes: int, subject: str = "203.0.113.7", *, kind: UseKind = UseKind.ORIGIN, times: int = 1
) -> UseMark:
    """Give a mark of so many minutes after a full hour."""
    at = HOUR + timedelta(minutes=minutes)
    return UseMark(version_id="v", kind=kind, subject=subject, last_at=at, times=times)


MARKS = st.lists(
    st.builds(
        mark,
        st.integers(0, 600),
        st.integers(0, 60).map(lambda n: f"192.0.2.{n}"),
        kind=st.sampled_from(UseKind),
        times=st.integers(1, 9),
    ),
    max_size=80,
)
NOW = HOUR + timedelta(hours=10)


@given(first=MARKS, second=MARKS)
def test_the_order_of_two_reports_does_not_matter(
    first: list[UseMark], second: list[UseMark]
) -> None:
    """What is kept, and when each was last seen, is the same."""

    def seen(*reports: list[UseMark]) -> list[tuple[str, datetime]]:
        known: tuple[UseMark, ...] = ()
        for report in reports:
            known = merged_marks((*known, *report), NOW)
        return [(m.subject, m.last_at) for m in known]

    assert seen(first, second) == seen(second, first) == seen([*first, *second])


@given(known=MARKS, told=MARKS)
def test_what_is_kept_is_bounded_and_never_earlier_than_known(
    known: list[UseMark], told: list[UseMark]
) -> None:
    """At most so many of a kind, newest first; the latest of all of them is never lost."""
    before = merged_marks(known, NOW)
    after = merged_marks((*before, *told), NOW)
    assert max(Counter(m.kind for m in after).values(), default=0) <= MOST_MARKS
    assert [m.last_at for m in after] == sorted((m.last_at for m in after), reverse=True)
    later = {(m.kind, m.subject): m.last_at for m in after}
    assert all(
        later[m.kind, m.subject] >= m.last_at for m in before if (m.kind, m.subject) in later
    )
    newest = max((m.last_at for m in (*known, *told)), default=None)
    assert max((m.last_at for m in after), default=None) == newest


@given(marks=MARKS)
def test_merging_again_changes_nothing(marks: list[UseMark]) -> None:
    """What is kept is kept as it is."""
    once = merged_marks(marks, NOW)
    assert merged_marks(once, NOW) == once


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        (mark(10, times=2), mark(59, times=3), mark(59, times=5)),
        (mark(59, times=2), mark(60, times=3), mark(60, times=3)),
        (mark(0, times=2), mark(180, times=3), mark(180, times=3)),
        (mark(7, times=2), mark(7, times=3), mark(7, times=5)),
    ],
)
def test_counts_of_one_hour_add_up(one: UseMark, other: UseMark, joined: UseMark) -> None:
    """Of two hours the later one counts, whichever came first."""
    assert one.joined(other) == other.joined(one) == joined


@pytest.mark.parametrize(
    ("subject", "kept"),
    [
        ("203.0.113.7", True),
        ("address-not-allowed 2001:db8::7", True),
        ("x" * LONGEST_SUBJECT, True),
        ("x" * (LONGEST_SUBJECT + 1), False),
        ("", False),
        ("a\x1b[2J", False),
        ("a\nb", False),
        ("\u202egnp", False),
    ],
)
def test_a_subject_is_one_short_line_that_can_be_shown(subject: str, *, kept: bool) -> None:
    """Anything else is left out."""
    assert len(merged_marks([mark(0, subject)], NOW)) == kept


def test_old_marks_are_left_out() -> None:
    """To the end of their time they are kept."""
    seen = mark(0)
    assert merged_marks([seen], seen.last_at + MARKS_LAST) == (seen,)
    assert merged_marks([seen], seen.last_at + MARKS_LAST + SECOND) == ()
