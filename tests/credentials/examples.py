"""Keys to be presented in the tests of this room."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone
from typing import Any

from reconciler.model.keys import KeyAddress, KeyFields, KeyRecord, KeyStatus, KeyVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret
from reconciler.model.token import ParsedToken, compose, parse
from reconciler.ports import StoredVersion

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
VERSION_ID = "3Xjy43zv3DDA"
API_KEY = compose(prefix="krk", environment="prod", version_id=VERSION_ID, secret="S" * 43)
"""The text of the key that is presented; written for these tests."""


def parsed(api_key: Secret = API_KEY) -> ParsedToken:
    """Read a key that is known to be well-formed."""
    token = parse(api_key.reveal())
    assert isinstance(token, ParsedToken)
    return token


VERSION = KeyVersion(
    version_id=VERSION_ID,
    state=VersionState.CURRENT,
    sink_id="age",
    sink_path="payments/prod/billing-sync",
    sink_version=1,
    custody="",
    last_characters=parsed().last_characters,
    created_at=NOON - 24 * HOUR,
)
FIELDS = KeyFields(
    environment="prod",
    sink_path="payments/prod/billing-sync",
    scopes=(
        ScopeGrant(resource="Reviews", level="read"),
        ScopeGrant(resource="Webhooks", level="change"),
    ),
)
RECORD = KeyRecord(
    key_id="00000000-0000-4000-8000-000000000001",
    address=KeyAddress(workspace="payments", name="billing-sync"),
    manager="platform",
    status=KeyStatus.LIVE,
    fields=FIELDS,
    record_version=1,
    created_at=NOON - 24 * HOUR,
    expires_at=None,
    versions=(VERSION,),
)


def stored(
    *,
    record: dict[str, Any] | None = None,
    fields: dict[str, Any] | None = None,
    version: dict[str, Any] | None = None,
    secret_hash: str = "not asked for",
) -> StoredVersion:
    """Give a usable key with some things changed."""
    changed = dataclasses.replace(VERSION, **(version or {}))
    return StoredVersion(
        record=dataclasses.replace(
            RECORD,
            **{
                "fields": dataclasses.replace(FIELDS, **(fields or {})),
                "versions": (changed,),
                **(record or {}),
            },
        ),
        version=changed,
        secret_hash=secret_hash,
    )
