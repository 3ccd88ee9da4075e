"""Stored form 3: from where and for what secrets were used, why they were refused, and since when
verifiers report.

Frozen, as every migration. A table of its own beside the last uses, and a column that may be null;
a downgrade forgets both, and nothing that a program of form 2 knew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the table and the column, and say that they are there.

    Of what was reported until now nobody knows the beginning: it counts from its last word.
    """
    op.create_table(
        "version_marks",
        sa.Column("version_id", sa.Text, primary_key=True),
        sa.Column("marks", sa.Text, nullable=False),
    )
    op.add_column("use_reporters", sa.Column("reported_since", INSTANT))
    op.execute("UPDATE use_reporters SET reported_since = reported_until")
    op.execute("UPDATE meta SET schema_version = 3")


def downgrade() -> None:
    """Take form 3 away."""
    op.drop_column("use_reporters", "reported_since")
    op.drop_table("version_marks")
    op.execute("UPDATE meta SET schema_version = 2")
