"""What is said about each check of a proven key, in the words of the console's page.

One function per check: from the key, the circumstances and the reason for which the check failed
(None where it passed) to a sentence and an advice. Nothing is decided here: `access.py` decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from reconciler.credentials.verdict import Circumstances, DenialReason
from reconciler.model.allowlist import Address, canonical_address
from reconciler.model.keys import KeyRecord
from reconciler.model.lifetime import VersionState
from reconciler.model.line_change import WantedField
from reconciler.model.scopes import ScopeCatalog, ScopeGrant
from reconciler.ports import StoredVersion

LISTED_RANGES = 5
"""How many entries of an allowlist a sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One sentence, and what to do about it."""

    message: str
    advice: str = ""
    wanted: WantedField | None = None
    """What the manifest should say, where that is the advice."""


def describe_leak(stored: StoredVersion, _: Circumstances, reason: DenialReason | None) -> Words:
    """Say whether the secret was reported leaked."""
    if reason is None:
        return Words(message="not reported leaked")
    return Words(
        message="this secret was reported leaked and was ended at once",
        advice=f"find out where it leaked; {read_again(stored.record)}",
    )


def describe_removal(stored: StoredVersion, _: Circumstances, reason: DenialReason | None) -> Words:
    """Say whether the key still exists."""
    if reason is None:
        return Words(message="not removed")
    return Words(
        message=f"{stored.record.address} was removed, which is permanent",
        advice="declare a new key where one is still needed",
    )


def describe_active(stored: StoredVersion, _: Circumstances, reason: DenialReason | None) -> Words:
    """Say whether the key is active."""
    if reason is None:
        return Words(message="active")
    return Words(
        message="the key is deactivated",
        advice=f"write `active: true` under spec of {stored.record.address} and apply",
        wanted=WantedField(path=("spec", "active"), text="true"),
    )


def describe_hold(stored: StoredVersion, _: Circumstances, reason: DenialReason | None) -> Words:
    """Say who stopped the key, since when and why."""
    hold = stored.record.hold
    if hold is None or reason is None:
        return Words(message="not held")
    return Words(
        message=f"held by {hold.by} since {moment(hold.since)}: {hold.reason}",
        advice=f"once that is settled, run `keyrec release {stored.record.address}`",
    )


def describe_expiration(
    stored: StoredVersion, _: Circumstances, reason: DenialReason | None
) -> Words:
    """Say until when the key can be used."""
    expires_at = stored.record.expires_at
    if expires_at is None:
        return Words(message="never expires")
    if reason is None:
        return Words(message=f"valid until {moment(expires_at)}")
    return Words(
        message=f"the key expired at {moment(expires_at)}",
        advice="an expiration cannot be changed: raise `reissue` under spec of "
        f"{stored.record.address} and apply, which makes a new key with a new expiration",
        wanted=WantedField(path=("spec", "reissue"), text=str(stored.record.fields.reissue + 1)),
    )


def describe_version(stored: StoredVersion, _: Circumstances, reason: DenialReason | None) -> Words:
    """Say whether this is the current secret of the key, and what replaced it."""
    version, record = stored.version, stored.record
    if reason is not None:
        return Words(
            message="a rotation replaced this secret and its overlap is over",
            advice=read_again(record),
        )
    if version.state is VersionState.RETIRING:
        until = "" if version.retire_at is None else f" until {moment(version.retire_at)}"
        return Words(
            message=f"a rotation replaced this secret; it is still accepted{until}",
            advice=f"before it ends: {read_again(record)}",
        )
    if version.state is VersionState.PROVISIONAL:
        return Words(message="a new secret, accepted while its delivery is being confirmed")
    return Words(message="the current secret")


def describe_address(
    stored: StoredVersion, at: Circumstances, reason: DenialReason | None
) -> Words:
    """Say whether the request's origin is inside the allowlist."""
    record, address = stored.record, canonical_address(at.address or "")
    if reason is DenialReason.ADDRESS_UNKNOWN:
        given = "no address was given" if not at.address else f"{at.address!r} is no address"
        return Words(
            message=f"the key has an IP allowlist and {given}",
            advice="check the real request origin, as the service behind its proxies sees it, "
            "and name it with --ip",
        )
    if reason is None:
        if record.fields.ranges is None:
            return Words(message="no IP allowlist: any origin may use the key")
        return Words(message=f"{address} is inside the IP allowlist")
    message = f"{address} is outside the IP allowlist ({listed_ranges(record)})"
    return Words(message=message) if address is None else admitting(record, address, message)


def admitting(record: KeyRecord, address: Address, message: str) -> Words:
    """Advise to let one more origin in, where it is the right one."""
    return Words(
        message=message,
        advice="check the real request origin; where it is right, write "
        f"`- {address}` under spec.allowlist of {record.address} and apply",
        wanted=WantedField(
            path=("spec", "allowlist"),
            text=str(address),
            is_entry=True,
            beside=tuple(_entry(entry) for entry in record.fields.allowlist or ()),
        ),
    )


def _entry(entry: str) -> str:
    """Write an entry as a manifest does: a range, or a reference to a network."""
    kind, colon, name = entry.partition(":")
    return f"{{{kind}: {name}}}" if (kind, colon) == ("network", ":") else entry


def describe_scope(stored: StoredVersion, at: Circumstances, reason: DenialReason | None) -> Words:
    """Say whether the granted scopes are enough, and which line of the manifest would do."""
    record, wanted = stored.record, at.wanted
    granted = ", ".join(str(g) for g in record.fields.scopes) or "no scope at all"
    if wanted is None:
        return Words(message=f"no scope was asked for; the key holds {granted}")
    if reason is None:
        return Words(message=f"{wanted} is covered; the key holds {granted}")
    if reason is DenialReason.UNKNOWN_SCOPE:
        return Words(message=f"there is no scope {wanted}", advice=_existing(wanted, at.catalog))
    return Words(
        message=f"the call needs {wanted}; the key holds {granted}",
        advice=f"write `{wanted.resource}: {wanted.level}` under spec.scopes of {record.address}"
        f" and apply, which wants an admin of the workspace {record.address.workspace}",
        wanted=WantedField(path=("spec", "scopes", wanted.resource), text=wanted.level),
    )


def _existing(wanted: ScopeGrant, catalog: ScopeCatalog) -> str:
    levels = catalog.levels(wanted.resource)
    if levels:
        return f"the levels of {wanted.resource} are {', '.join(levels)}"
    return f"there are {', '.join(name for name, _ in catalog.resources)}"


def read_again(record: KeyRecord) -> str:
    """Give the page's advice for an integration that stopped after a rotation."""
    current = record.current
    ending = "" if current is None else f" (…{current.last_characters})"
    return (
        "update the secret in the external system and redeploy when needed; "
        f"it is at {record.fields.sink_path}{ending}"
    )


def listed_ranges(record: KeyRecord) -> str:
    """Give the first few ranges of an allowlist."""
    ranges = record.fields.ranges or ()
    rest = len(ranges) - LISTED_RANGES
    shown = ", ".join(ranges[:LISTED_RANGES]) or "which holds no range"
    return f"{shown} and {rest} more" if rest > 0 else shown


def moment(at: datetime) -> str:
    """Give an instant as explanations show it."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
