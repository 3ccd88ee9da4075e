"""Stored keys, their history, the lock and checks."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from reconciler.model.audit import AuditNote
from reconciler.model.canonical import instant
from reconciler.model.keys import (
    Hold,
    KeyAddress,
    KeyRecord,
    KeyStatus,
    KeyVersion,
    Rotation,
)
from reconciler.model.lifetime import Retirement, VersionState
from reconciler.model.uses import UseKind, UseMark
from reconciler.planning.rotation import jitter
from reconciler.ports import CheckResult
from reconciler.render import keys
from reconciler.render.concerns import Concern
from reconciler.render.key_uses import Seen
from reconciler.render.style import PLAIN, Style
from tests.render.conftest import Golden
from tests.render.samples import (
    FIELDS,
    NAME,
    NOW,
    event,
    key_record,
    key_version,
    lease,
    maintained,
)


def mark(version_id: str, kind: UseKind, subject: str, *, hours: int) -> UseMark:
    """Give what was seen of a version so many hours ago."""
    at = NOW - timedelta(hours=hours)
    return UseMark(version_id=version_id, kind=kind, subject=subject, last_at=at, times=hours + 1)


SEEN = Seen(
    until=NOW,
    since=NOW - timedelta(days=40),
    marks={
        "version00003": (mark("version00003", UseKind.DENIED, "key-inactive", hours=30),),
        "version00004": (
            *(mark("version00004", UseKind.ORIGIN, f"192.0.2.{n}", hours=n) for n in range(8)),
            mark("version00004", UseKind.SCOPE, "Webhooks:read", hours=0),
            mark("version00004", UseKind.DENIED, "address-not-allowed 198.51.100.9", hours=5),
        ),
    },
)
MONTHLY = replace(FIELDS, rotation=Rotation(every=timedelta(days=30)))
HOLD = Hold(reason="seen in a log", by="local:alice", since=NOW)


def named(name: str, record: KeyRecord) -> KeyRecord:
    """Give the record under another name."""
    return replace(record, address=KeyAddress(workspace="payments", name=name))


def records() -> dict[str, KeyRecord]:
    """Give a key in every state."""
    inactive = replace(MONTHLY, active=False)
    found = {
        "active": key_record(MONTHLY),
        "due": key_record(MONTHLY, rotated_at=NOW - timedelta(days=40)),
        "never-expires": key_record(expires_at=None, rotated_at=None, versions=()),
        "inactive": key_record(inactive),
        "held": key_record(inactive, hold=HOLD),
        "expired": key_record(MONTHLY, expires_at=NOW - timedelta(hours=3)),
        "superseded": key_record(status=KeyStatus.SUPERSEDED, superseded_by="key-2"),
        "removed": key_record(status=KeyStatus.REMOVED, hold=HOLD),
        "rotating": maintained()[0],
    }
    return {name: named(name, record) for name, record in found.items()}


def row(record: KeyRecord) -> list[str]:
    """Give the cells of one key's row."""
    line = keys.status_text([record], NOW, PLAIN).splitlines()[1]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_keys_of_all_states_look_as_they_were_approved(golden: Golden):
    """One row each, in the order given."""
    golden("status.txt", keys.status_text(list(records().values()), NOW, PLAIN))
    golden("status.json", keys.status_json(list(records().values()), NOW))


@pytest.mark.parametrize("name", records())
def test_one_key_looks_as_it_was_approved(name: str, golden: Golden):
    """Everything but its secret."""
    golden(f"key-{name}.txt", keys.key_text(records()[name], NOW, PLAIN))


def test_a_leaked_and_a_destroyed_version_say_so(golden: Golden):
    """What became of each secret stands beside it."""
    leaked = key_version(
        1, state=VersionState.RETIRED, leaked=True, retired_at=NOW, copy_destroyed_at=NOW
    )
    fields = replace(
        FIELDS, allowlist=("network:ci",), ranges=("198.51.100.0/24",), description="Says: ours"
    )
    record = key_record(fields, manager=None, versions=(leaked, key_version()))
    golden("key-leaked.txt", keys.key_text(record, NOW, PLAIN))
    golden("key-leaked.json", keys.key_json(record, NOW))


def test_no_keys_are_said():
    """An empty table is an answer."""
    assert keys.status_text([], NOW, PLAIN) == "No keys.\n"


@pytest.mark.parametrize("name", ["active", "inactive", "held", "expired", "superseded", "removed"])
def test_the_strongest_state_is_the_one_that_is_named(name: str):
    """Held says more than inactive, removed more than held."""
    assert row(records()[name])[1] == name


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(days=12, hours=3), "in 12 d"),
        (timedelta(days=2), "in 2 d"),
        (timedelta(hours=47), "in 47 h"),
        (timedelta(minutes=119), "in 119 min"),
        (timedelta(0), "0 min ago"),
        (timedelta(minutes=-5), "5 min ago"),
        (timedelta(days=-30), "30 d ago"),
    ],
)
def test_an_expiry_is_a_date_and_a_distance(span: timedelta, shown: str):
    """The nearer it is, the finer the unit."""
    assert row(key_record(expires_at=NOW + span))[3].endswith(f"({shown})")


def test_the_next_rotation_is_the_planners():
    """The table shows when apply would act, jitter and all."""
    record = key_record(MONTHLY, rotated_at=NOW)
    every = timedelta(days=30)
    due = NOW + every - jitter(record.key_id, every)
    assert row(record)[4] == f"in {(due - NOW).days} d"
    assert f"next rotation   {due:%Y-%m-%d} (in " in keys.key_text(record, NOW, PLAIN)


def used(ago: timedelta | None, **changes: Any) -> KeyVersion:
    """Give a version that was last used so long ago."""
    return replace(key_version(), last_used_at=None if ago is None else NOW - ago, **changes)


@pytest.mark.parametrize(
    ("ago", "until", "shown"),
    [
        (timedelta(minutes=3), NOW, "3 min ago"),
        (timedelta(days=40), NOW, "40 d ago"),
        (None, NOW, "never"),
        (None, None, "unknown"),
    ],
)
def test_the_last_use_is_a_distance_or_says_that_nobody_knows(
    ago: timedelta | None, until: datetime | None, shown: str
):
    """Never is only said where somebody listens."""
    record = key_record(versions=(used(ago),))
    text = keys.status_text([record], NOW, PLAIN, seen=Seen(until=until))
    assert shown in text.splitlines()[1]


def test_the_last_use_of_a_key_is_the_latest_of_its_versions():
    """Also where it is the replaced one that is still used."""
    old = used(timedelta(minutes=5), state=VersionState.RETIRING, version_id="version00002")
    record = key_record(versions=(old, used(timedelta(days=3))))
    shown = json.loads(keys.status_json([record], NOW))["keys"][0]
    assert shown["last_used_at"] == instant(NOW - timedelta(minutes=5))
    assert "5 min ago" in keys.status_text([record], NOW, PLAIN)


def test_a_table_of_ordinary_keys_fits_a_hundred_columns():
    """Name, state, last characters, expiry, rotation, last use and versions."""
    record = replace(key_record(MONTHLY), versions=(used(timedelta(minutes=119)),))
    text = keys.status_text([record, records()["held"]], NOW, PLAIN, seen=Seen(until=NOW))
    assert max(len(line) for line in text.splitlines()) <= 100


PATIENT = replace(
    FIELDS, rotation=Rotation(overlap=timedelta(days=1), retire=Retirement.WHEN_UNUSED)
)
HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    ("overlap", "ago", "reported", "word", "said", "short"),
    [
        (2 * HOURS, None, HOURS, "overlap", "for its overlap, then until nobody", ""),
        (-HOURS, 3 * HOURS, HOURS, "use", "until nobody has used it for 1d", "still used"),
        (-HOURS, None, 2 * HOURS, "reports", "they reported up to 2026-11-23 12:50", "no reports"),
        (-HOURS, None, None, "reports", "none has ever reported", "no reports"),
        (-HOURS, 26 * HOURS, 2 * HOURS, "reports", "2026-11-23 13:50 UTC is needed", "no reports"),
        (-HOURS, 26 * HOURS, HOURS, "apply", "for the next apply, which ends it", "unused"),
    ],
)
def test_a_replaced_secret_says_what_it_waits_for(
    overlap: timedelta,
    ago: timedelta | None,
    reported: timedelta | None,
    word: str,
    said: str,
    short: str,
):
    """Its overlap, its users, the verifiers, or the next run: each is mended in another way."""
    waiting = used(ago, state=VersionState.RETIRING, overlap_until=NOW + overlap)
    record = key_record(PATIENT, versions=(waiting, key_version(4)))
    seen = Seen(until=None if reported is None else NOW - reported)
    (line,) = [
        text
        for text in keys.key_text(record, NOW, PLAIN, seen=seen).splitlines()
        if text.startswith("    waits   ")
    ]
    assert said in line
    shown = json.loads(keys.key_json(record, NOW, seen=seen))["key"]["versions"]
    assert [version["waits_for"] for version in shown] == [word, None]
    cells = row_with(record, seen)[-1]
    assert cells == (f"1 current, 1 retiring ({short})" if short else "1 current, 1 retiring")


def row_with(record: KeyRecord, seen: Seen) -> list[str]:
    """Give the cells of one key's row beside what verifiers reported."""
    line = keys.status_text([record], NOW, PLAIN, seen=seen).splitlines()[1]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_a_key_that_is_used_looks_as_it_was_approved(golden: Golden):
    """From where, for what, and what was refused: the newest few of each."""
    old = used(26 * HOURS, state=VersionState.RETIRING, overlap_until=NOW - HOURS)
    record = key_record(PATIENT, versions=(old, replace(key_version(4), last_used_at=NOW)))
    golden("key-used.txt", keys.key_text(record, NOW, PLAIN, seen=SEEN))
    golden("key-used.json", keys.key_json(record, NOW, seen=SEEN))
    text = keys.key_text(record, NOW, PLAIN, seen=SEEN)
    assert "192.0.2.4 " in text
    assert "192.0.2.5 " not in text


def test_what_is_found_says_once_how_it_is_mended(golden: Golden):
    """An alert can be pasted into a ticket."""
    shown = list(records().values())[:3]
    found = {
        shown[0].address: (Concern.EXPIRING,),
        shown[1].address: (Concern.EXPIRED, Concern.ROTATION_DUE),
        shown[2].address: (Concern.EXPIRING,),
    }
    golden("status-concerns.txt", keys.status_text(shown, NOW, PLAIN, concerns=found))
    documents = json.loads(keys.status_json(shown, NOW, concerns=found))["keys"]
    assert [[c["about"] for c in d["concerns"]] for d in documents] == [
        ["expiring"],
        ["expired", "rotation-due"],
        ["expiring"],
    ]
    assert documents[0]["expires_in_seconds"] == timedelta(days=70).total_seconds()
    assert documents[0]["owner"] == "team-payments"


def test_seconds_to_an_end_that_has_passed_are_negative():
    """Whoever sorts by them has the worst first."""
    documents = json.loads(keys.status_json([records()["expired"]], NOW))["keys"]
    assert documents[0]["expires_in_seconds"] == -3 * 3600


def test_colour_leaves_the_columns_where_they_are():
    """Widths are those of the text."""
    painted = keys.status_text(list(records().values()), NOW, Style(color=True))
    plain = keys.status_text(list(records().values()), NOW, PLAIN)
    for code in ("1", "2", "31", "32", "33"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted.replace("\x1b[0m", "") == plain


def test_history_looks_as_it_was_approved(golden: Golden):
    """Oldest first, each with what is known of its cause."""
    bare = event(
        revision=None, note=AuditNote(event="key-held", address=str(NAME), reason=""), sequence=13
    )
    golden("history.txt", keys.history_text([event(), bare], PLAIN))
    golden("history.json", keys.history_json([event(), bare]))
    assert keys.history_text([], PLAIN) == "No events.\n"


def test_a_damaged_event_is_shown_as_one():
    """The history goes on around it; nothing of the damaged row is taken for a fact."""
    text = keys.history_text([event(), event(sequence=7, is_damaged=True)], PLAIN)
    assert "#7  damaged  payments/billing-sync-prod" in text
    assert "keyrec audit verify" in text
    shown = json.loads(keys.history_json([event(sequence=7, is_damaged=True)]))["events"]
    assert shown == [{"sequence": 7, "address": "payments/billing-sync-prod", "damaged": True}]


def test_the_lock_looks_as_it_was_approved(golden: Golden):
    """Held, left behind, and free."""
    golden("lock-held.txt", keys.lock_text(lease(), NOW, PLAIN))
    golden("lock-left.txt", keys.lock_text(lease(), NOW + timedelta(hours=5), PLAIN))
    assert keys.lock_text(None, NOW, PLAIN) == "Free. No run holds the lock.\n"
    assert json.loads(keys.lock_json(lease(), NOW))["held"] is True
    assert json.loads(keys.lock_json(lease(), NOW + timedelta(hours=5)))["held"] is False
    assert json.loads(keys.lock_json(None, NOW)) == {
        "format_version": "1.1",
        "held": False,
        "lease": None,
    }


CHECKS = (
    CheckResult(name="store", passed=True, message="the tables are of this version"),
    CheckResult(
        name="delete_version_after",
        passed=False,
        message="the mount forgets secrets after 30d",
        advice="set it to 0",
    ),
)


def test_a_preflight_looks_as_it_was_approved(golden: Golden):
    """What failed says what to do, and how many did."""
    golden("checks.txt", keys.checks_text(CHECKS, PLAIN))
    golden("checks.json", keys.checks_json(CHECKS))
    assert keys.checks_text(CHECKS[:1], PLAIN).endswith("1 check passed.\n")
    assert keys.checks_text([], PLAIN) == "0 checks passed.\n"
