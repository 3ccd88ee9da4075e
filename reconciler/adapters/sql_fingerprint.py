"""The fingerprint of a store that is opened with SQLAlchemy; see `postgres_sums`."""

from __future__ import annotations

from sqlalchemy import Connection

from reconciler.adapters.postgres_sums import SUMS


def rows_fingerprint(connection: Connection) -> str | None:
    """Give the text for the store as one transaction sees it; None on SQLite."""
    if connection.dialect.name != "postgresql":
        return None
    return str(connection.exec_driver_sql(SUMS).scalar_one())
