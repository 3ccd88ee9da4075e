"""From where a key may be used: addresses and ranges, read without any guessing.

A range is text of the form `address` or `address/prefix`. Everything that `ipaddress` would
silently turn into something else is refused with the mend: host bits, netmasks, zone ids, leading
zeros, and IPv4 inside IPv6 in its several disguises (mapped, NAT64, 6to4, Teredo).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")
_DISGUISES = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), "an IPv4-mapped address"),
    (ipaddress.IPv6Network("64:ff9b::/96"), "a NAT64 address"),
    (ipaddress.IPv6Network("64:ff9b:1::/48"), "a NAT64 address"),
    (ipaddress.IPv6Network("2002::/16"), "a 6to4 address"),
    (ipaddress.IPv6Network("2001::/32"), "a Teredo address"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRefused:
    """Why a text is not a range, and what to write instead."""

    message: str
    advice: str


def parse_range(text: str) -> Network | RangeRefused:
    """Read one address or range; an address is the range that holds only itself."""
    head, slash, prefix = text.partition("/")
    if "%" in text:
        return RangeRefused(
            message="zone ids mean nothing to another machine",
            advice=f"write {head.partition('%')[0]}",
        )
    if slash and _PREFIX.fullmatch(prefix) is None:
        return RangeRefused(
            message="only a prefix length may follow the slash, no netmask and no leading zero",
            advice=_prefix_advice(head, prefix),
        )
    try:
        address = ipaddress.ip_address(head)
    except ValueError:
        return RangeRefused(
            message="this is not an address or a range",
            advice="write an address such as 203.0.113.7 or a range such as 203.0.113.0/24",
        )
    if slash and int(prefix) > address.max_prefixlen:
        return RangeRefused(
            message=f"a prefix of {prefix} is longer than the address",
            advice=f"IPv{address.version} prefixes end at /{address.max_prefixlen}",
        )
    network = ipaddress.ip_network(text, strict=False)
    return _refuse_host_bits(address, network) or _refuse_disguise(network) or network


def _prefix_advice(head: str, prefix: str) -> str:
    """Give the prefix form of a netmask or of a padded prefix where there is one."""
    try:
        network = ipaddress.ip_network(f"{head}/{prefix.lstrip('0') or '0'}", strict=False)
    except ValueError:
        return "write a prefix length such as 203.0.113.0/24"
    return f"write {network}"


def _refuse_host_bits(address: Address, network: Network) -> RangeRefused | None:
    """Refuse an address with bits set beyond its prefix, and name both things it may mean."""
    if address == network.network_address:
        return None
    return RangeRefused(
        message=f"{address}/{network.prefixlen} has bits set beyond its prefix",
        advice=f"write {network} for the range or {address}/{address.max_prefixlen} "
        "for the one address",
    )


def _refuse_disguise(network: Network) -> RangeRefused | None:
    """Refuse IPv6 ranges that stand for IPv4 addresses: they would never match, or match all."""
    if not isinstance(network, ipaddress.IPv6Network):
        return None
    for disguise, name in _DISGUISES:
        if network.subnet_of(disguise):
            return RangeRefused(message=f"{network} is {name}", advice=_plain_form(network))
    return None


def _plain_form(network: ipaddress.IPv6Network) -> str:
    """Name the IPv4 range that a mapped range stands for, or the general mend."""
    mapped = network.network_address.ipv4_mapped
    if mapped is not None and network.prefixlen >= 96:
        return f"write {mapped}/{network.prefixlen - 96}"
    return "write the IPv4 range or the native IPv6 range of the callers"


def collapse(networks: Iterable[Network]) -> tuple[Network, ...]:
    """Give the smallest list of ranges that holds the same addresses: IPv4 first, sorted."""
    listed = list(networks)
    fours = [n for n in listed if isinstance(n, ipaddress.IPv4Network)]
    sixes = [n for n in listed if isinstance(n, ipaddress.IPv6Network)]
    return (*ipaddress.collapse_addresses(fours), *ipaddress.collapse_addresses(sixes))


def canonical_address(text: str) -> Address | None:
    """Read a client's address; IPv4-mapped ones are unmapped. None where it is no address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def contains(ranges: Iterable[str], address: Address) -> bool:
    """Whether any of the canonical ranges holds the address; families never mix."""
    networks = (ipaddress.ip_network(text) for text in ranges)
    return any(address.version == n.version and address in n for n in networks)
