"""Ranges are read without guessing; everything doubtful is refused with its mend."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.allowlist import (
    Network,
    RangeRefused,
    canonical_address,
    collapse,
    contains,
    parse_range,
)

NO_RANGE = "this is not an address or a range"
WRITE_RANGE = "write an address such as 203.0.113.7 or a range such as 203.0.113.0/24"
NO_NETMASK = "only a prefix length may follow the slash, no netmask and no leading zero"
WRITE_PREFIX = "write a prefix length, such as the 24 of 203.0.113.0/24"
NO_ZONE = "zone ids mean nothing to another machine"
NO_ZEROS = "leading zeros are octal to some programs and decimal to others"
NO_SPACES = "a range holds no spaces"
WRITE_NATIVE = "write the IPv4 range or the native IPv6 range of the callers"

ACCEPTED = [
    ("203.0.113.7", "203.0.113.7/32"),
    ("203.0.113.7/32", "203.0.113.7/32"),
    ("203.0.113.0/24", "203.0.113.0/24"),
    ("0.0.0.0/0", "0.0.0.0/0"),
    ("0.0.0.0", "0.0.0.0/32"),
    ("10.0.0.0/8", "10.0.0.0/8"),
    ("::/0", "::/0"),
    ("::1", "::1/128"),
    ("2001:db8:40::/48", "2001:db8:40::/48"),
    ("2001:DB8::1", "2001:db8::1/128"),
    ("2001:0db8::/32", "2001:db8::/32"),
    ("2001:db8::10.0.0.1", "2001:db8::a00:1/128"),
    ("fe80::/10", "fe80::/10"),
]

REFUSED = [
    # host bits: never masked silently, both meanings named
    (
        "10.0.0.5/8",
        "10.0.0.5/8 has bits set beyond its prefix",
        "write 10.0.0.0/8 for the range or 10.0.0.5/32 for the one address",
    ),
    (
        "2001:db8::1/64",
        "2001:db8::1/64 has bits set beyond its prefix",
        "write 2001:db8::/64 for the range or 2001:db8::1/128 for the one address",
    ),
    (
        "10.0.0.1/0",
        "10.0.0.1/0 has bits set beyond its prefix",
        "write 0.0.0.0/0 for the range or 10.0.0.1/32 for the one address",
    ),
    # netmasks, hostmasks, padded and other prefixes
    ("10.0.0.0/255.0.0.0", NO_NETMASK, "write 10.0.0.0/8"),
    ("10.0.0.0/0.255.255.255", NO_NETMASK, "write 10.0.0.0/8"),
    ("0.0.0.0/0.0.0.0", NO_NETMASK, "write 0.0.0.0/0"),
    ("203.0.113.0/255.255.255.0", NO_NETMASK, "write 203.0.113.0/24"),
    (
        "10.0.0.5/255.0.0.0",
        NO_NETMASK,
        "write 10.0.0.0/8 for the range or 10.0.0.5/32 for the one address",
    ),
    ("10.0.0.0/255.0.255.0", NO_NETMASK, WRITE_PREFIX),
    ("2001:db8::/255.0.0.0", NO_NETMASK, WRITE_PREFIX),
    ("::/ffff::", NO_NETMASK, WRITE_PREFIX),
    ("10.0.0.0/08", NO_NETMASK, "write 10.0.0.0/8"),
    (
        "10.0.0.0/00",
        NO_NETMASK,
        "write 0.0.0.0/0 for the range or 10.0.0.0/32 for the one address",
    ),
    ("10.0.0.0/01000", NO_NETMASK, "IPv4 prefixes end at /32"),
    ("203.0.113.7/", NO_NETMASK, WRITE_PREFIX),
    ("/", NO_NETMASK, WRITE_PREFIX),
    ("10.0.0.0/-1", NO_NETMASK, WRITE_PREFIX),
    ("10.0.0.0/+8", NO_NETMASK, WRITE_PREFIX),
    ("10.0.0.0/8/8", NO_NETMASK, WRITE_PREFIX),
    ("10.0.0.0/0x8", NO_NETMASK, WRITE_PREFIX),
    ("10.0.0.0/\N{ARABIC-INDIC DIGIT EIGHT}", NO_NETMASK, WRITE_PREFIX),
    ("10.0.0.0/33", "a prefix of 33 is longer than the address", "IPv4 prefixes end at /32"),
    ("10.0.0.0/1000", "a prefix of 1000 is longer than the address", "IPv4 prefixes end at /32"),
    ("::/129", "a prefix of 129 is longer than the address", "IPv6 prefixes end at /128"),
    # leading zeros
    ("010.0.0.1", NO_ZEROS, "write 10.0.0.1"),
    ("192.168.001.001", NO_ZEROS, "write 192.168.1.1"),
    ("010.0.0.0/8", NO_ZEROS, "write 10.0.0.0/8"),
    (
        "010.0.0.1/08",
        NO_ZEROS,
        "write 10.0.0.0/8 for the range or 10.0.0.1/32 for the one address",
    ),
    ("010.0.0.400", NO_ZEROS, WRITE_RANGE),
    # zone ids
    ("fe80::1%eth0", NO_ZONE, "write fe80::1"),
    ("fe80::%eth0/10", NO_ZONE, "write fe80::/10"),
    (
        "fe80::1%eth0/64",
        NO_ZONE,
        "write fe80::/64 for the range or fe80::1/128 for the one address",
    ),
    ("10.0.0.1%eth0", NO_ZONE, "write 10.0.0.1"),
    ("%", NO_ZONE, WRITE_RANGE),
    # IPv4 in disguise
    ("::ffff:10.0.0.1", "::ffff:10.0.0.1 is an IPv4-mapped address", "write 10.0.0.1/32"),
    ("::ffff:a00:0/104", "::ffff:a00:0/104 is an IPv4-mapped address", "write 10.0.0.0/8"),
    (
        "::ffff:10.0.0.1/104",
        "::ffff:10.0.0.1/104 is an IPv4-mapped address",
        "write 10.0.0.0/8 for the range or 10.0.0.1/32 for the one address",
    ),
    ("::ffff:0:0/96", "::ffff:0:0/96 is an IPv4-mapped address", "write 0.0.0.0/0"),
    ("64:ff9b::/96", "64:ff9b::/96 is a NAT64 address", WRITE_NATIVE),
    ("64:ff9b::a00:1", "64:ff9b::a00:1 is a NAT64 address", WRITE_NATIVE),
    ("64:ff9b:1::7", "64:ff9b:1::7 is a NAT64 address", WRITE_NATIVE),
    ("2002::/16", "2002::/16 is a 6to4 address", WRITE_NATIVE),
    ("2002:cb00:7107::/48", "2002:cb00:7107::/48 is a 6to4 address", WRITE_NATIVE),
    ("2001::/32", "2001::/32 is a Teredo address", WRITE_NATIVE),
    ("2001:0:1::", "2001:0:1:: is a Teredo address", WRITE_NATIVE),
    # white space
    (" 10.0.0.0/8", NO_SPACES, "write 10.0.0.0/8"),
    ("10.0.0.0/8\n", NO_SPACES, "write 10.0.0.0/8"),
    ("10.0.0.0 / 8", NO_SPACES, "write 10.0.0.0/8"),
    (
        "10.0.0.5/8\t",
        NO_SPACES,
        "write 10.0.0.0/8 for the range or 10.0.0.5/32 for the one address",
    ),
    # no address at all, among them what `ipaddress` reads from numbers
    ("", NO_RANGE, WRITE_RANGE),
    ("any", NO_RANGE, WRITE_RANGE),
    ("167772161", NO_RANGE, WRITE_RANGE),
    ("True", NO_RANGE, WRITE_RANGE),
    ("/8", NO_RANGE, WRITE_RANGE),
    ("10.0.0", NO_RANGE, WRITE_RANGE),
    ("10.0.0.*", NO_RANGE, WRITE_RANGE),
    ("10.0.0.256", NO_RANGE, WRITE_RANGE),
    ("10.0.0.1-10.0.0.9", NO_RANGE, WRITE_RANGE),
    ("\N{ARABIC-INDIC DIGIT ONE}.0.0.1", NO_RANGE, WRITE_RANGE),
    ("example.org", NO_RANGE, WRITE_RANGE),
    ("[::1]", NO_RANGE, WRITE_RANGE),
]


@pytest.mark.parametrize(("text", "canonical"), ACCEPTED)
def test_an_address_or_range_is_read_into_its_canonical_form(text: str, canonical: str):
    """A legal text has one canonical form, which reads as itself."""
    network = parse_range(text)

    assert str(network) == canonical
    assert parse_range(canonical) == network


@pytest.mark.parametrize(("text", "message", "advice"), REFUSED)
def test_a_doubtful_range_is_refused_with_its_mend(text: str, message: str, advice: str):
    """Each refusal says what is wrong and what to write instead, word for word."""
    assert parse_range(text) == RangeRefused(message=message, advice=advice)


@pytest.mark.parametrize(
    "advice", sorted({a for _, _, a in REFUSED if a.startswith("write ") and a[6].isdigit()})
)
def test_an_advised_range_is_itself_accepted(advice: str):
    """Nobody who follows the advice is refused again."""
    advised = [word for word in advice.split() if "." in word or ":" in word]

    assert advised
    assert not [text for text in advised if isinstance(parse_range(text), RangeRefused)]


RANGE_LIKE = st.text(alphabet="0123456789abcdef.:/%- x\N{ARABIC-INDIC DIGIT ONE}", max_size=40)


@given(
    st.one_of(st.text(), RANGE_LIKE, st.from_regex(r"\A[0-9]{1,5}(\.[0-9]{1,5}){3}/[0-9.]{0,9}\Z"))
)
def test_reading_a_range_never_raises(text: str):
    """Any text is either a network or a refusal with an advice."""
    found = parse_range(text)

    if isinstance(found, RangeRefused):
        assert found.message
        assert found.advice
    else:
        assert parse_range(str(found)) == found


def test_a_prefix_of_ten_thousand_digits_is_refused():
    """Digits without end are no way to break the reader."""
    found = parse_range("10.0.0.0/" + "9" * 10_000)

    assert isinstance(found, RangeRefused)
    assert found.advice == "IPv4 prefixes end at /32"


def networks(*texts: str) -> list[Network]:
    """Read several canonical ranges."""
    return [ipaddress.ip_network(text) for text in texts]


def test_collapsing_joins_halves_and_drops_what_is_contained_ipv4_first():
    """Two halves of everything are everything, in each family."""
    listed = networks("::/1", "128.0.0.0/1", "10.0.0.0/8", "8000::/1", "0.0.0.0/1")

    assert collapse(listed) == tuple(networks("0.0.0.0/0", "::/0"))


def test_collapsing_leaves_apart_what_is_apart_and_sorts_it():
    """Ranges that do not touch stay, in order of address."""
    listed = networks("203.0.113.0/24", "10.0.0.0/8", "2001:db8::/32")

    assert collapse(listed) == tuple(networks("10.0.0.0/8", "203.0.113.0/24", "2001:db8::/32"))


ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
NETWORKS = st.builds(
    lambda address, cut: ipaddress.ip_network((address, address.max_prefixlen - cut), strict=False),
    ADDRESSES,
    st.integers(min_value=0, max_value=32),
)


@given(st.lists(NETWORKS, max_size=6), ADDRESSES)
def test_collapsing_changes_no_answer(listed: list[Network], address):
    """Whatever the collapsed list holds, the written list holds, and the other way round."""
    written = contains([str(n) for n in listed], address)

    assert contains([str(n) for n in collapse(listed)], address) == written


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:CB00:7107", "203.0.113.7"),
        ("::ffff:203.0.113.7%eth0", "203.0.113.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_a_client_address_has_one_form(text: str, canonical: str):
    """Mapped addresses are unmapped and zones dropped, so that ranges match what they mean."""
    assert str(canonical_address(text)) == canonical


@pytest.mark.parametrize(
    "text", ["", " ", "unknown", "10.0.0.1:443", "[::1]", "10.0.0.1, 10.0.0.2", "10.0.0.1%eth0"]
)
def test_a_text_that_is_no_single_address_is_no_client_address(text: str):
    """What is not exactly one address is not repaired into one."""
    assert canonical_address(text) is None


@pytest.mark.parametrize(
    ("ranges", "address", "is_inside"),
    [
        (["203.0.113.0/24"], "203.0.113.0", True),
        (["203.0.113.0/24"], "203.0.113.255", True),
        (["203.0.113.0/24"], "203.0.114.0", False),
        (["203.0.113.0/24"], "::ffff:203.0.113.7", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "203.0.113.7", False),
        (["::/0", "0.0.0.0/0"], "203.0.113.7", True),
        (["10.0.0.1/32", "2001:db8::/32"], "2001:db8::9", True),
        ([], "203.0.113.7", False),
    ],
)
def test_an_address_is_inside_only_a_range_of_its_own_family(ranges, address, is_inside):
    """Families never mix, ends belong to the range, and an empty list holds nobody."""
    client = canonical_address(address)

    assert client is not None
    assert contains(ranges, client) is is_inside


@given(st.lists(NETWORKS, max_size=8), ADDRESSES)
def test_containing_is_what_asking_each_range_says(listed: list[Network], address):
    """At the ends of every range, beside them and anywhere: the answer of `ipaddress`, for ranges
    in any order, nested, repeated and of both families.
    """
    ranges = tuple(str(n) for n in listed)
    ends = [e for n in listed for e in (n.network_address, n.broadcast_address)]
    probes = {address} | {
        type(end)(int(end) + step)
        for end in ends
        for step in (-1, 0, 1)
        if 0 <= int(end) + step < 1 << end.max_prefixlen
    }

    for probe in probes:
        by_each = any(probe.version == n.version and probe in n for n in listed)
        assert contains(ranges, probe) is by_each


def test_a_range_around_others_holds_what_stands_behind_them():
    """A narrow range that begins later does not hide the wide one that it stands in."""
    inner, outer = "10.1.0.0/16", "10.0.0.0/8"
    behind = ipaddress.ip_address("10.200.0.1")

    assert contains((inner, outer), behind)
    assert contains((outer, inner, inner), behind)
    assert not contains((inner,), behind)


def test_ranges_may_come_from_any_iterable():
    """A list, a tuple and a generator of the same ranges give the same answer."""
    address = ipaddress.ip_address("203.0.113.7")
    ranges = ["203.0.113.0/24"]

    assert contains(ranges, address)
    assert contains(tuple(ranges), address)
    assert contains((text for text in ranges), address)


def test_what_is_no_range_is_never_taken_for_one():
    """A text that is not canonical is an error, and not an allowlist that holds nobody or all."""
    with pytest.raises(ValueError, match="host bits"):
        contains(("10.0.0.5/8",), ipaddress.ip_address("10.0.0.5"))
