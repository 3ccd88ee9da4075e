"""AK309 to AK311: from where keys are used, and how often they are refused."""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from reconciler.model.allowlist import Address, Network, collapse
from reconciler.model.moments import moment
from reconciler.model.severity import Severity
from reconciler.model.uses import UseKind, UseMark, hour_of
from reconciler.review.callers import RECENT, holds
from reconciler.review.origins import BITS, Ranges, addresses_in, networks_of, words_of
from reconciler.review.rule import Declared
from reconciler.review.said import Said
from reconciler.review.scene import Scene

BLOCK = {4: 24, 6: 48}
"""By family: how long the prefix of one network is."""
MUCH_WIDER = 16
"""So many networks for each that was seen are too many."""
BURST = 50
LATELY = timedelta(days=7)
AT_ONCE = timedelta(hours=1)
_MOST_NAMED = 8


@Declared(
    id="AK309",
    by_use=True,
    standing=True,
    title="An allowlist that is much wider than its callers",
    severity=Severity.LOW,
    why="The key works from sixteen times as many networks (/24, of IPv6 /48) as it was seen from "
    "in 30 days, or more: whoever copies it has that much room.",
    mend="Write what the finding names, and the ways out that stand by.",
    practice="Use IP allowlist for critical integrations.",
)
def wider_than_callers(scene: Scene) -> Iterator[Said]:
    """A key that works allows far more than all that verifiers saw in thirty days."""
    for record in scene.lasting:
        since, until = scene.usage.since(record), scene.usage.until
        if since is None or until is None or until - since < RECENT:
            continue
        ranges, spec = record.fields.ranges, scene.spec_of.get(record.address)
        if spec is not None and spec.fields.ranges != ranges:
            continue
        if not scene.usage.tells_all(record.versions, UseKind.ORIGIN):
            continue
        seen = scene.usage.origins(record.versions, until - RECENT)
        inside = sorted((a for a in seen if holds(ranges, a)), key=lambda a: (a.version, int(a)))
        if inside and _is_much_wider(ranges, inside):
            allowed = ", ".join(words_of(networks_of(ranges)))
            yield scene.of_record(
                record,
                f"works from {allowed}, and in 30 days was seen from {_counted(inside)} alone; "
                f"enough would be {_enough(inside)}",
            )


def _is_much_wider(ranges: Ranges, seen: Iterable[Address]) -> bool:
    blocks = {_block(address) for address in seen}
    for version, length in BLOCK.items():
        allowed = addresses_in(networks_of(ranges), version) >> (BITS[version] - length)
        if allowed >= MUCH_WIDER * max(1, sum(b.version == version for b in blocks)):
            return True
    return False


def _counted(seen: Collection[Address]) -> str:
    return "1 address" if len(seen) == 1 else f"{len(seen)} addresses"


def _enough(seen: Collection[Address]) -> str:
    """Give the addresses, or their networks where they are many."""
    if len(seen) <= _MOST_NAMED:
        return ", ".join(str(address) for address in seen)
    return ", ".join(str(network) for network in collapse(_block(address) for address in seen))


@lru_cache(maxsize=16384)
def _block(address: Address) -> Network:
    return ipaddress.ip_network((int(address), BLOCK[address.version]), strict=False)


@Declared(
    id="AK310",
    by_use=True,
    standing=True,
    title="A key is refused again and again",
    severity=Severity.HIGH,
    why="Fifty refusals within one hour are a system that was forgotten, or somebody who tries "
    "what a found key can do. The last seven days count.",
    mend="Look at the reasons and addresses: `keyrec explain` tells what each means. Hold the key "
    "(`keyrec hold`) where nobody knows who that is.",
)
def refused_in_a_burst(scene: Scene) -> Iterator[Said]:
    """The secrets of one key were refused fifty times or more within one hour."""
    for record in scene.stored if scene.usage.is_told else ():
        hours: defaultdict[datetime, list[UseMark]] = defaultdict(list)
        for version in scene.usage.known(record):
            for mark in scene.usage.of(version).refusals:
                if scene.now - mark.last_at <= LATELY:
                    hours[hour_of(mark.last_at)].append(mark)
        bursts = [hour for hour, marks in hours.items() if _times(marks) >= BURST]
        if bursts:
            hour = max(bursts)
            yield scene.of_record(
                record,
                f"was refused {_times(hours[hour])} times in the hour from {moment(hour)}: "
                f"{_reasons(hours[hour])}",
            )


def _times(marks: Iterable[UseMark]) -> int:
    return sum(mark.times for mark in marks)


def _reasons(marks: Iterable[UseMark]) -> str:
    """Give the reasons, each with its address and count, the most frequent first."""
    counts = Counter[str]()
    for mark in marks:
        reason, address = mark.refusal
        counts[f"{reason} from {address}" if address else reason] += mark.times
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    named = [f"{words} ({times})" for words, times in ordered[:_MOST_NAMED]]
    left = sum(times for _, times in ordered[_MOST_NAMED:])
    return ", ".join([*named, *([f"others ({left})"] if left else [])])


@Declared(
    id="AK311",
    by_use=True,
    standing=True,
    title="A secret is used from several networks at once",
    severity=Severity.MEDIUM,
    why="Within one hour the same secret came from two networks (/24, of IPv6 /48) or more: it is "
    "shared by systems, or somebody has a copy. The last thirty days count.",
    mend="Give each system a key of its own; where one system has several ways out, accept it.",
    practice="Create one key per system and environment.",
)
def used_from_several(scene: Scene) -> Iterator[Said]:
    """One accepted secret was allowed from networks of one family within an hour."""
    for record in scene.lasting if scene.usage.is_told else ():
        for version in scene.usage.family(record):
            origins = scene.usage.origins((version,), scene.now - RECENT)
            for late, networks in _at_once(origins):
                yield scene.of_record(
                    record,
                    f"has a secret (…{version.last_characters}) that was used from "
                    f"{len(networks)} networks in the hour until {moment(late)}: "
                    f"{_named(networks)}",
                )


def _at_once(
    origins: Mapping[Address, datetime],
) -> Iterator[tuple[datetime, tuple[Network, ...]]]:
    """Give, by family, when several networks were seen within an hour last, and which."""
    for family in BLOCK:
        seen = [(_block(a), at) for a, at in origins.items() if a.version == family]
        for (one, late), (other, early) in pairwise(seen):
            if one != other and late - early <= AT_ONCE:
                there = {network for network, at in seen if late - AT_ONCE <= at <= late}
                yield late, tuple(sorted(there, key=lambda n: int(n.network_address)))
                break


def _named(networks: tuple[Network, ...]) -> str:
    named = [str(network) for network in networks[:_MOST_NAMED]]
    left = len(networks) - len(named)
    return ", ".join([*named, *([f"{left} more"] if left else [])])
