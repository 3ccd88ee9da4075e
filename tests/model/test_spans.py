"""Ranges as numbers mean what `ipaddress` means by them, in every text and every list."""

from __future__ import annotations

import ipaddress
from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.manifest.ranges import collapsed, read_range
from reconciler.model.allowlist import Network, RangeRefused, collapse, parse_range
from reconciler.model.spans import Span, are_apart, plain_span, span_of, spans_of

MANY = settings(max_examples=500, deadline=None)
CLOSE_4 = st.integers(0x0A000000, 0x0A00001F)
CLOSE_6 = st.integers(0x20010DB8 << 96, (0x20010DB8 << 96) + 31)


def four(number: int, prefix: int) -> Network:
    """Give the IPv4 network that an address lies in."""
    return ipaddress.ip_network((number, prefix), strict=False)


def six(number: int, prefix: int) -> Network:
    """Give the IPv6 network that an address lies in."""
    return ipaddress.IPv6Network((number, prefix), strict=False)


FOURS = st.one_of(
    st.builds(four, st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.builds(four, CLOSE_4, st.integers(26, 32)),
    st.sampled_from([four(0, 0), four(0, 1), four(2**31, 1), four(2**32 - 1, 32), four(0, 32)]),
)
SIXES = st.one_of(
    st.builds(six, st.integers(0, 2**128 - 1), st.integers(0, 128)),
    st.builds(six, st.integers(0, 2**64 - 1).map(lambda n: n << 64), st.integers(16, 64)),
    st.builds(six, CLOSE_6, st.integers(122, 128)),
    st.sampled_from([six(0, 0), six(0, 1), six(1 << 127, 1), six(2**128 - 1, 128), six(0, 128)]),
)
NETWORKS = st.one_of(FOURS, SIXES)
LISTS = st.lists(NETWORKS, max_size=8)

OCTETS = st.sampled_from(["0", "1", "10", "010", "127", "255", "256", "1000", "", "-1", "\u0661"])
GROUPS = st.sampled_from(
    ["0", "1", "2001", "2002", "64", "ff9b", "db8", "0db8", "DB8", "fe80", "ffff", "10000", "", "g"]
)
PREFIXES = st.sampled_from(
    [
        *("", "/", "/0", "/8", "/16", "/24", "/31", "/32", "/33", "/48", "/64", "/96", "/128"),
        *("/129", "/032", "/255.0.0.0", "/-1", "/ 8", "/1\n", "/\uff18"),
    ]
)
TEXTS = st.one_of(
    st.builds(lambda parts, end: ".".join(parts) + end, st.lists(OCTETS, max_size=5), PREFIXES),
    st.builds(
        lambda parts, gap, end: ":".join(parts) + gap + end,
        st.lists(GROUPS, max_size=8),
        st.sampled_from(["", "::", ":", ":::", "::1", "::1.2.3.4"]),
        PREFIXES,
    ),
    NETWORKS.map(str),
    st.builds("{}/{}".format, st.ip_addresses(), st.integers(0, 130)),
    st.text(st.sampled_from("0123456789abcdef:./ F%"), max_size=24),
    st.text(max_size=12),
)
"""Ranges, and what looks like some."""


def as_span(network: Network) -> Span:
    """Give a network as numbers, by `ipaddress` alone."""
    first, last = int(network.network_address), int(network.broadcast_address)
    return Span(network.version, first, last, str(network))


@MANY
@given(TEXTS)
@example("2001::/32")
@example("2001:0::/32")
@example("64:ff9b::/96")
@example("64:ff9b:1::/48")
@example("2002:a00::/24")
@example("::/0")
@example("0.0.0.0/0")
@example("203.0.113.7")
@example("2001:db8:1:1:1:1::/96")
@example("2001:db8:1:1:1:1:1::/112")
def test_a_plain_range_is_a_canonical_one_that_a_manifest_may_hold(text: str) -> None:
    """Whatever is read by its pattern is read by `ipaddress` too, and stays the text that it is."""
    plain = plain_span(text)
    if plain is not None:
        network = parse_range(text)
        assert not isinstance(network, RangeRefused)
        assert plain == as_span(network)
        assert plain.text == text == str(network)


@MANY
@given(TEXTS)
@example("2002::/16")
@example("203.0.113.7")
@example("2001:0db8::/32")
def test_a_range_is_read_as_ipaddress_reads_it(text: str) -> None:
    """The same canonical text, or the same refusal in the same words."""
    network = parse_range(text)
    expected = network if isinstance(network, RangeRefused) else str(network)
    assert read_range(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("10.0.0.0/8", "0.0.0.0/0", "255.255.255.255/32"),
        *("2001:db8::/32", "2001:db8:40::/48", "fe80::/10", "2a00:1:2:3:4:5::/96"),
    ],
)
def test_what_most_manifests_hold_is_plain(text: str) -> None:
    """The quick way is the usual one."""
    assert plain_span(text) is not None


@MANY
@given(NETWORKS)
def test_every_canonical_range_has_its_numbers(network: Network) -> None:
    """First, last and size, also of those that no manifest may hold."""
    found = span_of(str(network))
    assert found == as_span(network)
    assert found.size == network.num_addresses


@MANY
@given(LISTS)
@example([four(0x0A000000, 25), four(0x0A000080, 25)])
@example([four(0x0A000080, 25), four(0x0A000100, 25)])
@example([four(0, 0), four(5, 32), six(0, 0)])
@example([four(2**32 - 1, 32), six(0, 128)])
def test_spans_are_what_ipaddress_collapses_to(networks: list[Network]) -> None:
    """The fewest networks, IPv4 first, sorted; whatever the order and however they overlap."""
    expected = tuple(as_span(n) for n in collapse(networks))
    assert spans_of(str(n) for n in networks) == expected
    assert collapsed(tuple(str(n) for n in networks)) == tuple(s.text for s in expected)


@MANY
@given(LISTS)
@example([four(0x0A000000, 8), four(0x0A000000, 32), four(0x0B000000, 32)])
def test_spans_are_apart_where_none_touches_another(networks: list[Network]) -> None:
    """And then nothing is left to collapse."""
    spans = sorted(map(as_span, networks))
    pairs = [(a, b) for a, b in combinations(spans, 2) if a.version == b.version]
    assert are_apart(spans) is all(b.first > a.last + 1 for a, b in pairs)
    if are_apart(spans):
        assert tuple(spans) == tuple(as_span(n) for n in collapse(networks))
