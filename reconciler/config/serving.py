"""How presented keys are answered about: what a verifier promises, and what the endpoint is.

Which keys are valid is the store's; nothing here widens what a key may do. The form of the
sections in `keyrec.yaml` is `serving_sections`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

REVOCATION_BOUND = timedelta(seconds=1)
MAX_STALE = timedelta(seconds=10)
CACHE_ENTRIES = 10_000
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8321
DEFAULT_REALM = "keyrec"


class Disclosure(StrEnum):
    """How much whoever proved to hold a key is told about why it is refused."""

    HOLDER = "holder"
    """The reason, as long as the secret was proven and is not reported leaked."""
    TERSE = "terse"
    """Nothing but a missing scope; reasons stand in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationSettings:
    """What a verifier expects and promises."""

    environment: str | None = None
    """Only keys of this environment are accepted; None accepts any."""
    revocation_bound: timedelta = REVOCATION_BOUND
    """How long an ended key may still be accepted with the store in reach."""
    max_stale: timedelta = MAX_STALE
    """How long a verifier answers without the store."""
    cache_entries: int = CACHE_ENTRIES
    """How many proven keys are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What `keyrec serve` listens to, believes and tells."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    health_port: int | None = None
    """A listener of their own for health and metrics; None: on the same one."""
    workers: int = 1
    trusted_proxies: tuple[str, ...] = ()
    """Ranges of the proxies whose forwarding headers are believed; nobody's by default."""
    client_address_header: str | None = None
    """One header that alone names the client; None: `X-Forwarded-For`."""
    disclosure: Disclosure = Disclosure.HOLDER
    realm: str = DEFAULT_REALM
    tls_certificate: str | None = None
    tls_key: str | None = None
