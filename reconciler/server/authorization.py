"""Forward authorization: may the request that a gateway holds back go through?

For nginx, Traefik, Envoy and Caddy: the key is in the request itself, the answer is its status and
the `X-Auth-*` headers. Any method, and any path below, because Envoy forwards its client's. What
does not live here: what gateways ask for (`gateway.py`), and what is answered (`answers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from reconciler.config import Disclosure
from reconciler.credentials.verdict import Allowed, Verdict
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret
from reconciler.server.answers import (
    Answer,
    Asked,
    Decision,
    Manner,
    Misconfigured,
    answer_of,
)
from reconciler.server.caller import Checks
from reconciler.server.counts import (
    ALLOWED,
    CONTRADICTORY,
    MISCONFIGURED,
    MISSING,
    Asking,
    Counts,
)
from reconciler.server.gateway import Wanted, wanted_by_gateway
from reconciler.server.presented import Contradictory, KeyPresented, NotPresented, presented_key
from reconciler.server.requests import (
    Receive,
    Scope,
    Send,
    addresses_of,
    note_of,
    peer_of,
    query_of,
    send_answer,
    text_headers,
)
from reconciler.verification.client_address import Forwarding, client_address
from reconciler.verification.terms import VerifierState

AUTHORIZE: Final = "/v1/authorize"
BELOW_AUTHORIZE: Final = "/v1/authorize/"


class Watched(Checks, Protocol):
    """What is asked of a `Verifier` here."""

    @property
    def state(self) -> VerifierState:
        """Give the numbers for operators."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Service:
    """Everything that questions are answered with."""

    verifier: Watched
    counts: Counts
    forwarding: Forwarding = field(default_factory=Forwarding)
    realm: str = "keyrec"
    disclosure: Disclosure = Disclosure.HOLDER

    def manner(self, *, is_for_nginx: bool = False) -> Manner:
        """Give how answers are given."""
        return Manner(realm=self.realm, disclosure=self.disclosure, is_for_nginx=is_for_nginx)

    async def decide_presenter(
        self, scope: Scope, secret: Secret, wanted: ScopeGrant | None
    ) -> tuple[Verdict, Asked]:
        """Decide about whoever presents a key, from where it does; give what was asked."""
        client = client_address(peer_of(scope), text_headers(scope), self.forwarding)
        note_of(scope).add(client=client.address, address_fault=client.fault)
        verdict = await self.verifier.check_async(secret, address=client.address, scope=wanted)
        asked = Asked(scope=None if wanted is None else str(wanted), address=client.address)
        return verdict, asked


@dataclass(frozen=True, slots=True, eq=False)
class Authorization:
    """The endpoint, as an ASGI application."""

    service: Service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; its body is not read."""
        del receive
        note_of(scope).add(route="authorize")
        await send_answer(send, await self._answer(scope))

    async def _answer(self, scope: Scope) -> Answer:
        headers = text_headers(scope)
        query = query_of(scope) if scope["path"] == AUTHORIZE else None
        wanted = wanted_by_gateway(headers, query=query)
        is_for_nginx = isinstance(wanted, Wanted) and wanted.is_for_nginx
        decision, asked = await self._decide(scope, wanted)
        outcome = outcome_of(decision)
        self.service.counts.add(Asking.AUTHORIZE, outcome)
        note_of(scope).add(outcome=outcome, version=version_of(decision))
        return answer_of(
            decision, manner=self.service.manner(is_for_nginx=is_for_nginx), asked=asked
        )

    async def _decide(self, scope: Scope, wanted: Wanted | Misconfigured) -> tuple[Decision, Asked]:
        presented = presented_key(text_headers(scope), addresses=addresses_of(scope))
        if not isinstance(presented, KeyPresented):
            return presented, Asked()
        scope_wanted = None if isinstance(wanted, Misconfigured) else wanted.scope
        found = await self.service.decide_presenter(scope, presented.secret, scope_wanted)
        # Until a key is proven nobody learns how the gateway is set up.
        if isinstance(wanted, Misconfigured) and isinstance(found[0], Allowed):
            return wanted, Asked()
        return found


def outcome_of(decision: Decision) -> str:
    """Give the word for a decision in logs and counts."""
    match decision:
        case Allowed():
            return ALLOWED
        case NotPresented():
            return MISSING
        case Contradictory():
            return CONTRADICTORY
        case Misconfigured():
            return MISCONFIGURED
        case _:
            return decision.reason


def version_of(decision: Decision) -> str | None:
    """Give the version id of the well-formed key that was decided about."""
    match decision:
        case Allowed():
            return decision.version.version_id
        case NotPresented() | Contradictory() | Misconfigured():
            return None
        case _:
            return decision.version_id
