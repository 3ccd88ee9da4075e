"""Run by Alembic: migrate over the connection, and in the transaction, that the store gives."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # A table of our own name: a database may hold another program's Alembic.
    version_table="keyrec_migrations",
)
with context.begin_transaction():
    context.run_migrations()
