"""A verifier without a store: decides by the real rules over keys in memory, remembers questions."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from reconciler.credentials.access import decide
from reconciler.credentials.verdict import (
    Circumstances,
    DenialReason,
    Denied,
    Issuer,
    Presented,
    Verdict,
)
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret
from reconciler.model.token import ParsedToken, parse
from reconciler.ports import StoredVersion
from tests.credentials.examples import API_KEY, NOON, stored


@dataclass
class FakeVerifier:
    """Knows one key, the example's, in a state that tests choose."""

    row: StoredVersion = field(default_factory=stored)
    undecided: DenialReason | None = None
    """Where it is set, nothing is decided, for this reason."""
    addresses: list[str | None] = field(default_factory=list)
    scopes: list[str | None] = field(default_factory=list)
    awaited: int = 0
    """How many questions were asked by `check_async`."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def change(self, **parts: Any) -> None:
        """Bring the key into another state: `record`, `fields`, `version`."""
        self.row = stored(**parts)

    def check(
        self,
        key: str | Secret,
        *,
        address: str | None = None,
        scope: ScopeGrant | str | None = None,
        environment: str | None = None,
    ) -> Verdict:
        """Decide."""
        text = key.reveal() if isinstance(key, Secret) else key
        token = parse(text)
        with self._lock:
            self.addresses.append(address)
            self.scopes.append(None if scope is None else str(scope))
        is_known = (
            isinstance(token, ParsedToken) and token.version_id == self.row.version.version_id
        )
        presented = Presented(
            token=token,
            stored=self.row if is_known else None,
            is_match=text == API_KEY.reveal(),
        )
        if self.undecided is not None:
            return Denied(reason=self.undecided)
        assert scope is None or isinstance(scope, ScopeGrant)
        issuer = Issuer(environment=environment)
        return decide(
            presented, Circumstances(now=NOON, issuer=issuer, address=address, wanted=scope)
        )

    async def check_async(
        self,
        key: str | Secret,
        *,
        address: str | None = None,
        scope: ScopeGrant | str | None = None,
        environment: str | None = None,
    ) -> Verdict:
        """Decide, and count."""
        self.awaited += 1
        return self.check(key, address=address, scope=scope, environment=environment)
