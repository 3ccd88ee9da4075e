"""Stored keys, their history, the lock, checks and explanations."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.credentials.explain import Check, CheckName, Explanation
from reconciler.credentials.verdict import Allowed, DenialReason, Denied
from reconciler.model.audit import AuditNote
from reconciler.model.keys import Hold, KeyAddress, KeyRecord, KeyStatus, Rotation
from reconciler.model.lifetime import VersionState
from reconciler.planning.rotation import jitter
from reconciler.ports import CheckResult
from reconciler.render import keys
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
    assert row(record)[4].startswith(f"{due:%Y-%m-%d} (in ")


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


def explanation(verdict: Allowed | Denied, *, known: bool = True) -> Explanation:
    """Give an explanation of a key that is known, or of a text that is no key."""
    checks = (
        Check(name=CheckName.COPIED_VALUE, passed=known, message="form and checksum are right"),
        Check(name=CheckName.EXPIRATION, passed=False, message="it ended", advice="reissue it"),
        Check(name=CheckName.SCOPE, passed=None, message="not checked"),
    )
    return Explanation(
        verdict=verdict,
        checks=checks,
        version_id="version00003" if known else None,
        last_characters="x9Kf" if known else None,
        address=NAME if known else None,
    )


def test_an_explanation_looks_as_it_was_approved(golden: Golden):
    """The verdict, then every check with its advice."""
    denied = explanation(Denied(reason=DenialReason.KEY_EXPIRED))
    unknown = explanation(Denied(reason=DenialReason.MALFORMED), known=False)
    allowed = explanation(Allowed(record=key_record(), version=key_version()))
    golden("explain-denied.txt", keys.explanation_text(denied, PLAIN))
    golden("explain-denied.json", keys.explanation_json(denied))
    golden("explain-unknown.txt", keys.explanation_text(unknown, PLAIN))
    golden("explain-allowed.txt", keys.explanation_text(allowed, PLAIN))
    golden("explain-allowed.json", keys.explanation_json(allowed))
    assert json.loads(keys.explanation_json(unknown))["address"] is None
