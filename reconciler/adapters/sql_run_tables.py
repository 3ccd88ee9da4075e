"""The tables of runs: who may apply, and what became of transactions.

Compatibility: as `sql_tables`, whose metadata they belong to.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from reconciler.adapters.sql_tables import metadata
from reconciler.adapters.sql_types import Instant

leases = Table(
    "leases",
    metadata,
    Column("manager", Text, primary_key=True),
    # The row stays for ever, so the epoch only rises; nobody holds it where run_id is null.
    Column("epoch", BigInteger, nullable=False),
    Column("run_id", Text),
    Column("holder", Text),
    Column("acquired_at", Instant),
    Column("expires_at", Instant),
)

commits = Table(
    "commits",
    metadata,
    Column("commit_id", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("refusals", Text, nullable=False),
    Column("audit_sequence", BigInteger, nullable=False),
    Column("audit_head", Text, nullable=False),
)
