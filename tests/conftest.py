"""What all tests share: fixtures for real services, each in a module of its own."""

from __future__ import annotations

pytest_plugins = ["tests.services.postgres", "tests.services.vault_fixtures"]
