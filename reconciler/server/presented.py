"""Which key a request presents: at most one, and never one from an address.

The rule: `Authorization: Bearer` and `X-API-Key` are read, each as often as it stands there; two
different keys are no key. A query string is never a source, because it ends up in logs and
histories: a request that carries something like a key in one is answered as if it carried none.
What does not live here: whether the key is any good, and HTTP libraries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import unquote

from reconciler.model.secret import Secret
from reconciler.model.token import SHORTEST_TOKEN, TOKEN_PATTERN

Headers: TypeAlias = Iterable[tuple[str, str]]
"""Names and values as text (latin-1 of the bytes), repeated ones repeated."""
HeaderValues: TypeAlias = Mapping[str, Sequence[str]]
"""All values by a header's name in small letters."""

ORIGINAL_ADDRESSES: Final = frozenset(
    {"x-original-uri", "x-original-url", "x-forwarded-uri", "x-envoy-original-path"}
)
"""Headers in which proxies name the address that their client asked for."""

CREDENTIAL_HEADERS: Final = frozenset({"authorization", "x-api-key"}) | ORIGINAL_ADDRESSES
"""All headers that are looked at."""
_BEARER = re.compile(r"bearer[ \t]+(?P<key>.+)", re.IGNORECASE | re.DOTALL)
_LIKE_A_KEY = re.compile(TOKEN_PATTERN, re.ASCII)
_BLANKS = " \t"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPresented:
    """The request presents no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPresented:
    """The request presents one key, whatever it is worth."""

    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradictory:
    """The request presents two different keys: neither is looked at."""


Presentation: TypeAlias = NotPresented | KeyPresented | Contradictory


def presented_key(headers: Headers, *, addresses: Iterable[str] = ()) -> Presentation:
    """Find the key that a request presents.

    `addresses`: the request's own path and query, as they were sent; they are only looked at for
    something like a key, as those are that a proxy forwards.
    """
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return presented_among(values, addresses=addresses)


def presented_among(values: HeaderValues, *, addresses: Iterable[str] = ()) -> Presentation:
    """Find the key as `presented_key` does, among all values of `CREDENTIAL_HEADERS`."""
    forwarded = [v for name in ORIGINAL_ADDRESSES if name in values for v in values[name]]
    for address in (*addresses, *forwarded):
        if holds_something_like_a_key(address):
            return NotPresented()
    texts = _texts(values)
    if len(texts) > 1:
        return Contradictory()
    return KeyPresented(secret=Secret(texts.pop())) if texts else NotPresented()


def holds_something_like_a_key(address: str) -> bool:
    """Whether an address holds the text of a key, whoever issued it, plain or encoded."""
    if len(address) < SHORTEST_TOKEN:
        return False
    return any(_LIKE_A_KEY.search(text) is not None for text in (address, unquote(address)))


def _texts(values: HeaderValues) -> set[str]:
    """Give every text that is presented as a key; a scheme without a text presents none."""
    texts = set()
    for value in values.get("authorization", ()):
        bearer = _BEARER.fullmatch(value.strip(_BLANKS))
        if bearer is not None:
            texts.add(bearer["key"].strip(_BLANKS))
    for value in values.get("x-api-key", ()):
        texts.add(value.strip(_BLANKS))
    texts.discard("")
    return texts
