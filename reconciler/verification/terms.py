"""How a verifier works, and what it says of itself to operators."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.credentials.verdict import Issuer
from reconciler.verification.bounds import Bounds
from reconciler.verification.fair_pool import Room


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierTerms:
    """How a verifier works; the defaults are what is published."""

    issuer: Issuer = field(default_factory=Issuer)
    """Whose keys, and of which environment, are expected where a question does not say."""
    bounds: Bounds = field(default_factory=Bounds)
    entries: int = 10_000
    """How many proofs and rows are kept; those that came first go first."""
    threads: int = 2
    """How many secrets are hashed at once: as many as there are cores."""
    room: Room = field(default_factory=Room)
    """How much may wait to be hashed."""
    reporter: str = "verifier"
    """What this process is called among all that report uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierState:
    """Numbers for operators; the counts begin when the verifier was opened."""

    is_ready: bool
    """Whether keys can be proven now, or at least those that were."""
    age: float | None
    """Seconds since the view of the store was certainly true; None before there was one."""
    hashes: int
    renewed_hashes: int
    row_queries: int
    refreshes: int
