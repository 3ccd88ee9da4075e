"""Where requests really come from: what verifiers denied lately, against the allowlist of now.

Whether an origin is inside is asked of `access.py`. Also here: allowlists that no request over the
internet can be inside of.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice

from reconciler.credentials import access
from reconciler.credentials.advice import Words, admitting, listed_ranges, moment
from reconciler.credentials.checks import Check, EvidenceName
from reconciler.credentials.evidence import Evidence
from reconciler.credentials.verdict import Circumstances, DenialReason
from reconciler.model.allowlist import PRIVATE, Address, canonical_address, lies_in
from reconciler.model.uses import UseKind, UseMark
from reconciler.ports import StoredVersion

LISTED_ORIGINS = 5
"""How many denied origins a sentence names."""
_OF_PLACE = frozenset({DenialReason.ADDRESS_NOT_ALLOWED, DenialReason.ADDRESS_UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedOrigin:
    """From where a key was refused for the place alone."""

    mark: UseMark
    address: Address | None
    """None where the verifier did not know it."""

    def __str__(self) -> str:
        """Give address, time and how often."""
        where = "an origin that was not known" if self.address is None else str(self.address)
        times = "once" if self.mark.times == 1 else f"{self.mark.times} times"
        return f"{where} at {moment(self.mark.last_at)} ({times})"


def denied_origins(marks: Iterable[UseMark]) -> tuple[DeniedOrigin, ...]:
    """Give the origins that were denied for the place, newest first, each address once."""
    found: dict[Address | None, DeniedOrigin] = {}
    for mark in sorted(marks, key=lambda m: (m.last_at, m.subject), reverse=True):
        reason, where = mark.refusal
        if mark.kind is UseKind.DENIED and reason in _OF_PLACE:
            address = canonical_address(where or "")
            found.setdefault(address, DeniedOrigin(mark=mark, address=address))
    return tuple(found.values())


def check_origins(stored: StoredVersion, at: Circumstances, evidence: Evidence) -> Check:
    """Say what was denied lately; it decides only where no address is named to be checked."""
    name = EvidenceName.ORIGINS
    if stored.record.fields.allowlist is None and stored.record.fields.ranges is None:
        return Check(name=name, passed=True, message="no origin is denied: there is no allowlist")
    denied = denied_origins(evidence.marks)
    if not denied:
        return Check(name=name, passed=None, message=_none_denied(evidence))
    outside = [o for o in denied if access.refuse_elsewhere(stored, _from(at, o)) is not None]
    if not outside:
        message = f"denied before, and inside the IP allowlist now: {_listed(denied)}"
        return Check(name=name, passed=True, message=message)
    words = _words(stored, outside)
    if at.address is not None:
        return Check(name=name, passed=None, message=words.message)
    return Check(
        name=name,
        passed=False,
        message=words.message,
        advice=words.advice,
        reason=DenialReason.ADDRESS_NOT_ALLOWED,
        wanted=words.wanted,
    )


def _words(stored: StoredVersion, outside: list[DeniedOrigin]) -> Words:
    message = (
        f"denied lately, outside the IP allowlist ({listed_ranges(stored.record)}): "
        f"{_listed(outside)}"
    )
    known = [origin.address for origin in outside if origin.address is not None]
    public = next((address for address in known if not _is_private(str(address))), None)
    if public is not None:
        return admitting(stored.record, public, message)
    advice = "let the verifier learn the real request origin: name its proxies as trusted"
    if known:
        # Never proposed for the allowlist: behind a proxy that is not named it is everybody's.
        advice = (
            f"{known[0]} is an address of your own machine or network: where it is a proxy, name "
            "it in server.trustedProxies, so that the real request origin is known"
        )
    return Words(message=message, advice=advice)


def _none_denied(evidence: Evidence) -> str:
    if evidence.uses_until is None:
        return "no verifier has reported anything yet, so no denied origin is known"
    return f"no origin was denied, as far as verifiers reported until {moment(evidence.uses_until)}"


def _from(at: Circumstances, origin: DeniedOrigin) -> Circumstances:
    return replace(at, address=None if origin.address is None else str(origin.address))


def _listed(origins: Iterable[DeniedOrigin]) -> str:
    all_of_them = tuple(origins)
    shown = ", ".join(map(str, islice(all_of_them, LISTED_ORIGINS)))
    rest = len(all_of_them) - LISTED_ORIGINS
    return f"{shown} and {rest} more" if rest > 0 else shown


def check_ranges(stored: StoredVersion, at: Circumstances) -> Check:
    """Warn of allowlists and addresses that mean nothing on the internet."""
    name, ranges = EvidenceName.RANGES, stored.record.fields.ranges or ()
    if ranges and all(map(_is_private, ranges)):
        return Check(
            name=name,
            passed=None,
            message=f"the IP allowlist holds only private ranges ({listed_ranges(stored.record)}), "
            "which no request over the internet comes from",
            advice="where requests come over the internet, write the public address they arrive "
            "from",
        )
    address = canonical_address(at.address or "")
    if ranges and address is not None and _is_private(str(address)):
        message = f"{address} is a private address: a service on the internet sees another one"
        return Check(name=name, passed=None, message=message)
    message = "the IP allowlist holds public ranges" if ranges else "there is no range to look at"
    return Check(name=name, passed=True if ranges else None, message=message)


def _is_private(text: str) -> bool:
    return lies_in(ipaddress.ip_network(text), PRIVATE)
