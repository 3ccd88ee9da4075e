"""Stored form 2: secrets that retire when unused, adopted sink paths, last uses.

Frozen, as every migration. Every column may be null, and null means what its absence meant: a
program of form 1 could read these tables, and after a downgrade it may write them again. What form
2 alone could say is lost by a downgrade: a secret that waited for evidence ends with its overlap.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the columns and tables, and say that they are there."""
    op.add_column("keys", sa.Column("retire", sa.Text))
    op.add_column("key_versions", sa.Column("overlap_until", INSTANT))
    op.add_column("sink_paths", sa.Column("adopted_version", sa.Integer))
    op.create_table(
        "version_uses",
        sa.Column("version_id", sa.Text, primary_key=True),
        sa.Column("last_used_at", INSTANT, nullable=False),
    )
    op.create_table(
        "use_reporters",
        sa.Column("reporter", sa.Text, primary_key=True),
        sa.Column("reported_until", INSTANT, nullable=False),
    )
    op.execute("UPDATE meta SET schema_version = 2")


def downgrade() -> None:
    """Give every waiting secret the deadline that it has earned, and take form 2 away."""
    op.execute(
        "UPDATE key_versions SET retire_at = overlap_until "
        "WHERE state = 'retiring' AND retire_at IS NULL AND overlap_until IS NOT NULL"
    )
    op.execute("DELETE FROM resources WHERE kind = 'waiver'")
    op.drop_table("use_reporters")
    op.drop_table("version_uses")
    op.drop_column("sink_paths", "adopted_version")
    op.drop_column("key_versions", "overlap_until")
    op.drop_column("keys", "retire")
    op.execute("UPDATE meta SET schema_version = 1")
