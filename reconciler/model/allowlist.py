"""From where a key may be used: addresses and ranges, read without any guessing.

A range is text of the form `address` or `address/prefix`. Everything that `ipaddress` would
silently turn into something else is refused with the mend: host bits, netmasks, zone ids, leading
zeros, and IPv4 inside IPv6 in its several disguises (mapped, NAT64, 6to4, Teredo).
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_PREFIX = re.compile(r"0|[1-9][0-9]*")
_PREFIX_ADVICE = "write a prefix length, such as the 24 of 203.0.113.0/24"
_DISGUISES = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), "an IPv4-mapped address"),
    (ipaddress.IPv6Network("64:ff9b::/96"), "a NAT64 address"),
    (ipaddress.IPv6Network("64:ff9b:1::/48"), "a NAT64 address"),
    (ipaddress.IPv6Network("2002::/16"), "a 6to4 address"),
    (ipaddress.IPv6Network("2001::/32"), "a Teredo address"),
)
_COMPILED = 8192
"""How many different allowlists are kept ready to be asked."""
PRIVATE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"),
        *("169.254.0.0/16", "::1/128", "fe80::/10", "fc00::/7"),
    )
)
"""What is not routed over the internet: private, shared, loopback and link-local addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRefused:
    """Why a text is not a range, and what to write instead."""

    message: str
    advice: str


def parse_range(text: str) -> Network | RangeRefused:
    """Read one address or range; an address is the range that holds only itself."""
    head, slash, prefix = text.partition("/")
    return (
        _refuse_spaces(text)
        or _refuse_zone(text)
        or _refuse_padded_octets(head, slash + prefix)
        or (_refuse_netmask(head, prefix) if slash else None)
        or _parse_plain(text, head, prefix)
    )


def _refuse_spaces(text: str) -> RangeRefused | None:
    """Refuse white space around or inside a range."""
    if not any(character.isspace() for character in text):
        return None
    return RangeRefused(message="a range holds no spaces", advice=_mend("".join(text.split())))


def _refuse_zone(text: str) -> RangeRefused | None:
    """Refuse `%eth0`, which names a network card of one machine."""
    if "%" not in text:
        return None
    mended = re.sub(r"%[^/]*", "", text)
    return RangeRefused(message="zone ids mean nothing to another machine", advice=_mend(mended))


def _refuse_padded_octets(head: str, rest: str) -> RangeRefused | None:
    """Refuse `010.0.0.1`, which some programs read as decimal and some as octal."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+){3}", head) is None:
        return None
    plain = ".".join(octet.lstrip("0") or "0" for octet in head.split("."))
    if plain == head:
        return None
    return RangeRefused(
        message="leading zeros are octal to some programs and decimal to others",
        advice=_mend(f"{plain}{rest}"),
    )


def _refuse_netmask(head: str, prefix: str) -> RangeRefused | None:
    """Refuse everything after a slash that is not a plain prefix length."""
    if _PREFIX.fullmatch(prefix) is not None:
        return None
    length = None if ":" in head and "." in prefix else _prefix_length(prefix)
    return RangeRefused(
        message="only a prefix length may follow the slash, no netmask and no leading zero",
        advice=_PREFIX_ADVICE if length is None else _mend(f"{head}/{length}"),
    )


def _prefix_length(prefix: str) -> str | None:
    """Give the length that a padded prefix, netmask or hostmask stands for; None for others."""
    if re.fullmatch(r"[0-9]+", prefix) is not None:
        return prefix.lstrip("0") or "0"
    try:
        return str(ipaddress.IPv4Network(f"0.0.0.0/{prefix}").prefixlen)
    except ValueError:
        return None


def _mend(text: str) -> str:
    """Give the advice to write `text`, or the advice for `text` where that is refused too."""
    mended = parse_range(text)
    if not isinstance(mended, RangeRefused):
        return f"write {text}"
    return mended.advice


def _parse_plain(text: str, head: str, prefix: str) -> Network | RangeRefused:
    """Read a text whose prefix is of digits or absent."""
    try:
        address = ipaddress.ip_address(head)
    except ValueError:
        return RangeRefused(
            message="this is not an address or a range",
            advice="write an address such as 203.0.113.7 or a range such as 203.0.113.0/24",
        )
    if prefix and (len(prefix) > 3 or int(prefix) > address.max_prefixlen):
        return RangeRefused(
            message=f"a prefix of {prefix} is longer than the address",
            advice=f"IPv{address.version} prefixes end at /{address.max_prefixlen}",
        )
    network = ipaddress.ip_network(text, strict=False)
    return (
        _refuse_disguise(text, address, network) or _refuse_host_bits(address, network) or network
    )


def _refuse_disguise(text: str, address: Address, network: Network) -> RangeRefused | None:
    """Refuse IPv6 ranges that stand for IPv4 addresses: they would never match, or match all."""
    if isinstance(address, ipaddress.IPv4Address) or isinstance(network, ipaddress.IPv4Network):
        return None
    advice = "write the IPv4 range or the native IPv6 range of the callers"
    if address.ipv4_mapped is not None and network.prefixlen >= 96:
        advice = _mend(f"{address.ipv4_mapped}/{network.prefixlen - 96}")
    for disguise, name in _DISGUISES:
        if network.subnet_of(disguise):
            return RangeRefused(message=f"{text} is {name}", advice=advice)
    return None


def _refuse_host_bits(address: Address, network: Network) -> RangeRefused | None:
    """Refuse an address with bits set beyond its prefix, and name both things it may mean."""
    if address == network.network_address:
        return None
    return RangeRefused(
        message=f"{address}/{network.prefixlen} has bits set beyond its prefix",
        advice=f"write {network} for the range or {address}/{address.max_prefixlen} "
        "for the one address",
    )


def collapse(networks: Iterable[Network]) -> tuple[Network, ...]:
    """Give the smallest list of ranges that holds the same addresses: IPv4 first, sorted."""
    listed = list(networks)
    fours = [n for n in listed if isinstance(n, ipaddress.IPv4Network)]
    sixes = [n for n in listed if isinstance(n, ipaddress.IPv6Network)]
    return (*ipaddress.collapse_addresses(fours), *ipaddress.collapse_addresses(sixes))


def canonical_address(text: str) -> Address | None:
    """Read a client's address: without its zone, IPv4-mapped ones unmapped. None where it is no
    address.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return address.ipv4_mapped or ipaddress.IPv6Address(int(address))


def contains(ranges: Iterable[str], address: Address) -> bool:
    """Whether any of the canonical ranges holds the address; families never mix.

    Asked on every call of a key with an allowlist: the same ranges are read once, then bisected.
    """
    firsts, reaches = _bounds(tuple(ranges))[address.version]
    number = int(address)
    begun = bisect_right(firsts, number)
    return begun > 0 and number <= reaches[begun - 1]


@lru_cache(maxsize=_COMPILED)
def _bounds(ranges: tuple[str, ...]) -> dict[int, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Give by family the first addresses of all ranges, sorted, and beside each how far it and
    those before it reach. Numbers.
    """
    spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
    for network in map(ipaddress.ip_network, ranges):
        span = int(network.network_address), int(network.broadcast_address)
        spans[network.version].append(span)
    return {
        version: (
            tuple(first for first, _ in sorted(listed)),
            tuple(accumulate((last for _, last in sorted(listed)), max)),
        )
        for version, listed in spans.items()
    }


def lies_in(network: Network, ranges: Iterable[Network]) -> bool:
    """Whether one of the ranges holds all of a network; families never mix."""
    return any(
        network.version == r.version and network.subnet_of(r)  # type: ignore[arg-type]  # one family
        for r in ranges
    )
