"""AK205 to AK207, AK210, AK232: what allowlists hold, and keys that are alike."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from reconciler.model.allowlist import PRIVATE, Network, lies_in
from reconciler.model.keys import KeySpec
from reconciler.model.severity import Severity
from reconciler.model.verdict import Dimension
from reconciler.review.origins import (
    BITS,
    addresses_in,
    count_words,
    covers_most,
    networks_of,
    share_words,
)
from reconciler.review.rule import Declared
from reconciler.review.said import Said
from reconciler.review.scene import Scene

BROAD = {
    4: ((16, Severity.HIGH), (24, Severity.MEDIUM)),
    6: ((48, Severity.HIGH), (56, Severity.MEDIUM)),
}
"""By family: below these prefix lengths a range is too broad, and how grave that is."""
_EXAMPLES = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
NOBODYS = (*PRIVATE, *map(ipaddress.ip_network, _EXAMPLES))
"""Ranges that no request from the internet comes from: private, loopback, link-local, examples."""


@Declared(
    id="AK205",
    follows=frozenset({Dimension.ORIGINS}),
    title="An allowlist that allows everything",
    severity=Severity.CRITICAL,
    why="It looks like a restriction and is none. An allowlist with a sixteenth of all IPv4 "
    "addresses, or with 2^116 of IPv6, in as many pieces as it likes, belongs to nobody's network.",
    mend="Write the system's own addresses.",
    practice="Use IP allowlist for critical integrations.",
)
def allows_everything(scene: Scene) -> Iterator[Said]:
    """The ranges hold all or most addresses of a family, also in pieces."""
    for spec in scene.specs:
        families = () if spec.fields.ranges is None else covers_most(spec.fields.ranges)
        if families:
            words = share_words(spec.fields.ranges)
            said = scene.of_spec(
                spec, f"allows {words}, which is nobody's network", "spec.allowlist"
            )
            yield replace(said, whole=_whole(networks_of(spec.fields.ranges)))


@lru_cache(maxsize=16384)
def _broad(ranges: tuple[str, ...]) -> tuple[tuple[Network, Severity], ...]:
    found = []
    for network in networks_of(ranges):
        for length, severity in BROAD[network.version]:
            if 0 < network.prefixlen < length:
                found.append((network, severity))
                break
    return tuple(found)


@Declared(
    id="AK206",
    follows=frozenset({Dimension.ORIGINS}),
    title="A broad range in an allowlist",
    severity=Severity.MEDIUM,
    at_worst=Severity.HIGH,
    why="Thousands of machines are inside that nobody here runs. Below /16 (IPv6: /48) this is "
    "high.",
    mend="Write the addresses that the system really comes from.",
    practice="Use IP allowlist for critical integrations.",
)
def broad_range(scene: Scene) -> Iterator[Said]:
    """A range is larger than one system's network, or all of them together are."""
    for spec in scene.specs:
        ranges = spec.fields.ranges or ()
        broad = _broad(ranges)
        words = ", ".join(f"{n} ({count_words(n.num_addresses)})" for n, _ in broad[:4])
        severity = min((s for _, s in broad), key=lambda s: s.rank, default=None)
        if not broad:
            severity, words = _together(ranges)
        if severity is not None:
            more = " and more" if len(broad) > 4 else ""
            said = scene.of_spec(
                spec, f"may be used from {words}{more}", "spec.allowlist", severity=severity
            )
            yield replace(said, whole=f"{_whole(n for n, _ in broad)} {words}")


def _together(ranges: tuple[str, ...]) -> tuple[Severity | None, str]:
    """Judge many small ranges by their sum, as one range of that size; most addresses of a family
    are AK205's matter.
    """
    if covers_most(ranges):
        return None, ""
    for version, limits in BROAD.items():
        count = addresses_in(networks_of(ranges), version)
        length = BITS[version] - count.bit_length() + 1
        severity = next((s for limit, s in limits if count and length < limit), None)
        if severity is not None:
            return severity, f"{len(ranges)} ranges with {count_words(count)}"
    return None, ""


@lru_cache(maxsize=16384)
def _private(ranges: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(n for n in networks_of(ranges) if lies_in(n, NOBODYS))


@Declared(
    id="AK207",
    follows=frozenset({Dimension.ORIGINS}),
    title="A private range in production",
    severity=Severity.MEDIUM,
    why="Requests over the internet never have such an origin: the key will be denied, or the list "
    "was meant for something else.",
    mend="Write the public address from which the requests arrive; `keyrec explain` tells it.",
)
def private_range(scene: Scene) -> Iterator[Said]:
    """A key of production allows addresses that are not routed."""
    for spec in scene.specs:
        if spec.fields.environment not in {"prod", "production", "live"}:
            continue
        found = _private(spec.fields.ranges or ())
        if found:
            words = ", ".join(str(n) for n in found[:4])
            said = scene.of_spec(
                spec, f"allows {words}, which no request from outside has", "spec.allowlist"
            )
            yield replace(said, whole=_whole(found))


def _whole(networks: Iterable[Network]) -> str:
    """Give all of them, where a message names the first."""
    return " ".join(str(n) for n in networks)


@Declared(
    id="AK210",
    title="An allowlist entry that another one holds",
    severity=Severity.LOW,
    why="Whoever takes the smaller one out later believes that access ended.",
    mend="Take out what is inside of another entry.",
)
def contained_entry(scene: Scene) -> Iterator[Said]:
    """A literal range is inside of another literal range of the same list."""
    for spec in scene.specs:
        inside = _contained(spec.fields.allowlist or ())
        if inside:
            yield scene.of_spec(
                spec, f"lists {', '.join(inside)} inside of another range", "spec.allowlist"
            )


@lru_cache(maxsize=16384)
def _contained(allowlist: tuple[str, ...]) -> tuple[str, ...]:
    """Give the entries inside of another, by one walk: an outer one comes before what it holds."""
    literal = dict.fromkeys(
        ipaddress.ip_network(e) for e in allowlist if not e.startswith("network:")
    )
    ordered = sorted(literal, key=lambda n: (n.version, int(n.network_address), n.prefixlen))
    inside: set[Network] = set()
    outer: Network | None = None
    for network in ordered:
        if outer is not None and _ends_within(network, outer):
            inside.add(network)
        else:
            outer = network
    return tuple(str(n) for n in literal if n in inside)


def _ends_within(network: Network, outer: Network) -> bool:
    same = network.version == outer.version
    return same and int(network.broadcast_address) <= int(outer.broadcast_address)


@Declared(
    id="AK232",
    title="Two keys that are alike",
    severity=Severity.LOW,
    why="Same owner, scopes, origins and environment: perhaps one of them is not needed.",
    mend="Remove one, or say in the descriptions what tells them apart.",
    practice="Create one key per system and environment.",
)
def alike_keys(scene: Scene) -> Iterator[Said]:
    """Two declared keys of one workspace grant the same to the same owner."""
    groups: defaultdict[tuple[object, ...], list[KeySpec]] = defaultdict(list)
    for spec in scene.specs:
        fields = spec.fields
        system = dict(fields.labels).get("system")
        groups[
            spec.address.workspace,
            fields.environment,
            fields.owner,
            fields.scopes,
            fields.ranges,
            system,
            fields.description,
        ].append(spec)
    for alike in groups.values():
        for spec in alike[1:]:
            yield scene.of_spec(spec, f"is like {alike[0].address} in everything")
