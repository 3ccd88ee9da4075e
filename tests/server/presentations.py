"""Requests that are refused, and what has to be answered: one table for every middleware."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reconciler.config import Disclosure
from reconciler.credentials.verdict import DenialReason, Denied
from reconciler.model.keys import Hold, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.token import compose
from reconciler.server.answers import Answer, Asked, Manner, Misconfigured, answer_of
from reconciler.server.presented import Contradictory, NotPresented
from reconciler.server.routes import Access
from tests.credentials.examples import API_KEY, HOUR, NOON, VERSION_ID
from tests.fakes.verifier import FakeVerifier

KEY = API_KEY.reveal()
BEARER = ("Authorization", f"Bearer {KEY}")
PEER = "198.51.100.7"
REQUIRED: dict[str, Access | str] = {
    "GET /reviews/*": "Reviews:read",
    "POST /reviews/*": "Reviews:operate",
    "/any": Access.ANY_KEY,
    "/healthz": Access.PUBLIC,
}
WRONG_SECRET = compose(
    prefix="krk", environment="prod", version_id=VERSION_ID, secret="W" * 43
).reveal()
UNKNOWN_ID = compose(
    prefix="krk", environment="prod", version_id="0Xjy43zv3DDA", secret="S" * 43
).reveal()
RANGES = ("203.0.113.0/24",)
NEARBY = {"allowlist": RANGES, "ranges": RANGES}
TERSE = Manner(realm="shop", disclosure=Disclosure.TERSE)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A request that does not enter."""

    why: str
    decision: DenialReason | NotPresented | Contradictory | Misconfigured
    headers: tuple[tuple[str, str], ...] = (BEARER,)
    method: str = "GET"
    path: str = "/reviews/1"
    query: str = ""
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    undecided: DenialReason | None = None
    scope: str | None = "Reviews:read"

    def verifier(self) -> FakeVerifier:
        """Give a verifier that knows the key in this state."""
        verifier = FakeVerifier(undecided=self.undecided)
        verifier.change(**self.state)
        return verifier

    def answer(self, verifier: FakeVerifier, manner: Manner) -> Answer:
        """Give what the endpoint would answer to this decision."""
        decision = self.decision
        asked = Asked(scope=self.scope, address=PEER)
        if not isinstance(decision, DenialReason):
            return answer_of(decision, manner=manner, asked=asked)
        denied = Denied(reason=decision, version_id=VERSION_ID, record=verifier.row.record)
        return answer_of(denied, manner=manner, asked=asked)


NO_RULE = Misconfigured(detail="No rule of this service says what this request needs.")

REFUSED = (
    Refused(why="no key", decision=NotPresented(), headers=()),
    Refused(
        why="another scheme", decision=NotPresented(), headers=(("Authorization", "Basic abc"),)
    ),
    Refused(why="a key in the query", decision=NotPresented(), headers=(), query=f"api_key={KEY}"),
    Refused(why="also in the query", decision=NotPresented(), query=f"api_key={KEY}"),
    Refused(
        why="two different keys",
        decision=Contradictory(),
        headers=(BEARER, ("X-API-Key", UNKNOWN_ID)),
    ),
    Refused(
        why="no key's form", decision=DenialReason.MALFORMED, headers=(("X-API-Key", "hello"),)
    ),
    Refused(
        why="a typing error",
        decision=DenialReason.CHECKSUM,
        headers=(("X-API-Key", KEY.replace("SSS", "STS", 1)),),
    ),
    Refused(
        why="an unknown id",
        decision=DenialReason.UNKNOWN_ID,
        headers=(("Authorization", f"Bearer {UNKNOWN_ID}"),),
    ),
    Refused(
        why="a wrong secret",
        decision=DenialReason.WRONG_SECRET,
        headers=(("Authorization", f"Bearer {WRONG_SECRET}"),),
    ),
    Refused(why="leaked", decision=DenialReason.LEAKED, state={"version": {"leaked": True}}),
    Refused(
        why="removed",
        decision=DenialReason.KEY_REMOVED,
        state={"record": {"status": KeyStatus.REMOVED}},
    ),
    Refused(
        why="deactivated", decision=DenialReason.KEY_INACTIVE, state={"fields": {"active": False}}
    ),
    Refused(
        why="on hold",
        decision=DenialReason.KEY_HELD,
        state={"record": {"hold": Hold(reason="stolen?", by="local:alice", since=NOON)}},
    ),
    Refused(
        why="expired", decision=DenialReason.KEY_EXPIRED, state={"record": {"expires_at": NOON}}
    ),
    Refused(
        why="rotated away",
        decision=DenialReason.VERSION_RETIRED,
        state={"version": {"state": VersionState.RETIRED, "retire_at": NOON - HOUR}},
    ),
    Refused(
        why="from elsewhere", decision=DenialReason.ADDRESS_NOT_ALLOWED, state={"fields": NEARBY}
    ),
    Refused(
        why="wants more",
        decision=DenialReason.INSUFFICIENT_SCOPE,
        method="POST",
        scope="Reviews:operate",
    ),
    Refused(
        why="store away",
        decision=DenialReason.UNAVAILABLE,
        undecided=DenialReason.UNAVAILABLE,
    ),
    Refused(
        why="too much at once",
        decision=DenialReason.OVERLOADED,
        undecided=DenialReason.OVERLOADED,
    ),
    Refused(why="no rule for the path", decision=NO_RULE, path="/elsewhere", scope=None),
    Refused(why="no rule for the method", decision=NO_RULE, method="PUT", scope=None),
    Refused(why="an odd path", decision=NO_RULE, path="/healthz/../reviews/1", scope=None),
    Refused(why="another case", decision=NO_RULE, path="/Reviews/1", scope=None),
)
