"""Who sent a request that was let in by a key: what an application is given.

The rule: what was decided once is decided again by the same verifier, by the key's state as it is
then, and refused by the same bytes. What does not live here: who is let in (`entrance.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reconciler.credentials.verdict import Allowed, Verdict
from reconciler.errors import VerifierMisused
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret
from reconciler.server.answers import (
    NONE,
    Answer,
    Asked,
    Manner,
    Misconfigured,
    answer_of,
    auth_headers,
)
from reconciler.server.routes import wanted_scope

_ROTATION_HEADERS = frozenset({"X-Auth-Retiring", "X-Auth-Rotate-By"})


def required_caller(found: object) -> Caller:
    """Give who sent a request, from where the entrance left it.

    Raises:
        VerifierMisused: no middleware stands in front, or the path is public.
    """
    if not isinstance(found, Caller):
        raise VerifierMisused(
            "Nobody proved to hold a key for this request.",
            advice="Put KeyrecMiddleware in front of the application; the path must not be public.",
        )
    return found


class Checks(Protocol):
    """What is asked of a `Verifier`."""

    def check(
        self,
        key: str | Secret,
        *,
        address: str | None = None,
        scope: ScopeGrant | str | None = None,
        environment: str | None = None,
    ) -> Verdict:
        """Decide about a presented key."""
        ...

    async def check_async(
        self,
        key: str | Secret,
        *,
        address: str | None = None,
        scope: ScopeGrant | str | None = None,
        environment: str | None = None,
    ) -> Verdict:
        """Decide as `check` does, without holding up the event loop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """A key that was presented, from where, and who decides about it; it can be asked again."""

    verifier: Checks
    secret: Secret
    address: str | None
    manner: Manner

    def check(self, scope: ScopeGrant | None) -> Verdict:
        """Decide by the key's state as it is now."""
        return self.verifier.check(self.secret, address=self.address, scope=scope)

    async def check_async(self, scope: ScopeGrant | None) -> Verdict:
        """Decide as `check` does, without holding up the event loop."""
        return await self.verifier.check_async(self.secret, address=self.address, scope=scope)

    def answer(self, verdict: Verdict | Misconfigured, scope: ScopeGrant | None) -> Answer:
        """Give what is answered to a decision."""
        asked = Asked(scope=None if scope is None else str(scope), address=self.address)
        return answer_of(verdict, manner=self.manner, asked=asked)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Caller:
    """Who sent a request that was let in: what an application is given."""

    allowed: Allowed
    """The key and its version, as they were when the request came in."""
    question: Question

    def refusal(self, scope: ScopeGrant | str | None = None) -> Answer | None:
        """Give the answer to send where the key may not do this, or may be used no more.

        The same decision as at the entrance, by the key's state as it is now; a secret that was
        proven once is not hashed again.
        """
        wanted = None if scope is None else wanted_scope(scope)
        return self._refusal(self.question.check(wanted), wanted)

    async def refusal_async(self, scope: ScopeGrant | str | None = None) -> Answer | None:
        """Give what `refusal` gives, without holding up the event loop."""
        wanted = None if scope is None else wanted_scope(scope)
        return self._refusal(await self.question.check_async(wanted), wanted)

    @property
    def rotation_headers(self) -> tuple[tuple[str, str], ...]:
        """Give what a response says to a caller whose secret was replaced; empty for others."""
        if not self.allowed.is_retiring:
            return ()
        headers = auth_headers(self.allowed)
        return tuple((n, v) for n, v in headers if n in _ROTATION_HEADERS and v != NONE)

    def _refusal(self, verdict: Verdict, wanted: ScopeGrant | None) -> Answer | None:
        is_allowed = isinstance(verdict, Allowed)
        return None if is_allowed else self.question.answer(verdict, wanted)
