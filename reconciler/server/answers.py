"""What is answered to a decision over HTTP: status, headers and body, byte for byte.

The rules: until the secret is proven, every refusal is one and the same 401. Whoever holds the
secret is told why it is refused, unless `terse` is asked for. A gateway that is answered 200 gets
every `X-Auth-*` header, `none` where there is nothing to say, so that none of a client's own can
stand in its place. What does not live here: the decision, and HTTP libraries.

Compatibility: codes and header names are only added. Forms: RFC 6750 (challenges), RFC 9457
(bodies).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never
from urllib.parse import quote

from reconciler.config import Disclosure
from reconciler.credentials.verdict import Allowed, DenialReason, Denied, Verdict
from reconciler.server.presented import Contradictory, NotPresented
from reconciler.server.problems import Problem, instant, problem_body
from reconciler.server.reasons import Told, told_about

NONE: Final = "none"
"""What a header says that has nothing to say."""
RETRY_AFTER: Final = "1"
"""Seconds after which an answer may be had that was not to be had now."""
AUTH_HEADERS: Final = (
    "X-Auth-Key-Id",
    "X-Auth-Key-Name",
    "X-Auth-Key-Version",
    "X-Auth-Workspace",
    "X-Auth-Environment",
    "X-Auth-Scopes",
    "X-Auth-Expires-At",
    "X-Auth-Retiring",
    "X-Auth-Rotate-By",
)
"""All that a gateway is told of a key, in this order; each of them in every 200."""

NO_STORE = ("Cache-Control", "no-store")
_PROBLEM_TYPE = ("Content-Type", "application/problem+json")
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '%"\\')

_MISSING = Problem(
    code="missing-credential",
    title="No key was presented",
    detail="Send the key as `Authorization: Bearer` or as `X-API-Key`, never in an address.",
)
_INVALID = Problem(code="invalid-key", title="The key is not valid")
_UNDECIDED = Problem(
    code="undecided",
    title="Keys cannot be checked at the moment",
    detail="Nothing is known of the key; send the same request again.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One complete HTTP answer, less what the server adds to every one of them."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How this place answers."""

    realm: str = "keyrec"
    disclosure: Disclosure = Disclosure.HOLDER
    is_for_nginx: bool = False
    """Whether only 2xx, 401 and 403 are understood: `auth_request` makes an error of the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the decision was about, as far as a holder may be told again."""

    scope: str | None = None
    """What the call needs, `Resource:level`."""
    address: str | None = None
    """The client's address as it was taken to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misconfigured:
    """The question itself is wrong, whatever key is presented: the gateway is set up wrongly."""

    detail: str


Decision: TypeAlias = Verdict | NotPresented | Contradictory | Misconfigured

OK: Final = Answer(status=200, headers=())
"""An answer without words of its own."""
PLAIN: Final = Manner()
NOTHING_ASKED: Final = Asked()


def answer_of(
    decision: Decision, *, manner: Manner = PLAIN, asked: Asked = NOTHING_ASKED
) -> Answer:
    """Give the answer to a decision."""
    match decision:
        case Allowed():
            return _allowed(decision)
        case Denied():
            return _denied(decision, manner, asked)
        case NotPresented():
            return refusal(401, _MISSING, challenge=_challenge(manner.realm))
        case Contradictory():
            return _invalid(manner)
        case Misconfigured():
            wrong = Problem(
                code="misconfigured",
                title="The gateway asks wrongly",
                detail=decision.detail,
            )
            return refusal(403, wrong)
        case _:
            assert_never(decision)


def is_told(denied: Denied, disclosure: Disclosure) -> bool:
    """Whether the reason is told: to holders alone, and no more than was asked for."""
    is_scope = denied.reason is DenialReason.INSUFFICIENT_SCOPE
    return denied.is_proven and (disclosure is Disclosure.HOLDER or is_scope)


def auth_headers(allowed: Allowed) -> tuple[tuple[str, str], ...]:
    """Give what a gateway is told of a key that may be used: every one of `AUTH_HEADERS`."""
    record, fields = allowed.record, allowed.record.fields
    values = (
        record.key_id,
        record.address.name,
        allowed.version.version_id,
        record.address.workspace,
        fields.environment,
        " ".join(_plain(str(grant)) for grant in fields.scopes) or NONE,
        instant(record.expires_at) or NONE,
        "true" if allowed.is_retiring else "false",
        instant(allowed.rotate_by) or NONE,
    )
    names_of_words = AUTH_HEADERS.index("X-Auth-Scopes")
    return tuple(
        (name, value if place == names_of_words else _plain(value))
        for place, (name, value) in enumerate(zip(AUTH_HEADERS, values, strict=True))
    )


def _allowed(allowed: Allowed) -> Answer:
    return Answer(status=200, headers=(NO_STORE, *auth_headers(allowed)))


def _denied(denied: Denied, manner: Manner, asked: Asked) -> Answer:
    if denied.is_undecided:
        retry = ("Retry-After", RETRY_AFTER)
        return refusal(403 if manner.is_for_nginx else 503, _UNDECIDED, more=(retry,))
    if not is_told(denied, manner.disclosure):
        return _invalid(manner)
    told = told_about(denied, scope=asked.scope, address=asked.address)
    return refusal(told.status, told.problem, challenge=_told_challenge(told, manner.realm))


def _invalid(manner: Manner) -> Answer:
    """Give the one answer to whoever proved nothing."""
    return refusal(401, _INVALID, challenge=_challenge(manner.realm, error="invalid_token"))


def _told_challenge(told: Told, realm: str) -> str | None:
    attributes = told.challenge
    return None if attributes is None else _challenge(realm, **attributes)


def _challenge(realm: str, **attributes: str) -> str:
    """Write a challenge of RFC 6750."""
    parts = {"realm": realm, **attributes}
    return "Bearer " + ", ".join(f'{name}="{_quotable(text)}"' for name, text in parts.items())


def refusal(
    status: int,
    problem: Problem,
    *,
    challenge: str | None = None,
    more: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """Give the answer that tells a problem."""
    challenges = () if challenge is None else (("WWW-Authenticate", challenge),)
    return Answer(
        status=status,
        headers=(NO_STORE, _PROBLEM_TYPE, *challenges, *more),
        body=problem_body(problem, status),
    )


def _plain(text: str) -> str:
    """Give a text that may stand in a header and is one word there: the rest percent-encoded."""
    return quote(text, safe=_PRINTABLE, errors="surrogatepass")


def _quotable(text: str) -> str:
    """Give a text that may stand between the quotes of a challenge."""
    return quote(text, safe=_PRINTABLE + " ", errors="surrogatepass")
