"""Which addresses one allowlist holds and another not: held against brute force."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.review.origins import (
    Ranges,
    count_words,
    covers_most,
    difference,
    gained_words,
    is_opened,
    lost_words,
    spans,
    words_of,
)

FOURS = [str(ipaddress.IPv4Address(0x0A000000 + n)) for n in range(16)]
SIXES = [str(ipaddress.IPv6Address((0x20010DB8 << 96) + n)) for n in range(16)]
UNIVERSE = [*FOURS, *SIXES]


def ranges_of(first: str, bits: int) -> st.SearchStrategy[str]:
    """Draw ranges inside of sixteen addresses."""
    whole = ipaddress.ip_network(f"{first}/{bits - 4}")
    every = [str(n) for length in range(5) for n in whole.subnets(length)]
    return st.sampled_from(every)


LISTS: st.SearchStrategy[tuple[str, ...]] = st.lists(
    ranges_of(FOURS[0], 32) | ranges_of(SIXES[0], 128), max_size=5
).map(lambda drawn: tuple(sorted(set(drawn))))


def held(ranges: tuple[str, ...]) -> set[str]:
    """Give the addresses of the small universe that a list holds, one by one."""
    networks = [ipaddress.ip_network(r) for r in ranges]
    return {a for a in UNIVERSE if any(ipaddress.ip_address(a) in n for n in networks)}


@given(LISTS, LISTS)
def test_the_difference_is_that_of_the_sets(ours: tuple[str, ...], others: tuple[str, ...]) -> None:
    """Address by address, in both families."""
    found = tuple(str(n) for n in difference(ours, others))
    assert held(found) == held(ours) - held(others)


@given(LISTS, LISTS)
def test_nothing_is_gained_exactly_where_one_contains_the_other(
    ours: tuple[str, ...], others: tuple[str, ...]
) -> None:
    """The words are there where the set is not empty."""
    assert bool(gained_words(ours, others)) is bool(held(ours) - held(others))
    assert bool(lost_words(ours, others)) is bool(held(others) - held(ours))


@given(LISTS)
def test_a_difference_counts_every_address_once(ours: tuple[str, ...]) -> None:
    """However the ranges of a list overlap."""
    assert sum(n.num_addresses for n in difference(ours, ())) == len(held(ours))


@pytest.mark.parametrize(
    ("new", "old", "gained", "lost"),
    [
        (None, None, (), ()),
        (None, ("10.0.0.0/30",), ("the entire internet, beside 10.0.0.0/30 (4 addresses)",), ()),
        (("10.0.0.1",), None, (), ("the entire internet but 10.0.0.1/32 (1 address)",)),
        (
            ("0.0.0.0/0",),
            ("::/0",),
            ("the entire internet over IPv4",),
            ("the entire internet over IPv6",),
        ),
        (("0.0.0.0/0", "::/0"), (), ("the entire internet",), ()),
        (
            ("0.0.0.0/0", "2001:db8::/127"),
            ("10.0.0.0/30", "2001:db8::/128"),
            (
                "the entire internet over IPv4, beside 10.0.0.0/30 (4 addresses)",
                "2001:db8::1/128 (1 address)",
            ),
            (),
        ),
        (
            ("10.0.0.0/30",),
            ("0.0.0.0/0",),
            (),
            ("the entire internet over IPv4 but 10.0.0.0/30 (4 addresses)",),
        ),
    ],
)
def test_whole_families_are_called_by_name(
    new: Ranges, old: Ranges, gained: tuple[str, ...], lost: tuple[str, ...]
) -> None:
    """Nobody has to know what a slash and a zero mean."""
    assert (gained_words(new, old), lost_words(new, old)) == (gained, lost)


def test_a_list_that_covers_a_family_is_seen_also_in_pieces() -> None:
    """Halves, quarters, one family or both."""
    assert covers_most(spans(("0.0.0.0/1", "128.0.0.0/1"))) == ((4, True),)
    assert covers_most(spans(("::/2", "4000::/2", "8000::/1"))) == ((6, True),)
    assert covers_most(spans(None)) == ((4, True), (6, True))
    assert covers_most(spans(("0.0.0.0/5", "16.0.0.0/5"))) == ((4, False),)
    assert covers_most(spans(("0.0.0.0/5", "2000::/13"))) == ()


def test_sizes_are_numbers_that_people_can_read() -> None:
    """Exact while they are small, powers of two above."""
    assert [count_words(n) for n in (1, 256, 65536, 2**24, 2**24 + 1, 2**80)] == [
        "1 address",
        "256 addresses",
        "65,536 addresses",
        "2^24 addresses",
        "about 2^24 addresses",
        "2^80 addresses",
    ]


def test_many_ranges_are_counted() -> None:
    """A comment has no room for all of them."""
    many = tuple(ipaddress.ip_network(f"10.{n}.0.0/32") for n in range(20))
    assert words_of(many)[-1] == "12 more ranges (12 addresses)"


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (None, ("10.0.0.0/8",), True),
        (("10.0.0.0/8",), None, False),
        (("0.0.0.0/1",), ("10.0.0.0/8",), True),
        (("0.0.0.0/1",), ("0.0.0.0/0",), False),
        (("0.0.0.0/1", "128.0.0.0/8"), ("0.0.0.0/1",), False),
        (("0.0.0.0/1", "128.0.0.0/2"), ("0.0.0.0/1",), True),
        (("::/1", "10.0.0.0/8"), ("10.0.0.0/8",), True),
        (("10.0.0.0/8",), ("10.0.0.0/8",), False),
    ],
)
def test_a_list_is_opened_where_it_comes_to_hold_nearly_everything(
    new: Ranges, old: Ranges, expected: bool
) -> None:
    """Also one that held much before; never one that gets shorter."""
    assert is_opened(new, old) is expected
