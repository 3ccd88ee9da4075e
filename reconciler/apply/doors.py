"""The opened doors that a run works through, and the settings that it needs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from reconciler.apply.outcome import Outcome
from reconciler.apply.points import Effect
from reconciler.model.workspaces import Principal
from reconciler.planning.pairing import PlanRequest
from reconciler.ports import Entropy, KeyStore, SecretSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Store, sink and chance, opened by `bootstrap`."""

    store: KeyStore
    sink: SecretSink
    entropy: Entropy
    sleep: Callable[[float], None]
    """Waits that many seconds; tests do not wait."""
    threads: Callable[[int], Executor] = ThreadPoolExecutor
    """Gives that many threads, for hashing and for the sink."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One apply: what was asked for, by whom, and what was approved."""

    plan_request: PlanRequest
    """Its observed state is read anew under the lease."""
    principal: Principal
    holder: str
    """Who holds the lease, for people: principal, host, process id."""
    token_prefix: str
    approved_digest: str | None
    """Digest that the plan made under the lease must have; None for maintenance alone."""
    maintenance_only: bool = False
    parallelism: int = 8
    """Sink writes under way at once."""
    batch_size: int = 100
    """Keys to a store transaction."""
    lock_timeout: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWatch:
    """How a run is watched and stopped from outside."""

    stop: threading.Event = field(default_factory=threading.Event)
    """Set it, and the run ends after the batches under way."""
    on_outcome: Callable[[Outcome], None] = lambda _: None
    """Called for each outcome as it is known, from the run's own thread."""
    on_effect: Callable[[Effect], None] | None = None
    """Called before and after each effect, from the thread that has it; None counts nothing."""
