"""What is asked about a presented key, and the closed set of answers.

The values that `credentials/access.py` decides over. No rule lives here, but one: which reasons a
presenter may be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from reconciler.model.keys import KeyRecord, KeyVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.scopes import BUILT_IN_CATALOG, ScopeCatalog, ScopeGrant
from reconciler.model.token import ParsedToken, TokenFault
from reconciler.ports import StoredVersion


class DenialReason(StrEnum):
    """Every reason why a presented key is refused, in the order in which they are looked for.

    Compatibility: the values are part of JSON answers and of the reference; none is renamed.
    """

    MALFORMED = "malformed"
    CHECKSUM = "checksum"
    WRONG_ENVIRONMENT = "wrong-environment"
    UNKNOWN_ID = "unknown-id"
    WRONG_SECRET = "wrong-secret"  # noqa: S105 - the name of a reason
    LEAKED = "leaked"
    KEY_REMOVED = "key-removed"
    KEY_INACTIVE = "key-inactive"
    KEY_HELD = "key-held"
    KEY_EXPIRED = "key-expired"
    VERSION_RETIRED = "version-retired"
    ADDRESS_UNKNOWN = "address-unknown"
    ADDRESS_NOT_ALLOWED = "address-not-allowed"
    UNKNOWN_SCOPE = "unknown-scope"
    INSUFFICIENT_SCOPE = "insufficient-scope"
    UNAVAILABLE = "unavailable"
    """Nothing was decided: the store is out of reach for longer than is allowed."""
    OVERLOADED = "overloaded"
    """Nothing was decided: more secrets are being checked than may be at once."""


UNDISCLOSED = frozenset(
    {
        DenialReason.MALFORMED,
        DenialReason.CHECKSUM,
        DenialReason.WRONG_ENVIRONMENT,
        DenialReason.UNKNOWN_ID,
        DenialReason.WRONG_SECRET,
        DenialReason.LEAKED,
        DenialReason.UNAVAILABLE,
        DenialReason.OVERLOADED,
    }
)
"""Reasons that no presenter is told: nothing was proven, or the presenter may be the thief."""
UNDECIDED = frozenset({DenialReason.UNAVAILABLE, DenialReason.OVERLOADED})
"""Reasons of no answer: the same request may be allowed a moment later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Whose keys are expected here; None accepts any."""

    prefix: str | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What was found out about a presented text; it holds no secret."""

    token: ParsedToken | TokenFault
    stored: StoredVersion | None = None
    is_match: bool = False
    """Whether the text is the one that `stored` holds the hash of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Under what conditions the key is presented."""

    now: datetime
    """By the database's clock."""
    issuer: Issuer = Issuer()
    address: str | None = None
    """The client's address, None where it is not known."""
    wanted: ScopeGrant | None = None
    """What the call needs; None asks about the key alone."""
    catalog: ScopeCatalog = BUILT_IN_CATALOG


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The key may be used."""

    record: KeyRecord
    version: KeyVersion

    @property
    def is_retiring(self) -> bool:
        """Whether a rotation replaced this secret already: the caller should fetch the new one."""
        return self.version.state is VersionState.RETIRING

    @property
    def rotate_by(self) -> datetime | None:
        """Give the end of acceptance of a secret that was already replaced; None for others."""
        return self.version.retire_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The key may not be used, and why."""

    reason: DenialReason
    version_id: str | None = None
    """What logs may say: the id of a well-formed key."""
    record: KeyRecord | None = None
    """The key, only where its right secret was presented (also where that is leaked)."""

    @property
    def is_proven(self) -> bool:
        """Whether the presenter proved to be the holder and may be told the reason.

        False for a leaked version: its presenter is presumed the thief and learns nothing.
        """
        return self.reason not in UNDISCLOSED

    @property
    def is_undecided(self) -> bool:
        """Whether nothing is known of the key: to be tried again, never to be let through."""
        return self.reason in UNDECIDED


Verdict: TypeAlias = Allowed | Denied
