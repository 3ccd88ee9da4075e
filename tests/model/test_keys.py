"""Keys, their versions, and the fingerprint by which a change of a key is seen."""

import dataclasses
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from reconciler.model.canonical import canonical_bytes
from reconciler.model.keys import (
    KeyAddress,
    KeyFields,
    KeyRecord,
    KeyStatus,
    KeyVersion,
    RemovalReason,
    Rotation,
    fields_document,
    fields_fingerprint,
)
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.scopes import ScopeGrant

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)

FIELDS = KeyFields(
    environment="prod",
    sink_path="payments/prod/billing-sync",
    scopes=(
        ScopeGrant(resource="Reviews", level="read"),
        ScopeGrant(resource="Webhooks", level="change"),
    ),
    allowlist=("203.0.113.0/24", "network:ci-runners"),
    ranges=("198.51.100.0/24", "203.0.113.0/24"),
    expiration=Expiration.QUARTER,
    active=True,
    protected=False,
    rotation=Rotation(generation=3, every=timedelta(days=30), overlap=timedelta(hours=24)),
    reissue=2,
    owner="team-payments",
    description="Pulls invoices",
    labels=(("system", "billing-sync"),),
)

CHANGES: dict[str, dict[str, Any]] = {
    "environment": {"environment": "test"},
    "sink_path": {"sink_path": "payments/prod/other"},
    "scopes": {"scopes": (ScopeGrant(resource="Reviews", level="operate"),)},
    "no scopes": {"scopes": ()},
    "allowlist": {"allowlist": ("203.0.113.0/24",)},
    "no allowlist": {"allowlist": None},
    "empty allowlist": {"allowlist": ()},
    "ranges": {"ranges": ("203.0.113.0/25",)},
    "no ranges": {"ranges": None},
    "empty ranges": {"ranges": ()},
    "expiration": {"expiration": Expiration.NONE},
    "active": {"active": False},
    "protected": {"protected": True},
    "generation": {"rotation": Rotation(generation=4, every=timedelta(days=30))},
    "every": {"rotation": Rotation(generation=3, every=timedelta(days=31))},
    "no schedule": {"rotation": Rotation(generation=3)},
    "overlap": {
        "rotation": Rotation(generation=3, every=timedelta(days=30), overlap=timedelta(hours=25))
    },
    "reissue": {"reissue": 3},
    "owner": {"owner": "team-other"},
    "no owner": {"owner": None},
    "description": {"description": "Pulls orders"},
    "no description": {"description": None},
    "labels": {"labels": (("system", "orders"),)},
    "no labels": {"labels": ()},
}


def version(state: VersionState, characters: str, **more) -> KeyVersion:
    """Give a version in a state."""
    return KeyVersion(
        version_id=f"id-{characters}",
        state=state,
        sink_id="age",
        sink_path="payments/prod/billing-sync",
        sink_version=1,
        custody="",
        last_characters=characters,
        created_at=NOON,
        **more,
    )


def record(*versions: KeyVersion, expires_at: datetime | None = None) -> KeyRecord:
    """Give a live record."""
    return KeyRecord(
        key_id="key-1",
        address=KeyAddress(workspace="payments", name="billing-sync"),
        manager="platform",
        status=KeyStatus.LIVE,
        fields=FIELDS,
        record_version=1,
        created_at=NOON,
        expires_at=expires_at,
        versions=versions,
    )


def test_the_bytes_of_a_full_key_are_pinned():
    """Stored fingerprints depend on every byte of it."""
    assert canonical_bytes(fields_document(FIELDS)) == (
        b'{"active":true,"allowlist":["203.0.113.0/24","network:ci-runners"],'
        b'"description":"Pulls invoices","environment":"prod","every":"30d","expiration":"90d",'
        b'"generation":3,"labels":{"system":"billing-sync"},"overlap":"1d",'
        b'"owner":"team-payments","protected":false,'
        b'"ranges":["198.51.100.0/24","203.0.113.0/24"],"reissue":2,'
        b'"scopes":{"Reviews":"read","Webhooks":"change"},'
        b'"sinkPath":"payments/prod/billing-sync"}'
    )
    assert (
        fields_fingerprint(FIELDS)
        == "bfb5415aa6bd754698c3d7be1c1aae2d87e67256d74fc6e5901fdeeda5ac916a"
    )


def test_the_fingerprint_of_a_minimal_key_is_pinned():
    """Defaults count as they stand."""
    fields = KeyFields(environment="prod", sink_path="a/b")

    assert canonical_bytes(fields_document(fields)) == (
        b'{"active":true,"allowlist":null,"description":null,"environment":"prod","every":null,'
        b'"expiration":"none","generation":1,"labels":{},"overlap":"1d","owner":null,'
        b'"protected":false,"ranges":null,"reissue":1,"scopes":{},"sinkPath":"a/b"}'
    )
    assert (
        fields_fingerprint(fields)
        == "1bdeb02d81410b2dafb97610db32ff887d02f832f1c83c322931f66c1db807bf"
    )


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_changing_any_field_changes_the_fingerprint(change):
    """No change of a key goes unnoticed, also none between absent and empty."""
    assert fields_fingerprint(dataclasses.replace(FIELDS, **change)) != fields_fingerprint(FIELDS)


def test_every_field_of_a_key_has_a_change_in_the_table():
    """A new field cannot be forgotten in the fingerprint: this table names them all."""
    changed = {name for change in CHANGES.values() for name in change}

    assert changed == {field.name for field in dataclasses.fields(KeyFields)}
    assert len(
        {fields_fingerprint(dataclasses.replace(FIELDS, **c)) for c in CHANGES.values()}
    ) == (len(CHANGES))


def test_an_address_is_workspace_and_name():
    """It is shown with a slash and sorts by workspace first."""
    first, second = KeyAddress(workspace="a", name="z"), KeyAddress(workspace="b", name="a")

    assert str(first) == "a/z"
    assert sorted([second, first]) == [first, second]


@pytest.mark.parametrize(
    ("expires_at", "now", "is_expired"),
    [
        (None, NOON, False),
        (NOON, NOON - timedelta(microseconds=1), False),
        (NOON, NOON, True),
        (NOON, NOON + timedelta(days=1), True),
    ],
)
def test_a_key_is_expired_from_the_instant_of_its_expiry(expires_at, now, is_expired):
    """The instant itself belongs to the time after."""
    assert record(expires_at=expires_at).is_expired(now) is is_expired


def test_the_current_version_is_the_one_in_that_state():
    """There is at most one; without one there is none."""
    current = version(VersionState.CURRENT, "bbbb")
    retiring = version(VersionState.RETIRING, "aaaa")

    assert record(retiring, current).current == current
    assert record(retiring).current is None


PROVISIONAL, CURRENT = VersionState.PROVISIONAL, VersionState.CURRENT
RETIRING, RETIRED = VersionState.RETIRING, VersionState.RETIRED


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ((), None),
        ((RETIRED,), "0000"),
        ((RETIRED, RETIRED), "1111"),
        ((PROVISIONAL,), "0000"),
        ((RETIRED, RETIRING, RETIRED), "1111"),
        ((RETIRING, CURRENT), "1111"),
        ((CURRENT, PROVISIONAL), "0000"),
        ((RETIRING, CURRENT, PROVISIONAL), "1111"),
    ],
)
def test_last_characters_are_those_of_the_secret_to_be_used(states, shown):
    """The current version's; else the newest that is not retired; else the newest."""
    versions = [version(state, f"{number}" * 4) for number, state in enumerate(states)]

    assert record(*versions).last_characters == shown


def test_a_version_is_accepted_as_its_state_and_deadline_say():
    """The version passes its own deadline on."""
    retiring = version(VersionState.RETIRING, "aaaa", retire_at=NOON)

    assert retiring.is_accepted(NOON - timedelta(seconds=1))
    assert not retiring.is_accepted(NOON)


def test_the_reasons_for_removal_are_the_pages_four_and_pruning():
    """The page lists four; a disappeared manifest is the fifth."""
    assert [r.value for r in RemovalReason] == [
        "integration-removed",
        "system-retired",
        "created-by-mistake",
        "policy",
        "undeclared",
    ]
