"""What the sink's anchor is made of and held against: one event's hash, and ended versions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, case, or_, select

from reconciler.adapters.sql_tables import audit, key_versions, keys
from reconciler.model.anchor import EndedFor, EndedVersion
from reconciler.model.keys import KeyStatus


def read_hash(connection: Connection, sequence: int) -> str | None:
    """Give the hash of one event; None where there is none of that number."""
    wanted = select(audit.c.hash).where(audit.c.sequence == sequence)
    return connection.execute(wanted).scalar_one_or_none()


def read_ended(connection: Connection, since: datetime) -> tuple[EndedVersion, ...]:
    """Give the versions that were ended for a leak or a removal since an instant, newest first.

    A removal also ends what the key had replaced by a reissue.
    """
    successor = keys.alias("successor")
    is_removed = or_(keys.c.status == KeyStatus.REMOVED, successor.c.status == KeyStatus.REMOVED)
    removed = case((is_removed, keys.c.key_id)).label("removed")
    wanted = (
        select(key_versions.c.version_id, key_versions.c.leaked, key_versions.c.retired_at, removed)
        .join(keys, keys.c.key_id == key_versions.c.key_id)
        .outerjoin(successor, successor.c.key_id == keys.c.superseded_by)
        .where(or_(key_versions.c.leaked, is_removed), key_versions.c.retired_at >= since)
        .order_by(key_versions.c.retired_at.desc(), key_versions.c.version_id.desc())
    )
    return tuple(
        EndedVersion(
            version_id=row.version_id,
            why=EndedFor.LEAK if row.leaked else EndedFor.REMOVAL,
            at=row.retired_at,
            removed_key=row.removed,
        )
        for row in connection.execute(wanted)
    )
