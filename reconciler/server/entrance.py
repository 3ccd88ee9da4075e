"""Who may enter an application: one decision for each request, the same behind every framework.

The rule: a request enters with a key that may do what its path needs, or by a path that is named
public; for everything else there is an answer, the same bytes as the HTTP endpoint's. Until a key
is proven nobody learns whether a path has a rule. What does not live here: how a server tells of a
request and takes an answer (`asgi_middleware.py`, `wsgi_middleware.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, Self, TypeAlias, TypeVar

from reconciler.credentials.verdict import Allowed, Verdict
from reconciler.errors import ConfigInvalid
from reconciler.model.scopes import ScopeGrant
from reconciler.server.answers import PLAIN, Answer, Manner, Misconfigured, answer_of
from reconciler.server.caller import Caller, Checks, Question
from reconciler.server.presented import KeyPresented, presented_key
from reconciler.server.routes import Access, Need, Routes, RouteTable, is_odd, wanted_scope
from reconciler.verification.client_address import Forwarding, client_address, read_forwarding

Guarded = TypeVar("Guarded")
Required: TypeAlias = RouteTable | Callable[[str, str], Need | str | None]
"""What requests need: a table, or a function of method and path; None refuses."""

CREDENTIALS: Final = frozenset({"authorization", "x-api-key"})
_OURS = "x-auth-"
_NO_RULE = Misconfigured(detail="No rule of this service says what this request needs.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a server tells of one request, as text (latin-1 of the bytes)."""

    method: str
    path: str = field(repr=False)
    """Decoded, as the framework routes it."""
    as_sent: str = field(default="", repr=False)
    """The path before decoding, where it is known."""
    query: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    peer: str | None = None
    """The address at the other end of the connection."""


Entry: TypeAlias = Caller | Answer | None
"""How a request fares: let in as somebody, answered here, or let in by a public path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Decides about requests; safe to use from many threads and from asyncio."""

    verifier: Checks
    need: Callable[[Request], Need | None]
    forwarding: Forwarding
    manner: Manner

    @classmethod
    def of(
        cls,
        verifier: Checks,
        *,
        required: Required,
        forwarding: Forwarding | None,
        manner: Manner | None,
    ) -> Self:
        """Build one.

        Raises:
            ConfigInvalid: the table of what is required, or a range of trusted proxies, means
                nothing.
        """
        return cls(
            verifier=verifier,
            need=_rule(required),
            forwarding=_believed(forwarding or Forwarding()),
            manner=manner or PLAIN,
        )

    def admit(self, request: Request) -> Entry:
        """Decide about a request."""
        need = self.need(request)
        question = self._question(request, need)
        if not isinstance(question, Question):
            return question
        wanted = need if isinstance(need, ScopeGrant) else None
        return _entry(question, question.check(wanted), need)

    async def admit_async(self, request: Request) -> Entry:
        """Decide as `admit` does, without holding up the event loop."""
        need = self.need(request)
        question = self._question(request, need)
        if not isinstance(question, Question):
            return question
        wanted = need if isinstance(need, ScopeGrant) else None
        return _entry(question, await question.check_async(wanted), need)

    def _question(self, request: Request, need: Need | None) -> Question | Answer | None:
        """Find out what has to be decided; an answer where nothing has; None where all enter."""
        if need is Access.PUBLIC:
            return None
        addresses = (request.path, request.as_sent, request.query)
        presented = presented_key(request.headers, addresses=addresses)
        if not isinstance(presented, KeyPresented):
            return answer_of(presented, manner=self.manner)
        client = client_address(request.peer, request.headers, self.forwarding)
        return Question(
            verifier=self.verifier,
            secret=presented.secret,
            address=client.address,
            manner=self.manner,
        )


class Guard(Generic[Guarded]):
    """What stands in front of an application, whatever tells it of requests."""

    def __init__(
        self,
        app: Guarded,
        *,
        verifier: Checks,
        required: Required,
        forwarding: Forwarding | None = None,
        manner: Manner | None = None,
        keeps_credential: bool = False,
    ) -> None:
        """Stand in front of `app`.

        `required`: what a request needs, by method and path; what is not named is refused.
        `forwarding`: whose word about the client's address is believed; nobody's by default.
        `keeps_credential`: whether the application sees the headers that hold the key.

        Raises:
            ConfigInvalid: the table of what is required, or a range of trusted proxies, means
                nothing.
        """
        self._app = app
        self._entrance = Entrance.of(
            verifier, required=required, forwarding=forwarding, manner=manner
        )
        self._keeps_credential = keeps_credential

    def _keeps(self, name: str) -> bool:
        """Whether a request's header reaches the application."""
        return is_kept(name, keeps_credential=self._keeps_credential)


def is_kept(name: str, *, keeps_credential: bool) -> bool:
    """Whether a request's header reaches the application: never one that speaks in our name.

    `name`: in any case; `_` counts as `-`, as it does for programs that are told by variables.
    """
    plain = name.lower().replace("_", "-")
    return not plain.startswith(_OURS) and (keeps_credential or plain not in CREDENTIALS)


def _believed(forwarding: Forwarding) -> Forwarding:
    read = read_forwarding(forwarding.trusted, forwarding.header)
    if not isinstance(read, Forwarding):
        first = read[0]
        raise ConfigInvalid(f"forwarding: {first.text!r}: {first.message}.", advice=first.advice)
    return read


def _rule(required: Required) -> Callable[[Request], Need | None]:
    if not callable(required):
        routes = Routes.of(required)
        return lambda asked: routes.need(asked.method, asked.path, as_sent=asked.as_sent)

    def by_function(asked: Request) -> Need | None:
        if is_odd(asked.path, as_sent=asked.as_sent):
            return None
        need = required(asked.method, asked.path)
        return need if need is None or isinstance(need, Access) else wanted_scope(need)

    return by_function


def _entry(question: Question, verdict: Verdict, need: Need | None) -> Entry:
    wanted = need if isinstance(need, ScopeGrant) else None
    if not isinstance(verdict, Allowed):
        return question.answer(verdict, wanted)
    if need is None:
        return question.answer(_NO_RULE, None)
    return Caller(allowed=verdict, question=question)
