"""Whose address a request comes from: the connection's own, unless a trusted proxy says another.

The rule: headers are read only from trusted peers, and from the right, where the proxies nearest
to us write; what stands left of the first hop that is nobody's proxy is never looked at. A doubt
gives no address: a key with an allowlist is then refused, any other is not concerned. What ranges
and addresses are stands in `model/allowlist.py`. What does not live here: reading requests, and
whether the address may use a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reconciler.model.allowlist import (
    Address,
    Network,
    RangeRefused,
    canonical_address,
    collapse,
    contains,
    parse_range,
)

UNIX: Final = "unix"
"""Among the trusted: a peer without an address, as every peer on a Unix socket is."""
FORWARDED_FOR: Final = "x-forwarded-for"
MOST_HOPS: Final = 64
"""So many hops are walked, and no more."""
LONGEST_HOP: Final = 64
"""Characters, without blanks around them; the longest address with brackets and port has 53."""

_BLANKS = " \t"
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_WITH_PORT = re.compile(
    r"(?:\[(?P<six>[^\]]*:[^\]]*)\]|(?P<four>[0-9.]+))(?::(?P<port>[0-9]{1,5}))?"
)
_LAST_PORT = 65535


class AddressFault(StrEnum):
    """Why the client of a request is not known.

    Compatibility: the values stand in logs and in the reference; none is renamed.
    """

    NO_PEER = "no-peer"
    PEER_MALFORMED = "peer-malformed"
    HOP_MALFORMED = "hop-malformed"
    TOO_MANY_HOPS = "too-many-hops"
    HEADER_MISSING = "header-missing"
    HEADER_REPEATED = "header-repeated"
    HEADER_MALFORMED = "header-malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """Whose word about a client is taken, and in which header; by default nobody's.

    Made by `read_forwarding` where a person wrote it.
    """

    trusted: tuple[str, ...] = ()
    """Canonical ranges of the proxies; `unix` stands for peers without an address."""
    header: str | None = None
    """One header that alone names the client; None: `X-Forwarded-For`, hop by hop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingRefused:
    """What was written about forwarding and means nothing, or too much."""

    text: str
    """As it was written."""
    message: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAddress:
    """Where a request comes from, as far as it is known; exactly one of address and fault is."""

    address: str | None = None
    """Canonical."""
    peer: str | None = None
    """Who is at the other end of the connection, for people; None on a Unix socket."""
    fault: AddressFault | None = None


def client_address(
    peer: str | None, headers: Iterable[tuple[str, str]], forwarding: Forwarding
) -> ClientAddress:
    """Find the address of a request's client. Never raises, whatever the texts are.

    `peer`: the other end of the connection, without its port; None or empty where it has no
    address. `headers`: names and values in the order in which they came, repeated ones repeated.
    """
    name = header_name(forwarding)
    values = tuple(value for written, value in headers if written.lower() == name)
    return client_by(peer, values, forwarding)


def client_by(peer: str | None, values: tuple[str, ...], forwarding: Forwarding) -> ClientAddress:
    """Find the address by the values of the one header that is looked at (`header_name`)."""
    near = canonical_address(peer) if peer else None
    if peer and near is None:
        return ClientAddress(peer=peer, fault=AddressFault.PEER_MALFORMED)
    proxies = tuple(text for text in forwarding.trusted if text != UNIX)
    is_trusted = UNIX in forwarding.trusted if near is None else contains(proxies, near)
    found: Address | AddressFault = AddressFault.NO_PEER if near is None else near
    if is_trusted:
        found = _only(values) if forwarding.header else _walk(values, proxies, near)
    named = None if near is None else str(near)
    if isinstance(found, AddressFault):
        return ClientAddress(peer=named, fault=found)
    return ClientAddress(peer=named, address=str(found))


def header_name(forwarding: Forwarding) -> str:
    """Give the name, in small letters, of the header in which trusted peers name a client."""
    return (forwarding.header or FORWARDED_FOR).lower()


def _walk(
    values: Sequence[str], proxies: tuple[str, ...], near: Address | None
) -> Address | AddressFault:
    """Walk all values as one list from its right end to the first hop that is no proxy.

    Where all are proxies it is the left-most; without any hop it is the peer.
    """
    client = near
    for walked, text in enumerate(_hops_from_the_right(values)):
        if walked == MOST_HOPS:
            return AddressFault.TOO_MANY_HOPS
        client = read_hop(text)
        if client is None:
            return AddressFault.HOP_MALFORMED
        if not contains(proxies, client):
            break
    return AddressFault.HEADER_MISSING if client is None else client


def _hops_from_the_right(values: Sequence[str]) -> Iterator[str]:
    """Give the elements, the last one first; of a longer value no more than are ever walked."""
    for value in reversed(values):
        yield from reversed(value.rsplit(",", MOST_HOPS))


def _only(values: Sequence[str]) -> Address | AddressFault:
    """Read the one header that names the client."""
    if not values:
        return AddressFault.HEADER_MISSING
    if len(values) > 1:
        return AddressFault.HEADER_REPEATED
    address = read_hop(values[0])
    return AddressFault.HEADER_MALFORMED if address is None else address


def read_hop(text: str) -> Address | None:
    """Read one address as proxies write it: plain, with a port, IPv6 in brackets. None where it is
    something else, also `unknown`, `for=`, a name or a zone.
    """
    plain = text.strip(_BLANKS)
    if len(plain) > LONGEST_HOP or "%" in plain:
        return None
    match = _WITH_PORT.fullmatch(plain)
    if match is None:
        return canonical_address(plain)
    if int(match["port"] or 0) > _LAST_PORT:
        return None
    return canonical_address(match["six"] or match["four"])


def read_forwarding(
    trusted: Iterable[str], header: str | None = None
) -> Forwarding | tuple[ForwardingRefused, ...]:
    """Read what a person wrote: whose headers are believed, and which one; else all that is wrong.

    Naming `X-Forwarded-For` is naming none.
    """
    texts = tuple(trusted)
    networks: list[Network] = []
    refused: list[ForwardingRefused] = []
    for text in texts:
        if text == UNIX:
            continue
        read = parse_range(text)
        if isinstance(read, RangeRefused):
            refused.append(ForwardingRefused(text=text, message=read.message, advice=read.advice))
        else:
            networks.append(read)
    refused += _refuse_everybody(networks)
    if header is not None:
        refused += _refuse_header(header, is_read=bool(texts))
    if refused:
        return tuple(refused)
    is_walked = header is None or header.lower() == FORWARDED_FOR
    return Forwarding(
        trusted=((UNIX,) if UNIX in texts else ()) + tuple(map(str, collapse(networks))),
        header=None if is_walked else header,
    )


def _refuse_everybody(networks: Iterable[Network]) -> Iterator[ForwardingRefused]:
    """Refuse to trust a whole family, also in pieces: every client could name any address."""
    for network in collapse(networks):
        if network.prefixlen == 0:
            yield ForwardingRefused(
                text=str(network),
                message="with everybody trusted, every client may claim any address",
                advice="write the addresses of the proxies themselves",
            )


def _refuse_header(header: str, *, is_read: bool) -> Iterator[ForwardingRefused]:
    """Refuse a header that cannot name a client, or that nobody is trusted to send."""
    if _HEADER.fullmatch(header) is None:
        yield ForwardingRefused(
            text=header,
            message="the name of a header is of letters, digits and hyphens",
            advice="write a name such as X-Real-IP",
        )
    elif header.lower() == "forwarded":
        yield ForwardingRefused(
            text=header,
            message="the header Forwarded is not an address",
            advice="let the proxy send X-Forwarded-For, or one address in X-Real-IP",
        )
    elif not is_read:
        yield ForwardingRefused(
            text=header,
            message="no proxy is trusted, so this header is never read",
            advice="write the addresses of the proxies that send it, or leave the header out",
        )
