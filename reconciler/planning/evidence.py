"""Whether a replaced secret that waits for evidence may end: nobody uses it any more.

Its overlap has passed in any case. Then verifiers have to have seen the time since its last use,
for as long as an overlap: silence counts only where somebody listened.
"""

from __future__ import annotations

from datetime import datetime

from reconciler.model.keys import KeyRecord, KeyVersion
from reconciler.model.lifetime import Retirement


def may_end(
    version: KeyVersion, record: KeyRecord, *, now: datetime, uses_until: datetime | None
) -> bool:
    """Whether a retiring version without a deadline has come to its end.

    `uses_until`: up to when all uses are known. A key that expired, or whose manifest asks for
    evidence no more, needs none. Never before the overlap has passed.
    """
    quiet = quiet_from(version, record)
    if version.overlap_until is None or quiet is None or now < version.overlap_until:
        return False
    if record.is_expired(now) or record.fields.rotation.retire is Retirement.AFTER_OVERLAP:
        return True
    return uses_until is not None and uses_until >= quiet


def quiet_from(version: KeyVersion, record: KeyRecord) -> datetime | None:
    """Give the instant at which nobody will have used it for as long as an overlap, as far as is
    known; None where it does not wait for that.
    """
    overlap_until = version.overlap_until
    if overlap_until is None or version.last_used_at is None:
        return overlap_until
    return max(overlap_until, version.last_used_at + record.fields.rotation.overlap)
