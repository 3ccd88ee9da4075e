"""A store with keys for measuring verification, and a verifier on it as a service opens one.

Each key has an allowlist of two ranges, two scopes and an end, as most keys have.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_verification import SqlVerificationStore
from reconciler.adapters.system import SystemClock, SystemEntropy, steady
from reconciler.credentials.hashing import hash_key
from reconciler.credentials.verdict import Issuer
from reconciler.model.policy import HashProfile
from reconciler.model.secret import Secret
from reconciler.model.token import compose, parse
from reconciler.verification.terms import VerifierTerms
from reconciler.verification.verifier import Verifier
from tests.contracts.store_story import POLICY, Story, resource
from tests.fakes.system import FakeClock

RANGES = ("198.51.100.0/24", "203.0.113.0/24")
INSIDE = "203.0.113.7"
SCOPE = "Reviews:read"
"""What every key may do, among others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A store and the keys in it."""

    url: str
    keys: tuple[Secret, ...]

    @classmethod
    def into(cls, folder: Path, count: int, *, ranges: tuple[str, ...] | None = RANGES) -> Issued:
        """Make a store with so many keys."""
        url, entropy = f"sqlite:///{folder / 'keys.db'}", SystemEntropy()
        clock = FakeClock(SystemClock().now())  # stands still: the lease does not run out
        keys = tuple(made_up(entropy.base62(12)) for _ in range(count))
        with closing(SqlStore(url, clock=clock)) as store:
            store.migrate()
            store.seed(resource(POLICY), actor="local:bench")
            story = Story(store=store, clock=clock)
            for number, key in enumerate(keys):
                begin = story.creation(f"key-{number}", expected=0, allowlist=ranges, ranges=ranges)
                hashed = hash_key(key, entropy=entropy, profile=HashProfile.TOKEN)
                version = replace(begin.version, version_id=id_of(key), secret_hash=hashed)
                story.finish(replace(begin, version=version))
        return cls(url=url, keys=keys)

    def verifier(self) -> Verifier:
        """Open a verifier on the store, on its published terms; to be closed."""
        return Verifier(
            SqlVerificationStore(self.url, clock=SystemClock()),
            entropy=SystemEntropy(),
            steady=steady,
            terms=VerifierTerms(issuer=Issuer(prefix="krk", environment="prod")),
        )


def made_up(version_id: str) -> Secret:
    """Give a well-formed key of an id with a secret of its own."""
    secret = SystemEntropy().base62(43)
    return compose(prefix="krk", environment="prod", version_id=version_id, secret=secret)


def id_of(key: Secret) -> str:
    """Give the version id of a key."""
    return str(getattr(parse(key.reveal()), "version_id", ""))
