"""The first tables: stored form 1.

Frozen: names and types are written out here and import nothing of the program, so that this step
stays what it was whatever `sql_tables` becomes.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
GENESIS = "0" * 64


def upgrade() -> None:
    """Make all tables, and the one row that names the store."""
    _make_meta()
    _make_keys()
    _make_versions()
    _make_operations()
    _make_paths_and_resources()
    _make_leases_and_commits()
    _make_audit()
    _name_store()


def _make_meta() -> None:
    op.create_table(
        "meta",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("store_id", sa.Text, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("audit_sequence", sa.BigInteger, nullable=False),
        sa.Column("audit_head", sa.Text, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_meta_one_row"),
    )


def _make_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("workspace", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("manager", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("sink_path", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("allowlist", sa.Text),
        sa.Column("ranges", sa.Text),
        sa.Column("expiration", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("protected", sa.Boolean, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("every", sa.BigInteger),
        sa.Column("overlap", sa.BigInteger, nullable=False),
        sa.Column("reissue", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("record_version", sa.Integer, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("hold_reason", sa.Text),
        sa.Column("hold_by", sa.Text),
        sa.Column("hold_since", INSTANT),
        sa.Column("superseded_by", sa.Text),
        sa.Column("rotated_at", INSTANT),
        sa.Column("removal_reason", sa.Text),
        sa.Column("removed_at", INSTANT),
        sa.Column("audit_sequence", sa.BigInteger, nullable=False),
    )
    _make_partial_index(
        "ux_keys_live_address", "keys", ["workspace", "name"], "status = 'live'", unique=True
    )
    op.create_index("ix_keys_name", "keys", ["name"])
    op.create_index("ix_keys_superseded_by", "keys", ["superseded_by"])


def _make_versions() -> None:
    op.create_table(
        "key_versions",
        sa.Column("version_id", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("operation_id", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("sink_id", sa.Text, nullable=False),
        sa.Column("sink_path", sa.Text, nullable=False),
        sa.Column("sink_version", sa.Integer),
        sa.Column("custody", sa.Text, nullable=False),
        sa.Column("last_characters", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("retire_at", INSTANT),
        sa.Column("retired_at", INSTANT),
        sa.Column("leaked", sa.Boolean, nullable=False),
        sa.Column("copy_destroyed_at", INSTANT),
        sa.Column("audit_sequence", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["keys.key_id"], name="fk_key_versions_key_id"),
    )
    op.create_index("ix_key_versions_key", "key_versions", ["key_id", "audit_sequence"])
    _make_partial_index(
        "ix_key_versions_left",
        "key_versions",
        ["key_id"],
        "state != 'retired' OR sink_version IS NOT NULL AND copy_destroyed_at IS NULL",
    )


def _make_operations() -> None:
    op.create_table(
        "operations",
        sa.Column("operation_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("sink_id", sa.Text, nullable=False),
        sa.Column("sink_path", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("overlap", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("supersedes", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("attempt_count", sa.Integer, nullable=False),
        sa.Column("audit_sequence", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["keys.key_id"], name="fk_operations_key_id"),
    )
    _make_partial_index(
        "ux_operations_open_path",
        "operations",
        ["sink_id", "sink_path"],
        "state = 'open'",
        unique=True,
    )
    _make_partial_index("ix_operations_open_key", "operations", ["key_id"], "state = 'open'")
    op.create_table(
        "attempts",
        sa.Column("operation_id", sa.Text, primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version_id", sa.Text, nullable=False),
        sa.Column("expected", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.operation_id"], name="fk_attempts_operation_id"
        ),
    )


def _make_paths_and_resources() -> None:
    op.create_table(
        "sink_paths",
        sa.Column("sink_id", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("is_free", sa.Boolean, nullable=False),
        sa.Column("last_version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["keys.key_id"], name="fk_sink_paths_key_id"),
    )
    op.create_index("ix_sink_paths_key", "sink_paths", ["key_id"])
    op.create_table(
        "resources",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("workspace", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("manager", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
    )


def _make_leases_and_commits() -> None:
    op.create_table(
        "leases",
        sa.Column("manager", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("holder", sa.Text),
        sa.Column("acquired_at", INSTANT),
        sa.Column("expires_at", INSTANT),
    )
    op.create_table(
        "commits",
        sa.Column("commit_id", sa.Text, primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("refusals", sa.Text, nullable=False),
        sa.Column("audit_sequence", sa.BigInteger, nullable=False),
        sa.Column("audit_head", sa.Text, nullable=False),
    )


def _make_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("revision", sa.Text),
        sa.Column("plan_digest", sa.Text),
        sa.Column("run_id", sa.Text),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("subject", sa.Text),
    )
    op.create_index("ix_audit_address", "audit", ["address"])
    op.create_index("ix_audit_subject", "audit", ["subject"])


def _make_partial_index(
    name: str, table: str, columns: list[str], condition: str, *, unique: bool = False
) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _name_store() -> None:
    """Draw the store's id from the database's own randomness."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        store_id = str(connection.scalar(sa.text("SELECT gen_random_uuid()")))
    else:
        drawn = connection.scalar(sa.text("SELECT randomblob(16)"))
        store_id = str(uuid.UUID(bytes=drawn, version=4))
    insert = sa.text(
        "INSERT INTO meta (id, store_id, schema_version, audit_sequence, audit_head) "
        "VALUES (1, :store_id, 1, 0, :head)"
    )
    connection.execute(insert, {"store_id": store_id, "head": GENESIS})
