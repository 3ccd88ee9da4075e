"""Addresses of clients that were found before, by the very same words: read once, not on each call.

What is found depends on nothing but the words and on whose word is taken, so it never gets old.
The rule is that of `client_address.py`; what does not live here: any rule.
"""

from __future__ import annotations

from typing import Final

from reconciler.verification.bounded import Bounded
from reconciler.verification.client_address import ClientAddress, Forwarding, client_by, header_name

MOST_KNOWN: Final = 4096
LONGEST_KNOWN: Final = 256
"""Characters of all values together; addresses are shorter."""


class KnownClients:
    """Finds clients' addresses and remembers them; safe to use from many threads."""

    def __init__(self, forwarding: Forwarding) -> None:
        """Know nobody yet."""
        self._forwarding = forwarding
        self.header = header_name(forwarding)
        """The header that is looked at, in small letters."""
        self._known: Bounded[tuple[str | None, tuple[str, ...]], ClientAddress] = Bounded(
            MOST_KNOWN
        )

    def find(self, peer: str | None, values: tuple[str, ...]) -> ClientAddress:
        """Give the address of a request's client; `values`: all of the header, in their order.

        Only where an address was found is anything remembered: other words may be anybody's secret.
        """
        asked = peer, values
        known = self._known.get(asked)
        if known is not None:
            return known
        found = client_by(peer, values, self._forwarding)
        if found.fault is None and _are_addresses(values):
            self._known.put(asked, found)
        return found


def _are_addresses(values: tuple[str, ...]) -> bool:
    """Whether the values are of the letters of addresses alone, and no longer than those."""
    return sum(map(len, values)) <= LONGEST_KNOWN and not set().union(*values) - _LETTERS


_LETTERS: Final = frozenset("0123456789abcdefABCDEF.:[], \t")
