"""From where a key may be used, as sets of addresses: what one allowlist holds and another not.

`None` stands for an absent allowlist: every address of both families. Families never mix.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeAlias

from reconciler.model.allowlist import Network, collapse
from reconciler.model.spans import Span, spans_of

Ranges: TypeAlias = tuple[str, ...] | None
"""Canonical ranges, or None for no restriction."""
Run: TypeAlias = tuple[int, int]
"""First and last address of a run of addresses of one family, as numbers."""

EVERYWHERE: tuple[Network, Network] = (
    ipaddress.IPv4Network("0.0.0.0/0"),
    ipaddress.IPv6Network("::/0"),
)
BITS: dict[int, int] = {whole.version: whole.max_prefixlen for whole in EVERYWHERE}
"""By family: how long an address is."""
MOST = {4: 1 << 28, 6: 1 << 116}
"""By family: as many addresses as nobody's network has: a sixteenth of IPv4, and of IPv6 what a
regional registry is given. Who allows them restricts nobody.
"""
_MOST_NAMED = 8
"""Ranges that are named one by one; what is beyond is counted."""
_KEPT = 4096
_ALL_SPANS = spans_of(map(str, EVERYWHERE))


@lru_cache(maxsize=_KEPT)
def spans(ranges: Ranges) -> tuple[Span, ...]:
    """Give an allowlist as numbers: sorted spans that leave addresses between them."""
    return _ALL_SPANS if ranges is None else spans_of(ranges)


@lru_cache(maxsize=_KEPT)
def networks_of(ranges: Ranges) -> tuple[Network, ...]:
    """Give an allowlist as collapsed networks."""
    if ranges is None:
        return EVERYWHERE
    return collapse(ipaddress.ip_network(text) for text in ranges)


@lru_cache(maxsize=_KEPT)
def difference(ranges: Ranges, others: Ranges) -> tuple[Network, ...]:
    """Give the addresses of `ranges` that are not in `others`, as the fewest networks."""
    if ranges == others:
        return ()
    ours, theirs = networks_of(ranges), networks_of(others)
    return tuple(
        network
        for version in (4, 6)
        for run in _without(_runs(ours, version), _runs(theirs, version))
        for network in _networks(run, version)
    )


def _runs(networks: Iterable[Network], version: int) -> list[Run]:
    """Give the runs of one family, sorted and apart from each other."""
    return [
        (int(n.network_address), int(n.broadcast_address)) for n in networks if n.version == version
    ]


def _without(runs: list[Run], others: list[Run]) -> Iterator[Run]:
    """Take `others` out; both sorted and apart, so one walk over both is enough."""
    at = 0
    for first, last in runs:
        start = first
        while at < len(others) and others[at][1] < start:
            at += 1
        position = at
        while position < len(others) and others[position][0] <= last:
            other_first, other_last = others[position]
            if other_first > start:
                yield start, other_first - 1
            start = max(start, other_last + 1)
            position += 1
        if start <= last:
            yield start, last


def _networks(run: Run, version: int) -> Iterator[Network]:
    first, last = run
    if version == 4:
        yield from ipaddress.summarize_address_range(
            ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)
        )
    else:
        yield from ipaddress.summarize_address_range(
            ipaddress.IPv6Address(first), ipaddress.IPv6Address(last)
        )


def gained_words(new: Ranges, old: Ranges) -> tuple[str, ...]:
    """Say which addresses `new` holds and `old` does not."""
    return _beyond_words(new, old, ", beside")


def lost_words(new: Ranges, old: Ranges) -> tuple[str, ...]:
    """Say which addresses `old` holds and `new` does not."""
    return _beyond_words(old, new, " but")


def _beyond_words(ours: Ranges, theirs: Ranges, but: str) -> tuple[str, ...]:
    """Say what is in `ours` alone: a whole family by its name, and what of it is in both."""
    if ours == theirs:
        return ()
    if ours is None and theirs is not None:
        return (f"the entire internet{but} {', '.join(words_of(networks_of(theirs)))}",)
    beyond = difference(ours, theirs)
    named: list[str] = []
    for whole in EVERYWHERE:
        both = [n for n in networks_of(theirs) if n.version == whole.version]
        if beyond and both and whole in networks_of(ours) and whole not in both:
            beyond = tuple(n for n in beyond if n.version != whole.version)
            told = ", ".join(words_of(tuple(both)))
            named.append(f"the entire internet over IPv{whole.version}{but} {told}")
    return (*named, *words_of(beyond))


def words_of(networks: tuple[Network, ...]) -> tuple[str, ...]:
    """Say which addresses these are: each range with its size, whole families by name."""
    whole = [n for n in networks if n in EVERYWHERE]
    if len(whole) == len(EVERYWHERE):
        return ("the entire internet",)
    named = [f"the entire internet over IPv{n.version}" for n in whole]
    rest = [n for n in networks if n not in EVERYWHERE]
    named += [f"{n} ({count_words(n.num_addresses)})" for n in rest[:_MOST_NAMED]]
    left = rest[_MOST_NAMED:]
    if left:
        total = sum(n.num_addresses for n in left)
        named.append(f"{len(left)} more ranges ({count_words(total)})")
    return tuple(named)


def count_words(count: int) -> str:
    """Say how many addresses: `1 address`, `256 addresses`, `2^80 addresses`, `about 2^33 …`."""
    if count == 1:
        return "1 address"
    if count < 10_000_000:
        return f"{count:,} addresses"
    power = count.bit_length() - 1
    return f"{'' if count == 1 << power else 'about '}2^{power} addresses"


def covers_most(found: Iterable[Span]) -> tuple[tuple[int, bool], ...]:
    """Give the families, 4 and 6, of which so many addresses are covered that nobody's network has
    them, each with whether it is all of them.
    """
    counts = counted(found)
    return tuple(
        (version, count >= 1 << BITS[version])
        for version, count in counts.items()
        if count >= MOST[version]
    )


def counted(found: Iterable[Span]) -> dict[int, int]:
    """Give the number of addresses in spans that are apart, by family: 4, then 6."""
    counts = {4: 0, 6: 0}
    for version, first, last, _ in found:
        counts[version] += last - first + 1
    return counts


def share_words(ranges: Ranges) -> str:
    """Say how much of each family is covered of which most is: `44 % of IPv4`."""
    found, words = spans(ranges), []
    for version, is_all in covers_most(found):
        count = counted(found)[version]
        percent = 100 * count / (1 << BITS[version])
        part = f"{percent:.0f} %" if percent >= 1 else count_words(count)
        words.append(f"{'all' if is_all else part} of IPv{version}")
    return " and ".join(words)


def _is_most(networks: Iterable[Network], version: int) -> bool:
    return addresses_in(networks, version) >= MOST[version]


def addresses_in(networks: Iterable[Network], version: int) -> int:
    """Count the addresses of one family in networks that do not overlap."""
    return sum(n.num_addresses for n in networks if n.version == version)


def is_opened(new: Ranges, old: Ranges) -> bool:
    """Whether an allowlist is taken away, or comes to hold most addresses of a family: those that
    it gains are most by themselves, or it held few before.
    """
    if old is None or new is None:
        return old is not None
    gained = difference(new, old)
    before = {version for version, _ in covers_most(spans(old))}
    return any(
        _is_most(gained, version)
        or (version not in before and any(n.version == version for n in gained))
        for version, _ in covers_most(spans(new))
    )
