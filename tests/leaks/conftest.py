"""Desks for tests of leaks."""

from __future__ import annotations

from tests.e2e.conftest import local_desk

__all__ = ["local_desk"]
