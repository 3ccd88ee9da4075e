"""Ranges of addresses as numbers: what is asked of every key's allowlist is asked of these.

The texts are canonical ones, as `allowlist` gives them. What is plain is read by a pattern and a
few shifts; anything else goes through `ipaddress`, which costs twenty times as much.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from reconciler.model.allowlist import Network, collapse

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_FOUR = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}/(3[0-2]|[12]?[0-9])", re.ASCII)
_SIX = re.compile(
    "([1-9a-f][0-9a-f]{0,3}(?::[1-9a-f][0-9a-f]{0,3}){0,5})::/(12[0-8]|1[01][0-9]|[1-9]?[0-9])",
    re.ASCII,
)
"""A network whose last two groups at least are zero and no other: such a text is canonical."""
_DISGUISED = {(0x2001, 0), (0x64, 0xFF9B)}
"""First two groups of Teredo and NAT64."""
_SIX_TO_FOUR = 0x2002
_KEPT = 8192


class Span(NamedTuple):
    """A network of IPv4 or IPv6: all addresses from `first` to `last`, as numbers."""

    version: int
    first: int
    last: int
    text: str
    """Canonical."""

    @property
    def size(self) -> int:
        """Give the number of addresses: a power of two."""
        return self.last - self.first + 1


def plain_span(text: str) -> Span | None:
    """Read a text that is beyond doubt a canonical range that a manifest may hold; None for any
    other, canonical or not.
    """
    four = _FOUR.fullmatch(text)
    if four is not None:
        a, b, c, d, prefix = map(int, four.groups())
        return _span(text, 4, a << 24 | b << 16 | c << 8 | d, 32 - prefix)
    six = _SIX.fullmatch(text)
    if six is None:
        return None
    groups = [int(group, 16) for group in six[1].split(":")]
    second = groups[1] if len(groups) > 1 else 0
    if groups[0] == _SIX_TO_FOUR or (groups[0], second) in _DISGUISED:
        return None
    first = 0
    for group in groups:
        first = first << 16 | group
    return _span(text, 6, first << 16 * (8 - len(groups)), 128 - int(six[2]))


def _span(text: str, version: int, first: int, bits: int) -> Span | None:
    """Give the range; None where bits are set beyond its prefix."""
    rest = (1 << bits) - 1
    return None if first & rest else Span(version, first, first | rest, text)


@lru_cache(maxsize=_KEPT)
def span_of(text: str) -> Span:
    """Give a canonical range as numbers."""
    return plain_span(text) or _of_network(ipaddress.ip_network(text))


def _of_network(network: Network) -> Span:
    first, last = int(network.network_address), int(network.broadcast_address)
    return Span(network.version, first, last, str(network))


def spans_of(ranges: Iterable[str]) -> tuple[Span, ...]:
    """Give canonical ranges as the fewest networks, IPv4 first, sorted."""
    texts = tuple(ranges)
    spans = sorted(map(span_of, texts))
    if are_apart(spans):
        return tuple(spans)
    return tuple(_of_network(n) for n in collapse(map(ipaddress.ip_network, texts)))


def are_apart(spans: Iterable[Span]) -> bool:
    """Whether sorted spans leave addresses between them, so that no two could be one."""
    family, reach = 0, 0
    for version, first, last, _ in spans:
        if version == family and first <= reach + 1:
            return False
        family, reach = version, last
    return True
