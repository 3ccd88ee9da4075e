"""Alembic's folder: how stored tables become those of this program."""
