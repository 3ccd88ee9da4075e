"""Rigs of the contract suites."""

from __future__ import annotations

from tests.contracts.store_rigs import store_rig, story

__all__ = ["store_rig", "story"]
