"""What a found key still opens, and how a scan ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reconciler.credentials.leaks import FoundVersion, Leak, Scan, Standing, Unread, found_version
from reconciler.credentials.scanning import sightings
from reconciler.errors import ExitCode
from reconciler.model.keys import Hold, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.source import SourceRef
from tests.credentials.examples import NOON as NOW
from tests.credentials.examples import stored
from tests.fakes.planted import key

DAY = timedelta(days=1)
HOLD = Hold(reason="x", by="local:a", since=NOW)


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({}, "accepted"),
        ({"version": {"state": VersionState.PROVISIONAL}}, "accepted"),
        ({"version": {"state": VersionState.RETIRING, "retire_at": NOW + DAY}}, "accepted"),
        ({"version": {"state": VersionState.RETIRING, "retire_at": NOW}}, "ended"),
        ({"version": {"state": VersionState.RETIRED}}, "ended"),
        ({"version": {"leaked": True}}, "ended"),
        ({"record": {"status": KeyStatus.REMOVED}}, "ended"),
        ({"record": {"hold": HOLD}}, "stopped"),
        ({"record": {"expires_at": NOW}}, "stopped"),
        ({"fields": {"active": False}}, "stopped"),
        ({"record": {"hold": HOLD}, "version": {"state": VersionState.RETIRED}}, "ended"),
        ({"record": {"status": KeyStatus.SUPERSEDED}}, "accepted"),
    ],
)
def test_a_found_version_still_opens_what_its_state_says(changes: Any, standing: str) -> None:
    """A stopped key's version would open again with the key: it has not ended."""
    key_row = stored(**changes)
    found = found_version(key_row.version.version_id, key_row, NOW)
    assert found == FoundVersion(
        version_id=key_row.version.version_id,
        standing=Standing(standing),
        address=key_row.record.address,
    )


def test_a_version_that_no_store_knows_is_said_to_be_unknown() -> None:
    """Another installation's, or made up: anybody can compute a checksum."""
    assert found_version("0123456789ab", None, NOW).standing is Standing.UNKNOWN


def test_a_scan_ends_with_what_matters_most() -> None:
    """A found key before a file that could not be read, that before nothing."""
    (seen,) = sightings([key().encode()])
    leak = Leak(where=SourceRef(file="a", line=1, column=1), token=seen.token)
    unread = Unread(file="b", reason="x")
    assert Scan(leaks=(leak, leak), unread=(unread,)).exit_code is ExitCode.CHANGES
    assert Scan(unread=(unread,)).exit_code is ExitCode.ERROR
    assert Scan(files=3).exit_code is ExitCode.DONE
    assert Scan(leaks=(leak, leak)).version_ids == ("0123456789ab",)
