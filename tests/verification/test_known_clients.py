"""Clients' addresses that are remembered: the same as read anew, and nothing beside addresses."""

from __future__ import annotations

import pytest

from reconciler.verification.client_address import Forwarding, client_address, read_forwarding
from reconciler.verification.known_clients import LONGEST_KNOWN, MOST_KNOWN, KnownClients
from tests.credentials.examples import API_KEY
from tests.verification.test_client_address import ROWS, Vector

PROXY = Forwarding(trusted=("10.0.0.0/8",))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_first_and_every_later_answer_is_that_of_the_table(row: Vector) -> None:
    """Also where other clients were asked about in between."""
    forwarding = read_forwarding(row.trusted, row.header)
    assert isinstance(forwarding, Forwarding)
    clients = KnownClients(forwarding)
    values = tuple(value for name, value in row.headers if name.lower() == clients.header)
    expected = client_address(row.peer, row.headers, forwarding)
    assert clients.find(row.peer, values) == expected
    clients.find("192.0.2.1", ("203.0.113.7",))
    assert clients.find(row.peer, values) == expected


def test_another_peer_or_another_header_is_another_client() -> None:
    """What a trusted proxy said is not believed of anybody else."""
    clients = KnownClients(PROXY)
    assert clients.find("10.0.0.1", ("203.0.113.7",)).address == "203.0.113.7"
    assert clients.find("192.0.2.1", ("203.0.113.7",)).address == "192.0.2.1"
    assert clients.find("10.0.0.1", ("203.0.113.8",)).address == "203.0.113.8"
    assert clients.find("10.0.0.1", ()).address == "10.0.0.1"


@pytest.mark.parametrize(
    "values",
    [
        (f"{API_KEY.reveal()}, 203.0.113.7",),
        ("hunter2, 203.0.113.7",),
        (",".join(["10.0.0.2"] * LONGEST_KNOWN),),
        ("203.0.113.7, hello",),
    ],
    ids=["a key", "somebody's word", "long", "a fault"],
)
def test_nothing_but_addresses_is_remembered(values: tuple[str, ...]) -> None:
    """A header may hold anything left of the hop that counts, somebody's secret among it."""
    clients = KnownClients(PROXY)
    found = clients.find("10.0.0.1", values)
    assert found == client_address("10.0.0.1", [("X-Forwarded-For", v) for v in values], PROXY)
    assert clients._known._entries == {}


def test_so_many_are_remembered_and_no_more() -> None:
    """Whoever comes from ever new addresses fills no memory."""
    clients = KnownClients(PROXY)
    for number in range(MOST_KNOWN + 10):
        clients.find("10.0.0.1", (f"2001:db8::{number:x}",))
    assert len(clients._known._entries) == MOST_KNOWN
