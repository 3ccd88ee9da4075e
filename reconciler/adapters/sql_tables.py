"""The tables of the key store: columns, keys, and the rules that the database itself holds.

Compatibility: these tables are stored form 3. Every change of them is a migration in `migrations/`
and raises `SCHEMA_VERSION`; columns are only added, nullable or with a default that means what
their absence meant. `meta.schema_version` stays where it is for ever: it is what every version of
the program reads first.

The database itself holds: one live record to an address, one owner to a sink path, one open
operation to a sink path. Everything else is decided by the writes (`sql_secrets`, `sql_keys`, …).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    or_,
    text,
)

from reconciler.adapters.sql_types import Duration, Instant, WordOf
from reconciler.model.journal import OperationKind, OperationState
from reconciler.model.keys import KeyStatus, RemovalReason
from reconciler.model.lifetime import Expiration, Retirement, VersionState
from reconciler.model.resources import ResourceKind

SCHEMA_VERSION = 3

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

meta = Table(
    "meta",
    metadata,
    # One row; its lock puts all transactions that change anything in an order.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("store_id", Text, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("audit_sequence", BigInteger, nullable=False),
    Column("audit_head", Text, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

keys = Table(
    "keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("workspace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("manager", Text),
    Column("status", WordOf(KeyStatus), nullable=False),
    Column("environment", Text, nullable=False),
    Column("sink_path", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("allowlist", Text),
    Column("ranges", Text),
    Column("expiration", WordOf(Expiration), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("every", Duration),
    Column("overlap", Duration, nullable=False),
    # Null: after the overlap.
    Column("retire", WordOf(Retirement)),
    Column("reissue", Integer, nullable=False),
    Column("owner", Text),
    Column("description", Text),
    Column("labels", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("record_version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("hold_reason", Text),
    Column("hold_by", Text),
    Column("hold_since", Instant),
    Column("superseded_by", Text),
    Column("rotated_at", Instant),
    Column("removal_reason", WordOf(RemovalReason)),
    Column("removed_at", Instant),
    # The audit event that made the row: orders rows of one instant.
    Column("audit_sequence", BigInteger, nullable=False),
)
is_live = keys.c.status == text("'live'")
Index(
    "ux_keys_live_address",
    keys.c.workspace,
    keys.c.name,
    unique=True,
    sqlite_where=is_live,
    postgresql_where=is_live,
)
Index("ix_keys_name", keys.c.name)
Index("ix_keys_superseded_by", keys.c.superseded_by)

key_versions = Table(
    "key_versions",
    metadata,
    Column("version_id", Text, primary_key=True),
    Column("key_id", Text, ForeignKey("keys.key_id"), nullable=False),
    Column("operation_id", Text, nullable=False),
    # Read by `presented` alone; the model's KeyVersion has no field for it.
    Column("secret_hash", Text, nullable=False),
    Column("state", WordOf(VersionState), nullable=False),
    Column("sink_id", Text, nullable=False),
    Column("sink_path", Text, nullable=False),
    Column("sink_version", Integer),
    Column("custody", Text, nullable=False),
    Column("last_characters", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("retire_at", Instant),
    # Set where acceptance goes on after it until nobody uses the version any more.
    Column("overlap_until", Instant),
    Column("retired_at", Instant),
    Column("leaked", Boolean, nullable=False),
    Column("copy_destroyed_at", Instant),
    Column("audit_sequence", BigInteger, nullable=False),
)
has_something_left = or_(
    key_versions.c.state != text("'retired'"),
    and_(
        key_versions.c.sink_version.is_not(None),
        key_versions.c.copy_destroyed_at.is_(None),
    ),
)
Index("ix_key_versions_key", key_versions.c.key_id, key_versions.c.audit_sequence)
Index(
    "ix_key_versions_left",
    key_versions.c.key_id,
    sqlite_where=has_something_left,
    postgresql_where=has_something_left,
)

operations = Table(
    "operations",
    metadata,
    Column("operation_id", Text, primary_key=True),
    Column("kind", WordOf(OperationKind), nullable=False),
    Column("key_id", Text, ForeignKey("keys.key_id"), nullable=False),
    Column("sink_id", Text, nullable=False),
    Column("sink_path", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("overlap", Duration, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("supersedes", Text),
    Column("reason", Text, nullable=False),
    Column("source", Text),
    Column("state", WordOf(OperationState), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("attempt_count", Integer, nullable=False),
    Column("audit_sequence", BigInteger, nullable=False),
)
is_open = operations.c.state == text("'open'")
Index(
    "ux_operations_open_path",
    operations.c.sink_id,
    operations.c.sink_path,
    unique=True,
    sqlite_where=is_open,
    postgresql_where=is_open,
)
Index("ix_operations_open_key", operations.c.key_id, sqlite_where=is_open, postgresql_where=is_open)

attempts = Table(
    "attempts",
    metadata,
    Column("operation_id", Text, ForeignKey("operations.operation_id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("version_id", Text, nullable=False),
    Column("expected", Integer, nullable=False),
)

sink_paths = Table(
    "sink_paths",
    metadata,
    Column("sink_id", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("key_id", Text, ForeignKey("keys.key_id"), nullable=False),
    Column("is_free", Boolean, nullable=False),
    Column("last_version", Integer, nullable=False),
    Column("adopted_version", Integer),
)
Index("ix_sink_paths_key", sink_paths.c.key_id)

resources = Table(
    "resources",
    metadata,
    Column("kind", WordOf(ResourceKind), primary_key=True),
    # Empty where the resource belongs to no workspace.
    Column("workspace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("manager", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("revision", Text),
    Column("plan_digest", Text),
    Column("run_id", Text),
    Column("event", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("source", Text),
    Column("detail", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    # For finding a key's events under earlier names; no part of what is hashed.
    Column("subject", Text),
)
Index("ix_audit_address", audit.c.address)
Index("ix_audit_subject", audit.c.subject)
