"""What is trusted: stored with the keys, changed only by a platform admin.

A plan is judged by the policy that the store held before it; configuration, flags and environment
may be stricter, never laxer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import assert_never

from reconciler.model.lifetime import Expiration
from reconciler.model.severity import Severity
from reconciler.model.workspaces import LOCAL, Principal

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
    """The user of the operating system."""
    OIDC = "oidc"
    """An identity token of a trusted issuer."""


class SigningAlgorithm(StrEnum):
    """How an issuer signs; pinned, so that no token can choose. None of them shares a key."""

    RS256 = "RS256"
    PS256 = "PS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundPrincipal:
    """Who somebody is whose token has exactly these claims, each a text."""

    name: str
    claims: tuple[tuple[str, str], ...]
    """Sorted by the claim's name; at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who signs identity tokens, and whom they speak of."""

    name: str
    """The first part of its principals: `<issuer>:<principal>`."""
    url: str
    """The token's `iss`, to the letter."""
    audience: str
    """The token's `aud`."""
    algorithm: SigningAlgorithm = SigningAlgorithm.RS256
    keys: tuple[str, ...] = ()
    """RFC 7638 SHA-256 thumbprints of the only keys that are trusted; empty: whatever the issuer
    itself publishes at its address."""
    principals: tuple[BoundPrincipal, ...] = ()
    """Sorted by name."""


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
    address: str | None = None
    """The only Vault that is talked to, as `Endpoint` writes it; None: whatever Vault answers."""
    recipients: tuple[str, ...] = ()
    """age recipients (`age1…` or `ssh-ed25519 …`), sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSeverity:
    """How grave a rule's findings are here."""

    rule: str
    severity: Severity | None
    """None: the rule is off."""
    workspace: str | None = None
    """None: everywhere, where the workspace has no word of its own."""


@dataclass(frozen=True, kw_only=True)
class ReviewPolicy:
    """Which findings refuse a plan, and how grave each rule is."""

    fail_on: Severity = Severity.CRITICAL
    severities: tuple[RuleSeverity, ...] = ()
    """Sorted: those for everywhere first, then by workspace."""

    def severity_of(self, rule: str, workspace: str | None, default: Severity) -> Severity | None:
        """Give the word of the workspace, else the general one, else the default; None: off."""
        word = self._words.get((rule, workspace)) or self._words.get((rule, None))
        return default if word is None else word.severity

    @cached_property
    def _words(self) -> dict[tuple[str, str | None], RuleSeverity]:
        return {(s.rule, s.workspace): s for s in self.severities}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The one policy of a store, named `default`."""

    authorization: AuthorizationMode = AuthorizationMode.LOCAL
    platform_admins: tuple[Principal, ...] = ()
    issuers: tuple[Issuer, ...] = ()
    """Sorted by name."""
    prune: Prune = Prune.DEACTIVATE
    guards: Guards = Guards()
    expirations: tuple[Expiration, ...] = tuple(Expiration)
    review: ReviewPolicy = ReviewPolicy()
    hashing: HashProfile = HashProfile.TOKEN
    sink: SinkPolicy = SinkPolicy()

    def knows(self, principal: Principal) -> bool:
        """Whether somebody can be known as that here; whoever is of another mode is nobody."""
        system, _, name = principal.partition(":")
        match self.authorization:
            case AuthorizationMode.LOCAL:
                return system == LOCAL
            case AuthorizationMode.OIDC:
                bound = (i.principals for i in self.issuers if system == i.name != LOCAL)
                return any(name == p.name for principals in bound for p in principals)
            case _:
                assert_never(self.authorization)
