"""What a verifier is asked, and the answers in which nothing was decided."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from reconciler.credentials.verdict import DenialReason, Denied, Issuer
from reconciler.model.allowlist import canonical_address
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret

_MEMORY = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One presented key."""

    secret: Secret
    name: bytes
    """Under which a proof of it is remembered."""
    issuer: Issuer
    address: str | None
    wanted: ScopeGrant | None


def unavailable(version_id: str | None) -> Denied:
    """Say that the store is out of reach."""
    return Denied(reason=DenialReason.UNAVAILABLE, version_id=version_id)


def overloaded(version_id: str | None) -> Denied:
    """Say that too much is asked at once."""
    return Denied(reason=DenialReason.OVERLOADED, version_id=version_id)


@lru_cache(_MEMORY)
def wanted_scope(text: str) -> ScopeGrant:
    """Read `Resource:level`; a text of another form is a scope that does not exist, and denies."""
    resource, _, level = text.partition(":")
    return ScopeGrant(resource=resource, level=level)


@lru_cache(_MEMORY)
def plain_address(text: str) -> str | None:
    """Give an address in its one form; None for what is none."""
    address = canonical_address(text)
    return None if address is None else str(address)
