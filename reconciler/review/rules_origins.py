"""AK205 to AK207, AK210, AK232: what allowlists hold, and keys that are alike."""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

from reconciler.model.allowlist import PRIVATE, Network
from reconciler.model.keys import KeyFields, KeySpec
from reconciler.model.severity import Severity
from reconciler.model.spans import Span, spans_of
from reconciler.model.verdict import Dimension
from reconciler.review.origins import (
    BITS,
    count_words,
    counted,
    covers_most,
    share_words,
    spans,
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
_NOBODYS = spans_of(map(str, NOBODYS))
_BEYOND = 1 << 128


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
        ranges = spec.fields.ranges
        if ranges is not None and covers_most(spans(ranges)):
            words = share_words(ranges)
            yield scene.of_spec(
                spec,
                f"allows {words}, which is nobody's network",
                "spec.allowlist",
                whole=_whole(spans(ranges)),
            )


def _broad(found: Iterable[Span]) -> list[tuple[Span, Severity]]:
    broad = []
    for span in found:
        bits = BITS[span.version]
        prefix = bits + 1 - span.size.bit_length()
        severity = next((s for n, s in BROAD[span.version] if 0 < prefix < n), None)
        if severity is not None:
            broad.append((span, severity))
    return broad


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
        found = spans(ranges)
        if not any(_is_beyond(v, n) for v, n in counted(found).items()):
            continue
        broad = _broad(found)
        words = ", ".join(f"{s.text} ({count_words(s.size)})" for s, _ in broad[:4])
        severity = min((s for _, s in broad), key=lambda s: s.rank, default=None)
        if not broad:
            severity, words = _together(ranges)
        if severity is not None:
            more = " and more" if len(broad) > 4 else ""
            yield scene.of_spec(
                spec,
                f"may be used from {words}{more}",
                "spec.allowlist",
                severity=severity,
                whole=f"{_whole(s for s, _ in broad)} {words}",
            )


def _is_beyond(version: int, count: int) -> bool:
    """Whether so many addresses are more than the longest prefix of a broad range holds."""
    return count > 1 << (BITS[version] - BROAD[version][-1][0])


def _together(ranges: tuple[str, ...]) -> tuple[Severity | None, str]:
    """Judge many small ranges by their sum, as one range of that size; most addresses of a family
    are AK205's matter.
    """
    found = spans(ranges)
    if covers_most(found):
        return None, ""
    for version, limits in BROAD.items():
        count = counted(found)[version]
        length = BITS[version] - count.bit_length() + 1
        severity = next((s for limit, s in limits if count and length < limit), None)
        if severity is not None:
            return severity, f"{len(ranges)} ranges with {count_words(count)}"
    return None, ""


def _is_nobodys(span: Span) -> bool:
    """Whether all of a span is in one of the ranges that are nobody's; these are apart."""
    at = bisect_right(_NOBODYS, (span.version, span.first, _BEYOND)) - 1
    if at < 0:
        return False
    version, _, last, _ = _NOBODYS[at]
    return span.version == version and span.last <= last


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
        found = [span for span in spans(spec.fields.ranges or ()) if _is_nobodys(span)]
        if found:
            words = ", ".join(span.text for span in found[:4])
            yield scene.of_spec(
                spec,
                f"allows {words}, which no request from outside has",
                "spec.allowlist",
                whole=_whole(found),
            )


def _whole(found: Iterable[Span]) -> str:
    """Give all of them, where a message names the first."""
    return " ".join(span.text for span in found)


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
        inside = () if _is_kept_whole(spec.fields) else _contained(spec.fields.allowlist or ())
        if inside:
            yield scene.of_spec(
                spec, f"lists {', '.join(inside)} inside of another range", "spec.allowlist"
            )


def _is_kept_whole(fields: KeyFields) -> bool:
    """Whether collapsing the entries took none away: then none is inside of another."""
    entries = fields.allowlist or ()
    return len(entries) == len(fields.ranges or ()) and not any(
        entry.startswith("network:") for entry in entries
    )


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
