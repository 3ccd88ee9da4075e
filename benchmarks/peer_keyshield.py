"""keyshield 2.0.1 in process, in its best configuration: its cache in memory, its repository in
memory, its delays off, argon2 with keyrec's parameters, on uvloop.

It is installed for `make bench` alone.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import uvloop
from argon2 import PasswordHasher

from benchmarks.measure import Failed, Taken
from reconciler.credentials.hashing import PROFILES
from reconciler.model.policy import HashProfile

VERSION = "2.0.1"
SCOPE = "reviews:read"


class Keyshield:
    """A service with keys, each of which was verified once."""

    def __init__(self, count: int, *, is_cached: bool) -> None:
        """Make the service; `is_cached`: whether it remembers what it verified."""
        module = "cached" if is_cached else "base"
        name = "CachedApiKeyService" if is_cached else "ApiKeyService"
        service = getattr(_module(f"services.{module}"), name)
        repository = _module("repositories.in_memory").InMemoryApiKeyRepository
        self._service = service(repo=repository(), hasher=_hasher(), min_delay=0.0, max_delay=0.0)
        self._keys: list[str] = uvloop.run(self._made(count))

    def verified(self, times: int) -> Taken:
        """Verify keys in turns, that often."""
        return uvloop.run(self._verified(times))

    async def _made(self, count: int) -> list[str]:
        keys, end = [], datetime.now(timezone.utc) + timedelta(days=90)
        for number in range(count):
            _, key = await self._service.create(
                name=f"key-{number}", scopes=[SCOPE], expires_at=end
            )
            await self._service.verify_key(key, [SCOPE])
            keys.append(str(key))
        return keys

    async def _verified(self, times: int) -> Taken:
        verify, keys, wanted = self._service.verify_key, self._keys, [SCOPE]
        count = len(keys)
        cpu, begun = time.process_time(), time.perf_counter()
        for number in range(times):
            await verify(keys[number % count], wanted)
        wall = time.perf_counter() - begun
        return Taken(wall=wall / times, cpu=(time.process_time() - cpu) / times, work=times)


def _hasher() -> Any:
    cost = PROFILES[HashProfile.TOKEN]
    hasher = PasswordHasher(
        time_cost=cost.time, memory_cost=cost.memory, parallelism=cost.parallelism
    )
    made: Callable[..., Any] = _module("hasher.argon2").Argon2ApiKeyHasher
    return made(pepper="a pepper of this measurement alone", password_hasher=hasher)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"keyshield.{name}")
    except ImportError as error:
        raise Failed(
            f"keyshield {VERSION} is not installed: pip install --require-hashes "
            "-r requirements/bench.lock"
        ) from error
