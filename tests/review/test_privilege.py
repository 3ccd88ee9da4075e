"""What a change does to a key's access: containment, held against brute force on small universes."""

from __future__ import annotations

import ipaddress
import itertools
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.keys import KeyFields, KeyRecord, KeySpec, KeyStatus
from reconciler.model.lifetime import Expiration
from reconciler.model.scopes import ScopeCatalog, ScopeGrant
from reconciler.model.verdict import Dimension, Verdict, assessed
from reconciler.review.privilege import access_of_record, access_of_spec, shifts_between
from tests.fakes.system import START
from tests.fakes.world import spec

CATALOG = ScopeCatalog.of({"A": ("read", "comment", "operate"), "B": ("read", "change")})
LEVELS = dict(CATALOG.resources)
UNIVERSE = [str(ipaddress.IPv4Address(0x0A000000 + n)) for n in range(8)]
RANGES = [
    str(n) for length in range(4) for n in ipaddress.ip_network("10.0.0.0/29").subnets(length)
]

GRANTS = st.fixed_dictionaries(
    {}, optional={r: st.sampled_from(levels) for r, levels in LEVELS.items()}
).map(lambda d: tuple(ScopeGrant(resource=r, level=v) for r, v in sorted(d.items())))
ORIGINS = st.none() | st.lists(st.sampled_from(RANGES), min_size=1, max_size=3).map(
    lambda drawn: tuple(sorted(set(drawn)))
)


@st.composite
def fields(draw: st.DrawFn) -> KeyFields:
    """Draw what a manifest says of a key, as far as it counts here."""
    ranges = draw(ORIGINS)
    return replace(
        spec("a").fields,
        scopes=draw(GRANTS),
        allowlist=ranges,
        ranges=ranges,
        active=draw(st.booleans()),
        expiration=draw(st.sampled_from(Expiration)),
    )


def declared(these: KeyFields) -> KeySpec:
    """Give a spec with these fields."""
    return replace(spec("a"), fields=these)


def stored(these: KeyFields) -> KeyRecord:
    """Give a record with these fields, made an hour ago or less."""
    return KeyRecord(
        key_id="key-1",
        address=spec("a").address,
        manager="platform-keys",
        status=KeyStatus.LIVE,
        fields=these,
        record_version=1,
        created_at=START,
        expires_at=these.expiration.after(START),
    )


def can_do(these: KeyFields) -> set[tuple[str, str, str]]:
    """Give every resource, level and address by which somebody gets in: the product, one by one.

    Whoever gets in at all can at least show who they are: that is one thing more to do.
    """
    if not these.active:
        return set()
    rights = {("", "")}
    for grant in these.scopes:
        levels = LEVELS[grant.resource]
        rights |= {(grant.resource, level) for level in levels[: levels.index(grant.level) + 1]}
    networks = None if these.ranges is None else [ipaddress.ip_network(r) for r in these.ranges]
    places = {
        a
        for a in UNIVERSE
        if networks is None or any(ipaddress.ip_address(a) in n for n in networks)
    }
    places |= {"elsewhere"} if networks is None else set()
    return {(r, v, place) for (r, v), place in itertools.product(rights, places)}


@given(fields(), fields())
def test_access_is_gained_exactly_where_the_product_is_not_contained(
    old: KeyFields, new: KeyFields
) -> None:
    """Scopes, origins and liveness together, with an end that stays."""
    new = replace(new, expiration=old.expiration)
    before = access_of_record(stored(old), CATALOG, START)
    after = access_of_spec(declared(new), stored(old), CATALOG, START)
    verdict = assessed((True, "a"), shifts_between(before, after)).verdict
    assert verdict.gives_access is not (can_do(new) <= can_do(old))
    loses = verdict in {Verdict.NARROW, Verdict.MIXED}
    assert loses is not (can_do(old) <= can_do(new))


@given(fields())
def test_nothing_changes_where_nothing_changes(same: KeyFields) -> None:
    """NEUTRAL, without a word."""
    before = access_of_record(stored(same), CATALOG, START)
    after = access_of_spec(declared(same), stored(same), CATALOG, START)
    assert assessed((True, "a"), shifts_between(before, after)).shifts == ()


@given(fields(), fields())
def test_back_is_the_other_way_round(one: KeyFields, other: KeyFields) -> None:
    """What is gained there is lost here."""
    other = replace(other, expiration=one.expiration)
    there = shifts_between(
        access_of_record(stored(one), CATALOG, START),
        access_of_spec(declared(other), stored(one), CATALOG, START),
    )
    back = shifts_between(
        access_of_record(stored(other), CATALOG, START),
        access_of_spec(declared(one), stored(other), CATALOG, START),
    )
    ways = {(s.dimension, bool(s.gained), bool(s.lost)) for s in there}
    assert ways == {(s.dimension, bool(s.lost), bool(s.gained)) for s in back}


@given(st.sampled_from(Expiration), st.sampled_from(Expiration))
def test_time_is_compared_where_a_key_is_replaced(old: Expiration, new: Expiration) -> None:
    """A reissue counts its end anew; an edit keeps the old one."""
    record = stored(replace(spec("a").fields, expiration=old))
    later = START + timedelta(minutes=30)
    wanted = replace(spec("a").fields, expiration=new, reissue=2)
    shifts = shifts_between(
        access_of_record(record, CATALOG, later),
        access_of_spec(declared(wanted), record, CATALOG, later),
    )
    time = next(s for s in shifts if s.dimension is Dimension.TIME)
    end, before = wanted.expiration.after(later), record.expires_at
    is_longer = before is not None and (end is None or end > before)
    assert (bool(time.gained), bool(time.lost)) == (is_longer, not is_longer and end != before)


def test_an_expired_key_gains_and_loses_nothing() -> None:
    """Nobody gets in by it, whatever its manifest says."""
    record = stored(replace(spec("a").fields, expiration=Expiration.HOUR))
    later = START + timedelta(hours=2)
    wanted = declared(replace(record.fields, scopes=(ScopeGrant(resource="B", level="change"),)))
    assert access_of_record(record, CATALOG, later) is None
    assert access_of_spec(wanted, record, CATALOG, later) is None
