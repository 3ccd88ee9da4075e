"""A forge's HTTP API: JSON in and out, patient with servers that stumble, no redirect followed.

The token stands in a header and nowhere else: not in an address, not in a message.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

ATTEMPTS = 4
LONGEST_WAIT = 60.0
LONGEST_ANSWER = 32 * 1024 * 1024
MOST_PAGES = 100
_SECONDS = 30
_PASSING = {429, 500, 502, 503, 504}
_DENIED = {401, 403, 404}
"""GitHub and GitLab answer 404 where a token may not even know that something is there."""


class ApiTrouble(Exception):
    """The forge did not do what was asked: its status, 0 where none came."""

    def __init__(self, status: int, what: str) -> None:
        """Hold the status and what was asked for, without address or token."""
        super().__init__(f"{what} was answered with {status}" if status else f"no answer to {what}")
        self.status = status


class ApiUnusable(ValueError):
    """The address of the API is none that a token may be sent to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded answer and where the next page is."""

    document: Any
    next_page: str | None = None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: the request carries a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One API and the right to use it."""

    root: str
    headers: Mapping[str, str] = field(repr=False)
    patience: float = 1.0
    """The first wait in seconds; it doubles."""

    def __post_init__(self) -> None:
        """Refuse an address to which the token would go in the clear."""
        parts = urllib.parse.urlsplit(self.root)
        local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise ApiUnusable("The address of the forge's API has to begin with https://.")

    def pages(self, path: str) -> Iterator[Any]:
        """Give the entries of a list, page after page.

        Raises:
            ApiTrouble: a page could not be had.
        """
        mark = "&" if "?" in path else "?"
        address: str | None = f"{self.root}{path}{mark}per_page=100"
        for _ in range(MOST_PAGES):
            if address is None:
                return
            answer = self._patiently("GET", address, None)
            yield from answer.document
            address = answer.next_page

    def get(self, path: str) -> Any:
        """Give one document; raises ApiTrouble."""
        return self._patiently("GET", f"{self.root}{path}", None).document

    def change(self, method: str, path: str, document: Any) -> Any:
        """Send a change that may be sent twice, with patience; raises ApiTrouble."""
        return self._patiently(method, f"{self.root}{path}", document).document

    def create(self, path: str, document: Any) -> Any:
        """Send once: after a failure nobody knows whether it was done; raises ApiTrouble."""
        return self._once("POST", f"{self.root}{path}", document).document

    def rest(self, attempt: int, asked: float | None = None) -> None:
        """Wait before another attempt, as long as the server asked or twice as long each time."""
        wait = self.patience * 2**attempt if asked is None else asked * min(self.patience, 1)
        time.sleep(min(wait, LONGEST_WAIT))

    def _patiently(self, method: str, address: str, document: Any) -> Answer:
        for attempt in range(ATTEMPTS):
            try:
                return self._once(method, address, document)
            except _Passing as trouble:
                if attempt == ATTEMPTS - 1:
                    raise
                self.rest(attempt, trouble.asked)
        raise AssertionError("unreachable")

    def _once(self, method: str, address: str, document: Any) -> Answer:
        what = f"{method} {urllib.parse.urlsplit(address).path}"
        request = urllib.request.Request(  # noqa: S310 - __post_init__ lets only https pass
            address,
            method=method,
            data=None if document is None else json.dumps(document).encode(),
            headers={**self.headers, "Content-Type": "application/json", "User-Agent": "keyrec-ci"},
        )
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=_SECONDS) as answer:
                text = answer.read(LONGEST_ANSWER)
                following = self._next(answer.headers.get("Link"))
        except urllib.error.HTTPError as error:
            with error:
                raise _trouble(error, what) from None
        except (OSError, http.client.HTTPException):
            raise _Passing(0, what, None) from None
        try:
            return Answer(json.loads(text) if text else None, following)
        except ValueError:
            raise ApiTrouble(0, what) from None

    def _next(self, link: str | None) -> str | None:
        """Give the next page, if it is one of this API: the token goes nowhere else."""
        for part in (link or "").split(","):
            address, _, relation = part.strip().partition(">")
            if 'rel="next"' in relation and address.startswith(f"<{self.root}/"):
                return address[1:]
        return None


class _Passing(ApiTrouble):
    """It may be had a little later."""

    def __init__(self, status: int, what: str, asked: float | None) -> None:
        super().__init__(status, what)
        self.asked = asked


def is_passing(trouble: ApiTrouble) -> bool:
    """Whether the same request may succeed a little later."""
    return isinstance(trouble, _Passing)


def asked_wait(trouble: ApiTrouble) -> float | None:
    """Give the seconds that the server asked to wait."""
    return trouble.asked if isinstance(trouble, _Passing) else None


def explained(trouble: ApiTrouble | ApiUnusable, right: str) -> str:
    """Say what went wrong, and which right is missing where that is why."""
    is_denied = isinstance(trouble, ApiTrouble) and trouble.status in _DENIED
    return f"{trouble}. {right}" if is_denied else f"{trouble}."


def _trouble(error: urllib.error.HTTPError, what: str) -> ApiTrouble:
    asked = error.headers.get("Retry-After", "")
    seconds = float(asked) if asked.isdecimal() else None
    if error.code in _PASSING or (error.code == 403 and seconds is not None):
        return _Passing(error.code, what, seconds)
    return ApiTrouble(error.code, what)
