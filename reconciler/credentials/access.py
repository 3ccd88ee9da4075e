"""May this presented key do this, from here, now? Ordered lists of rules, each with its reason.

First the text, then the proof that the presenter holds the secret, then always the key's state as
the row says it now: a match may be remembered, a state never. What does not live here: the values
(`credentials/verdict.py`), looking a row up, hashing, HTTP, advice (`credentials/explain.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from reconciler.credentials.verdict import (
    Allowed,
    Circumstances,
    DenialReason,
    Denied,
    Issuer,
    Presented,
    Verdict,
)
from reconciler.model.allowlist import canonical_address, contains
from reconciler.model.keys import KeyStatus
from reconciler.model.secret import Secret
from reconciler.model.token import ParsedToken, TokenFault, parse
from reconciler.ports import StoredVersion

TextRule: TypeAlias = Callable[[ParsedToken | TokenFault, Issuer], DenialReason | None]
UseRule: TypeAlias = Callable[[StoredVersion, Circumstances], DenialReason | None]


def refuse_malformed(token: ParsedToken | TokenFault, issuer: Issuer) -> DenialReason | None:
    """Refuse a text that is not of the grammar, or starts with another issuer's prefix."""
    if token is TokenFault.MALFORMED:
        return DenialReason.MALFORMED
    is_other = isinstance(token, ParsedToken) and issuer.prefix not in {None, token.prefix}
    return DenialReason.MALFORMED if is_other else None


def refuse_altered(token: ParsedToken | TokenFault, _: Issuer) -> DenialReason | None:
    """Refuse a text whose checksum says that it was altered since it was made."""
    return DenialReason.CHECKSUM if token is TokenFault.CHECKSUM else None


def refuse_other_environment(
    token: ParsedToken | TokenFault, issuer: Issuer
) -> DenialReason | None:
    """Refuse a key of another environment before anything is looked up."""
    if isinstance(token, ParsedToken) and issuer.environment not in {None, token.environment}:
        return DenialReason.WRONG_ENVIRONMENT
    return None


TEXT_RULES: tuple[TextRule, ...] = (refuse_malformed, refuse_altered, refuse_other_environment)


def refuse_leaked(stored: StoredVersion, _: Circumstances) -> DenialReason | None:
    """Refuse a secret that was reported leaked, before anything else about it is said."""
    return DenialReason.LEAKED if stored.version.leaked else None


def refuse_removed(stored: StoredVersion, _: Circumstances) -> DenialReason | None:
    """Refuse a removed key. A superseded one lives on until its versions' deadlines."""
    return DenialReason.KEY_REMOVED if stored.record.status is KeyStatus.REMOVED else None


def refuse_inactive(stored: StoredVersion, _: Circumstances) -> DenialReason | None:
    """Refuse a deactivated key."""
    return None if stored.record.fields.active else DenialReason.KEY_INACTIVE


def refuse_held(stored: StoredVersion, _: Circumstances) -> DenialReason | None:
    """Refuse a key under an emergency stop."""
    return None if stored.record.hold is None else DenialReason.KEY_HELD


def refuse_expired(stored: StoredVersion, at: Circumstances) -> DenialReason | None:
    """Refuse a key from the instant of its expiry on."""
    return DenialReason.KEY_EXPIRED if stored.record.is_expired(at.now) else None


def refuse_retired(stored: StoredVersion, at: Circumstances) -> DenialReason | None:
    """Refuse a replaced secret from its deadline on."""
    return None if stored.version.is_accepted(at.now) else DenialReason.VERSION_RETIRED


def refuse_elsewhere(stored: StoredVersion, at: Circumstances) -> DenialReason | None:
    """Refuse a client outside the allowlist; without a usable address nobody is inside one.

    An allowlist whose ranges are missing admits nobody rather than everybody.
    """
    fields = stored.record.fields
    if fields.allowlist is None and fields.ranges is None:
        return None
    address = canonical_address(at.address or "")
    if address is None:
        return DenialReason.ADDRESS_UNKNOWN
    is_inside = contains(fields.ranges or (), address)
    return None if is_inside else DenialReason.ADDRESS_NOT_ALLOWED


def refuse_unknown_scope(_: StoredVersion, at: Circumstances) -> DenialReason | None:
    """Refuse a call that needs a resource or level which the catalogue does not have."""
    if at.wanted is None or at.wanted.level in at.catalog.levels(at.wanted.resource):
        return None
    return DenialReason.UNKNOWN_SCOPE


def refuse_uncovered(stored: StoredVersion, at: Circumstances) -> DenialReason | None:
    """Refuse a call that needs more than any grant of the key covers."""
    wanted = at.wanted
    if wanted is None:
        return None
    is_covered = any(at.catalog.covers(granted, wanted) for granted in stored.record.fields.scopes)
    return None if is_covered else DenialReason.INSUFFICIENT_SCOPE


USE_RULES: tuple[UseRule, ...] = (
    refuse_leaked,
    refuse_removed,
    refuse_inactive,
    refuse_held,
    refuse_expired,
    refuse_retired,
    refuse_elsewhere,
    refuse_unknown_scope,
    refuse_uncovered,
)


def present(
    secret: Secret,
    *,
    issuer: Issuer,
    lookup: Callable[[str], StoredVersion | None],
    verify: Callable[[str, Secret], bool],
) -> Presented:
    """Find out about a presented text, cheapest first: no row and no hash for a bad text.

    `lookup` takes a version id (`KeyStore.presented`); `verify` takes the stored hash and the
    secret (`hashing.verify`) and is asked only where there is a row.
    """
    token = parse(secret.reveal())
    if isinstance(token, TokenFault) or refused_text(token, issuer) is not None:
        return Presented(token=token)
    stored = lookup(token.version_id)
    is_match = stored is not None and verify(stored.secret_hash, secret)
    return Presented(token=token, stored=stored, is_match=is_match)


def decide(presented: Presented, circumstances: Circumstances) -> Verdict:
    """Decide about a presented key: text, proof, state, place, right, in this order."""
    token = presented.token
    version_id = token.version_id if isinstance(token, ParsedToken) else None
    reason = refused_text(token, circumstances.issuer)
    if reason is not None:
        return Denied(reason=reason, version_id=version_id)
    if presented.stored is None:
        return Denied(reason=DenialReason.UNKNOWN_ID, version_id=version_id)
    if not presented.is_match:
        return Denied(reason=DenialReason.WRONG_SECRET, version_id=version_id)
    return decide_use(presented.stored, circumstances)


def decide_use(stored: StoredVersion, circumstances: Circumstances) -> Verdict:
    """Decide about a secret that is proven; to be asked on every call, with the row as it is."""
    for rule in USE_RULES:
        reason = rule(stored, circumstances)
        if reason is not None:
            return Denied(reason=reason, version_id=stored.version.version_id, record=stored.record)
    return Allowed(record=stored.record, version=stored.version)


def allowed_until(stored: StoredVersion) -> datetime | None:
    """Give the instant before which nothing ends by itself: whoever is allowed something by this
    row is allowed it until then, by the same catalogue. None: for as long as the row stands.
    """
    ends = (stored.record.expires_at, stored.version.retire_at)
    return min((end for end in ends if end is not None), default=None)


def refused_text(token: ParsedToken | TokenFault, issuer: Issuer) -> DenialReason | None:
    """Give the first reason to refuse a text before anything is looked up."""
    return next((r for rule in TEXT_RULES if (r := rule(token, issuer)) is not None), None)
