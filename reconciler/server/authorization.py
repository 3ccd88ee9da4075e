"""Forward authorization: may the request that a gateway holds back go through?

For nginx, Traefik, Envoy and Caddy: the key is in the request itself, the answer is its status and
the `X-Auth-*` headers. Any method, and any path below, because Envoy forwards its client's. What
does not live here: what gateways ask for (`gateway.py`), and what is answered (`answers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol

from reconciler.config import Disclosure
from reconciler.credentials.verdict import Allowed, Verdict
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret
from reconciler.server.answers import (
    OK,
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
from reconciler.server.gateway import REQUIRE_HEADER, Wanted, wanted_by_gateway
from reconciler.server.presented import (
    CREDENTIAL_HEADERS,
    Contradictory,
    HeaderValues,
    KeyPresented,
    NotPresented,
    presented_among,
)
from reconciler.server.requests import (
    Receive,
    Scope,
    Send,
    WrittenHeaders,
    addresses_of,
    header_values,
    note_of,
    peer_of,
    query_of,
    send_noted,
    send_written,
    written_headers,
)
from reconciler.verification.bounded import Bounded
from reconciler.verification.client_address import Forwarding
from reconciler.verification.known_clients import KnownClients
from reconciler.verification.terms import VerifierState

AUTHORIZE: Final = "/v1/authorize"
BELOW_AUTHORIZE: Final = "/v1/authorize/"
MOST_REMEMBERED: Final = 1024
LONGEST_WORDS: Final = 256
"""Characters in which a gateway may ask for something and be remembered."""


class Watched(Checks, Protocol):
    """What is asked of a `Verifier` here."""

    @property
    def state(self) -> VerifierState:
        """Give the numbers for operators."""


@dataclass(frozen=True, kw_only=True, eq=False)
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

    @cached_property
    def clients(self) -> KnownClients:
        """Give what finds the clients' addresses."""
        return KnownClients(self.forwarding)

    @cached_property
    def names(self) -> dict[bytes, str]:
        """Give the names of all headers that anything is decided by, as bytes and as text."""
        names = {self.clients.header, REQUIRE_HEADER, *CREDENTIAL_HEADERS}
        return {name.encode("latin-1"): name for name in names}

    async def decide_presenter(
        self, scope: Scope, values: HeaderValues, secret: Secret, wanted: ScopeGrant | None
    ) -> tuple[Verdict, str | None]:
        """Decide about whoever presents a key, from where it does; give the address too.

        `values`: of the request's headers, of those of `names`.
        """
        clients = self.clients
        client = clients.find(peer_of(scope), tuple(values.get(clients.header, ())))
        note_of(scope).add(client=client.address, address_fault=client.fault)
        verdict = await self.verifier.check_async(secret, address=client.address, scope=wanted)
        return verdict, client.address


@dataclass(frozen=True, slots=True, eq=False)
class Authorization:
    """The endpoint, as an ASGI application."""

    service: Service
    _wanted: Bounded[tuple[str, tuple[str, ...]], Wanted] = field(
        init=False, default_factory=lambda: Bounded(MOST_REMEMBERED)
    )
    """What gateways asked for before, by their words."""
    _written: Bounded[str, tuple[Allowed, WrittenHeaders]] = field(
        init=False, default_factory=lambda: Bounded(MOST_REMEMBERED)
    )
    """How it was written that a version may be used, beside the very verdict that said so."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; its body is not read."""
        del receive
        note = note_of(scope)
        note.fields["route"] = "authorize"
        values = header_values(scope, self.service.names)
        wanted = self._wanted_by(scope, values)
        decision, address = await self._decide(scope, values, wanted)
        outcome = outcome_of(decision)
        self.service.counts.add(Asking.AUTHORIZE, outcome)
        note.add(outcome=outcome, version=version_of(decision))
        if isinstance(decision, Allowed):
            await send_written(scope, send, OK, self._headers_of(decision))
        else:
            await send_noted(scope, send, self._refusal(decision, wanted, address))

    def _refusal(
        self, decision: Decision, wanted: Wanted | Misconfigured, address: str | None
    ) -> Answer:
        if isinstance(wanted, Misconfigured):
            wanted = Wanted()
        scope = None if wanted.scope is None else str(wanted.scope)
        manner = self.service.manner(is_for_nginx=wanted.is_for_nginx)
        return answer_of(decision, manner=manner, asked=Asked(scope=scope, address=address))

    def _wanted_by(self, scope: Scope, values: HeaderValues) -> Wanted | Misconfigured:
        """Find out what the gateway asks for. Only what is understood is remembered: there is no
        room for a secret in it.
        """
        query = query_of(scope) if scope["path"] == AUTHORIZE else ""
        words = query, tuple(values.get(REQUIRE_HEADER, ()))
        known = self._wanted.get(words)
        if known is not None:
            return known
        headers = [(REQUIRE_HEADER, value) for value in words[1]]
        wanted = wanted_by_gateway(headers, query=query)
        if isinstance(wanted, Wanted) and len(query) + sum(map(len, words[1])) <= LONGEST_WORDS:
            self._wanted.put(words, wanted)
        return wanted

    async def _decide(
        self, scope: Scope, values: HeaderValues, wanted: Wanted | Misconfigured
    ) -> tuple[Decision, str | None]:
        presented = presented_among(values, addresses=addresses_of(scope))
        if not isinstance(presented, KeyPresented):
            return presented, None
        scope_wanted = None if isinstance(wanted, Misconfigured) else wanted.scope
        found = await self.service.decide_presenter(scope, values, presented.secret, scope_wanted)
        # Until a key is proven nobody learns how the gateway is set up.
        if isinstance(wanted, Misconfigured) and isinstance(found[0], Allowed):
            return wanted, None
        return found

    def _headers_of(self, allowed: Allowed) -> WrittenHeaders:
        """Give what is answered to a key that may be used."""
        version_id = allowed.version.version_id
        known = self._written.get(version_id)
        if known is not None and known[0] is allowed:
            return known[1]
        headers = written_headers(answer_of(allowed))
        self._written.put(version_id, (allowed, headers))
        return headers


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
