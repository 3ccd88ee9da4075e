"""What is trusted: stored with the keys, changed only by a platform admin.

A plan is judged by the policy that the store held before it; configuration, flags and environment
may be stricter, never laxer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.lifetime import Expiration
from reconciler.model.workspaces import Principal

DEFAULT_TEMPLATE = "{workspace}/{environment}/{name}"


class Prune(StrEnum):
    """What a disappeared manifest means."""

    DEACTIVATE = "deactivate"
    REMOVE = "remove"
    IGNORE = "ignore"


class HashProfile(StrEnum):
    """Parameters of argon2id: `token` for 256 random bits, `owasp` for auditors who ask."""

    TOKEN = "token"  # noqa: S105 - the name of a profile
    OWASP = "owasp"


class SinkKind(StrEnum):
    """Where secrets go."""

    AGE = "age"
    VAULT = "vault"


class AuthorizationMode(StrEnum):
    """How a principal is known."""

    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """From how many removals on a plan is refused until the count is stated."""

    max_removals: int = 10
    max_removal_share: float = 0.2
    """Between 0 and 1, of the keys this manager owns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkPolicy:
    """Which sink is trusted, pinned: another Vault or other recipients are a policy change."""

    kind: SinkKind = SinkKind.AGE
    path: str = DEFAULT_TEMPLATE
    identity: str | None = None
    """The sink's own id: Vault's cluster id, or the id file of the age directory."""
    mount: str | None = None
    prefix: str | None = None
    recipients: tuple[str, ...] = ()
    """age recipients (`age1…` or `ssh-ed25519 …`), sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The one policy of a store, named `default`."""

    authorization: AuthorizationMode = AuthorizationMode.LOCAL
    platform_admins: tuple[Principal, ...] = ()
    prune: Prune = Prune.DEACTIVATE
    guards: Guards = Guards()
    expirations: tuple[Expiration, ...] = tuple(Expiration)
    fail_on: str = "critical"
    hashing: HashProfile = HashProfile.TOKEN
    sink: SinkPolicy = SinkPolicy()
