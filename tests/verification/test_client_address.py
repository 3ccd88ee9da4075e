"""The client of a request: headers are believed from trusted proxies alone, and from the right."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.verification.client_address import (
    MOST_HOPS,
    AddressFault,
    ClientAddress,
    Forwarding,
    ForwardingRefused,
    client_address,
    read_forwarding,
    read_hop,
)

VECTORS = Path(__file__).parent / "vectors" / "client_address.json"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "client-address.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One row of the table."""

    name: str
    peer: str | None
    headers: list[tuple[str, str]]
    trusted: list[str]
    header: str | None
    address: str | None
    fault: str | None


ROWS = [Vector(**row) for row in json.loads(VECTORS.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_client_of_a_request_is_the_one_of_the_table(row: Vector) -> None:
    """Each row of the table: from this peer, with these headers, that address or that fault."""
    forwarding = read_forwarding(row.trusted, row.header)
    assert isinstance(forwarding, Forwarding)

    found = client_address(row.peer, row.headers, forwarding)

    assert (found.address, found.fault) == (row.address, row.fault)


def test_the_table_is_long_names_each_row_once_and_meets_every_fault() -> None:
    """No row hides another, and no fault stays without an example."""
    assert len(ROWS) > 60
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert {row.fault for row in ROWS} == {None, *AddressFault}
    assert [row.name for row in ROWS if (row.address is None) == (row.fault is None)] == []


def test_the_peer_is_named_beside_the_client() -> None:
    """People see in one form who was connected, also where the client is not known."""
    balancer = Forwarding(trusted=("10.0.0.0/24",))
    spoken = [("X-Forwarded-For", "203.0.113.7")]
    unread = [("X-Forwarded-For", "unknown")]

    assert client_address("::ffff:10.0.0.5", spoken, balancer) == ClientAddress(
        address="203.0.113.7", peer="10.0.0.5"
    )
    assert client_address("10.0.0.5", unread, balancer) == ClientAddress(
        peer="10.0.0.5", fault=AddressFault.HOP_MALFORMED
    )
    assert client_address("testclient", [], balancer).peer == "testclient"
    assert client_address("", spoken, Forwarding(trusted=("unix",))) == ClientAddress(
        address="203.0.113.7"
    )


PROXIES = ("unix", "10.0.0.0/24", "2001:db8:40::/48")
HEADER_NAMES = st.sampled_from(
    ["X-Forwarded-For", "x-forwarded-for", "X-Real-IP", "CF-Connecting-IP", "Forwarded", "Host"]
)
HOP_LIKE = st.text(alphabet="0123456789abcdef.:,[]% \t_unkow", max_size=60)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
PLAIN = st.one_of(
    ADDRESSES.map(str),
    st.sampled_from(["10.0.0.6", "::ffff:10.0.0.7", "[2001:db8:40::6]:443", "unknown", ""]),
)
VALUES = st.one_of(st.text(), HOP_LIKE, st.lists(PLAIN, max_size=6).map(", ".join))
HEADERS = st.lists(st.tuples(st.one_of(HEADER_NAMES, st.text(max_size=8)), VALUES), max_size=6)
PEERS = st.one_of(st.none(), PLAIN, st.text(max_size=20), st.just("10.0.0.5"))
FORWARDINGS = st.builds(
    Forwarding,
    trusted=st.sampled_from([(), PROXIES]),
    header=st.sampled_from([None, "X-Real-IP", "CF-Connecting-IP"]),
)


@given(PEERS, HEADERS, FORWARDINGS)
@example("10.0.0.5", [("X-Forwarded-For", "," * 100_000)], Forwarding(trusted=PROXIES))
@example("10.0.0.5", [("X-Forwarded-For", "\ud800" * 100_000)], Forwarding(trusted=PROXIES))
def test_any_text_gives_one_canonical_address_or_one_fault(
    peer: str | None, headers: list[tuple[str, str]], forwarding: Forwarding
) -> None:
    """Nothing raises; an address is always in the one form that allowlists are compared with."""
    found = client_address(peer, headers, forwarding)

    assert (found.address is None) != (found.fault is None)
    if found.address is not None:
        address = ipaddress.ip_address(found.address)
        assert str(address) == found.address
        assert getattr(address, "ipv4_mapped", None) is None
        assert "%" not in found.address


@given(ADDRESSES.map(str), HEADERS, st.sampled_from([None, "X-Real-IP"]))
def test_no_header_of_an_untrusted_peer_changes_the_answer(
    peer: str, headers: list[tuple[str, str]], header: str | None
) -> None:
    """Who is no proxy of ours has no say in where a request comes from."""
    forwarding = Forwarding(trusted=("10.0.0.0/24",), header=header)
    outside = "203.0.113.7" if peer.startswith(("10.", "::ffff:")) else peer

    assert client_address(outside, headers, forwarding) == ClientAddress(
        address=outside, peer=outside
    )


@given(
    st.lists(VALUES, max_size=4),
    ADDRESSES.filter(lambda a: not str(a).startswith(("10.0.0.", "2001:db8:40:", "::ffff:"))),
    st.lists(st.sampled_from(["10.0.0.6", "::ffff:10.0.0.7", "[2001:db8:40::6]:443"]), max_size=5),
    st.booleans(),
)
def test_nothing_left_of_an_untrusted_hop_changes_the_answer(
    left: list[str], client: ipaddress.IPv4Address, proxies: list[str], is_one_line: bool
) -> None:
    """What a client writes of its own stands left of what the proxies write of it."""
    right = ", ".join([str(client), *proxies])
    values = [", ".join([*left, right])] if is_one_line else [*left, right]

    found = client_address(
        "10.0.0.5",
        [("X-Forwarded-For", value) for value in values],
        Forwarding(trusted=PROXIES),
    )

    assert found == ClientAddress(address=str(client), peer="10.0.0.5")


@given(st.lists(PLAIN, min_size=1, max_size=8), st.data())
def test_lines_and_commas_mean_the_same(hops: list[str], data: st.DataObject) -> None:
    """However the hops are spread over header lines, the answer is that of one line."""
    cuts = sorted(data.draw(st.sets(st.integers(1, len(hops)), max_size=3)) | {0, len(hops)})
    lines = [hops[start:end] for start, end in pairwise(cuts)]
    forwarding = Forwarding(trusted=PROXIES)

    spread = client_address(
        "10.0.0.5", [("X-Forwarded-For", ",".join(line)) for line in lines], forwarding
    )

    joined = [("X-Forwarded-For", ",".join(hops))]
    assert spread == client_address("10.0.0.5", joined, forwarding)


@given(ADDRESSES, st.integers(min_value=0, max_value=65535))
def test_a_hop_is_the_same_with_and_without_its_port(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    """A port and brackets say nothing about who the client is."""
    bracketed = f"[{address}]" if address.version == 6 else f"{address}"

    assert read_hop(f"{bracketed}:{port}") == read_hop(f" {bracketed}\t") == read_hop(f"{address}")
    assert read_hop(f"{address}") is not None


@pytest.mark.parametrize(
    ("trusted", "header", "forwarding"),
    [
        ([], None, Forwarding()),
        (["10.0.0.5"], None, Forwarding(trusted=("10.0.0.5/32",))),
        (["2001:DB8::/32", "10.1.0.0/16", "10.0.0.0/16"], None, Forwarding(
            trusted=("10.0.0.0/15", "2001:db8::/32"))),
        (["10.0.0.0/8", "unix", "unix"], None, Forwarding(trusted=("unix", "10.0.0.0/8"))),
        (["unix"], "X-Real-IP", Forwarding(trusted=("unix",), header="X-Real-IP")),
        (["10.0.0.5"], "x-Forwarded-FOR", Forwarding(trusted=("10.0.0.5/32",))),
    ],
)  # fmt: skip
def test_what_is_written_about_proxies_is_read_into_one_form(
    trusted: list[str], header: str | None, forwarding: Forwarding
) -> None:
    """Ranges become canonical, and naming `X-Forwarded-For` is naming nothing."""
    assert read_forwarding(trusted, header) == forwarding


NO_TRUST = "no proxy is trusted, so this header is never read"
EVERYBODY = "with everybody trusted, every client may claim any address"
OWN = "write the addresses of the proxies themselves"
NAME = "the name of a header is of letters, digits and hyphens"
WRITE_NAME = "write a name such as X-Real-IP"


@pytest.mark.parametrize(
    ("trusted", "header", "refused"),
    [
        (["10.0.0.5/8"], None, [(
            "10.0.0.5/8", "10.0.0.5/8 has bits set beyond its prefix",
            "write 10.0.0.0/8 for the range or 10.0.0.5/32 for the one address")]),
        (["proxy.example.org"], None, [(
            "proxy.example.org", "this is not an address or a range",
            "write an address such as 203.0.113.7 or a range such as 203.0.113.0/24")]),
        (["0.0.0.0/0"], None, [("0.0.0.0/0", EVERYBODY, OWN)]),
        (["0.0.0.0/1", "128.0.0.0/1"], None, [("0.0.0.0/0", EVERYBODY, OWN)]),
        (["::/0", "0.0.0.0/0"], None, [("0.0.0.0/0", EVERYBODY, OWN), ("::/0", EVERYBODY, OWN)]),
        (["10.0.0.5"], "X Real IP", [("X Real IP", NAME, WRITE_NAME)]),
        (["10.0.0.5"], "", [("", NAME, WRITE_NAME)]),
        (["10.0.0.5"], "X_Real_IP", [("X_Real_IP", NAME, WRITE_NAME)]),
        (["10.0.0.5"], "Forwarded", [(
            "Forwarded", "the header Forwarded is not an address",
            "let the proxy send X-Forwarded-For, or one address in X-Real-IP")]),
        ([], "X-Real-IP", [(
            "X-Real-IP", NO_TRUST,
            "write the addresses of the proxies that send it, or leave the header out")]),
    ],
)  # fmt: skip
def test_what_means_nothing_or_too_much_is_refused_with_its_mend(
    trusted: list[str], header: str | None, refused: list[tuple[str, str, str]]
) -> None:
    """Each refusal names the text, says what is wrong and what to write, word for word."""
    assert read_forwarding(trusted, header) == tuple(
        ForwardingRefused(text=text, message=message, advice=advice)
        for text, message, advice in refused
    )


def test_everything_wrong_is_said_at_once() -> None:
    """Nobody mends one text to be told of the next."""
    refused = read_forwarding(["any", "10.0.0.0/08"], "Forwarded")

    assert isinstance(refused, tuple)
    assert [each.text for each in refused] == ["any", "10.0.0.0/08", "Forwarded"]


def test_the_page_has_every_fault_once_and_the_number_of_hops() -> None:
    """The reference lists the faults of the program, in its order."""
    text = PAGE.read_text(encoding="utf-8")

    assert re.findall(r"^\| `([a-z-]+)` \| \S", text, re.MULTILINE) == list(AddressFault)
    assert f"At most {MOST_HOPS} hops" in text
