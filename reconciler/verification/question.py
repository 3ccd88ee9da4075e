"""What a verifier is asked, and the answers in which nothing was decided."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from reconciler.credentials.verdict import DenialReason, Denied, Issuer
from reconciler.model.allowlist import canonical_address
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret

LONGEST_ADDRESS = 64
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


def as_secret(key: object) -> Secret:
    """Wrap what was presented at once, so that it stands in no frame; what is no text is none."""
    if type(key) is str:
        return Secret(key)
    if isinstance(key, Secret):
        return key
    return Secret(key if isinstance(key, str) else "")


@lru_cache(_MEMORY)
def wanted_scope(text: str) -> ScopeGrant:
    """Read `Resource:level`; a text of another form is a scope that does not exist, and denies."""
    return ScopeGrant.read(text)


def plain_address(text: str) -> str | None:
    """Give an address in its one form; None for what is none."""
    return _plain(text) if len(text) <= LONGEST_ADDRESS else None


@lru_cache(_MEMORY)
def _plain(text: str) -> str | None:
    address = canonical_address(text)
    return None if address is None else str(address)
