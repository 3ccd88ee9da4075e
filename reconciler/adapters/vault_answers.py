"""What an answer of Vault's means: a closed set of troubles, read from status and form.

Text of an answer is matched, never repeated: a server between us and Vault could echo a request
with its secret. Which error of the port a trouble becomes is the matter of `vault_errors`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from reconciler.adapters.vault_pool import Exchange, Lost, NotSent, NotWritten
from reconciler.adapters.vault_wire import Response

LONGEST_WAIT = 300.0
"""More seconds than this of `Retry-After` are not believed."""


class Trouble(StrEnum):
    """Why a request did not do what it should."""

    NOT_SENT = "not sent"
    NOT_WRITTEN = "no request"
    LOST = "no answer"
    NOT_VAULT = "not an answer of Vault's"
    REDIRECT = "redirect"
    CONFLICT = "check-and-set refused"
    UPGRADING = "engine upgrading"
    BAD_REQUEST = "bad request"
    DENIED = "denied"
    ABSENT = "absent"
    NO_ROUTE = "no such mount"
    LATE_NODE = "node not up to date"
    RATE_LIMITED = "rate limited"
    RECOVERY_NODE = "disaster recovery secondary"
    STANDBY_NODE = "performance standby"
    SEALED = "sealed"
    SERVER = "server error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """A request that was done."""

    document: Mapping[str, Any] = field(repr=False)
    """The decoded answer, empty where there was no content; may hold a secret."""

    @property
    def body(self) -> Mapping[str, Any]:
        """Give the answer's `data`, empty where it has none."""
        data = self.document.get("data")
        return data if isinstance(data, Mapping) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A request that was not done, or of which nobody knows."""

    trouble: Trouble
    status: int | None = None
    reason: str = ""
    """Our own words; a host's name at most."""
    retry_after: float | None = None
    said: tuple[str, ...] = field(default=(), repr=False)
    """Vault's own words, for logins alone; they are shown only after a check for secrets."""


Answer: TypeAlias = Success | Failure

_BY_STATUS = {
    400: Trouble.BAD_REQUEST,
    403: Trouble.DENIED,
    404: Trouble.ABSENT,
    405: Trouble.NO_ROUTE,
    412: Trouble.LATE_NODE,
    429: Trouble.RATE_LIMITED,
    472: Trouble.RECOVERY_NODE,
    473: Trouble.STANDBY_NODE,
}
_BY_WORDS = (
    (400, "check-and-set parameter did not match", Trouble.CONFLICT),
    (400, "upgrading from non-versioned to versioned", Trouble.UPGRADING),
    (404, "no handler for route", Trouble.NO_ROUTE),
    (503, "vault is sealed", Trouble.SEALED),
)


def answer_of(exchange: Exchange) -> Answer:
    """Say what became of a request."""
    match exchange:
        case NotSent():
            return Failure(trouble=Trouble.NOT_SENT, reason=exchange.reason)
        case NotWritten():
            return Failure(trouble=Trouble.NOT_WRITTEN)
        case Lost():
            return Failure(trouble=Trouble.LOST, reason=exchange.reason)
        case Response():
            return _read(exchange)


def _read(response: Response) -> Answer:
    status = response.status
    if 300 <= status < 400:
        reason = _host(response.headers.get("location", ""))
        return Failure(trouble=Trouble.REDIRECT, status=status, reason=reason)
    if status == 204:
        return Success(document={})
    document = _decoded(response.body)
    if document is None and (status == 404 or 200 <= status < 300):
        return Failure(
            trouble=Trouble.NOT_VAULT, status=status
        )  # Vault says in JSON what is absent
    if document is not None and 200 <= status < 300:
        return Success(document=document)
    said = _errors(document)
    return Failure(
        trouble=_trouble(status, said),
        status=status,
        retry_after=_seconds(response.headers.get("retry-after", "")),
        said=said,
    )


def _trouble(status: int, said: tuple[str, ...]) -> Trouble:
    text = "\n".join(said).lower()
    for known, words, trouble in _BY_WORDS:
        if status == known and words in text:
            return trouble
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Trouble.SERVER if status >= 500 else Trouble.BAD_REQUEST


def _decoded(body: bytes) -> Mapping[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _errors(document: Mapping[str, Any] | None) -> tuple[str, ...]:
    errors = (document or {}).get("errors")
    return tuple(e for e in errors if isinstance(e, str)) if isinstance(errors, list) else ()


def _seconds(text: str) -> float | None:
    """Read `Retry-After` in seconds; a date would need a clock and is left out."""
    return min(float(text), LONGEST_WAIT) if text.isascii() and text.isdigit() else None


def _host(location: str) -> str:
    try:
        return urlsplit(location).hostname or "this host"
    except ValueError:
        return "another host"
