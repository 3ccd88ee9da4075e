"""Is the presented text the complete key of this store? The checks up to the proven secret.

They stop at the first that fails, as the decision does; what is refused is asked of `access.py`.
"""

from __future__ import annotations

from reconciler.credentials import access
from reconciler.credentials.checks import Check, CheckName
from reconciler.credentials.damage import Damage, DamageKind
from reconciler.credentials.verdict import DenialReason, Issuer, Presented
from reconciler.model.keys import KeyRecord
from reconciler.model.token import ParsedToken, TokenFault
from reconciler.ports import StoredVersion

PROOF_CHECKS = (
    CheckName.COPIED_VALUE,
    CheckName.ENVIRONMENT,
    CheckName.KNOWN_ID,
    CheckName.SECRET,
)
NOT_PRESENTED = "not checked: no secret was presented"


def proof_checks(presented: Presented, issuer: Issuer, damage: Damage | None) -> tuple[Check, ...]:
    """Make the checks up to the first that fails."""
    token, stored = presented.token, presented.stored
    copied = _check_copied(token, issuer, damage)
    if isinstance(token, TokenFault) or not copied.passed:
        return (copied,)
    environment = _check_environment(token, issuer)
    if environment.passed is False:
        return (copied, environment)
    if stored is None:
        return (copied, environment, _check_unknown(token))
    known = _check_known(stored)
    return (copied, environment, known, _check_secret(stored, is_match=presented.is_match))


def assumed_checks(stored: StoredVersion, token: ParsedToken, issuer: Issuer) -> tuple[Check, ...]:
    """Make those that need no secret, for a version that is known without one."""
    return (
        Check(name=CheckName.COPIED_VALUE, passed=None, message=NOT_PRESENTED),
        _check_environment(token, issuer),
        _check_known(stored),
        Check(name=CheckName.SECRET, passed=None, message=NOT_PRESENTED),
    )


def _check_copied(token: ParsedToken | TokenFault, issuer: Issuer, damage: Damage | None) -> Check:
    name, reason = CheckName.COPIED_VALUE, access.refused_text(token, issuer)
    if isinstance(token, TokenFault):
        found = damage or Damage(kind=_KINDS[token])
        advice = _copy_again(found)
        return Check(
            name=name, passed=False, message=found.kind.value, advice=advice, reason=reason
        )
    if access.refuse_malformed(token, issuer) is not None:
        message = f"the value starts with {token.prefix}_, keys here start with {issuer.prefix}_"
        advised = "it is a key of another system: copy the value from its sink path here"
        return Check(name=name, passed=False, message=message, advice=advised, reason=reason)
    return Check(name=name, passed=True, message="form and checksum are right")


_KINDS = {TokenFault.MALFORMED: DamageKind.FORMLESS, TokenFault.CHECKSUM: DamageKind.ALTERED}


def _copy_again(damage: Damage) -> str:
    """Say from where to copy: the key is named by the store, never by the damaged value."""
    from_where = "its sink path" if damage.meant is None else _place_of(damage.meant)
    again = f"copy the whole value again from {from_where}"
    if damage.kind is DamageKind.ALTERED:
        return again
    return f"{again}, without quotes, spaces or line breaks"


def _place_of(meant: KeyRecord) -> str:
    return f"{meant.fields.sink_path}, where {meant.address} has it"


def _check_environment(token: ParsedToken, issuer: Issuer) -> Check:
    name, environment = CheckName.ENVIRONMENT, token.environment
    if issuer.environment is None:
        message = f"the key is for {environment}; no environment was named to compare"
        return Check(name=name, passed=None, message=message)
    reason = access.refuse_other_environment(token, issuer)
    if reason is None:
        return Check(name=name, passed=True, message=f"the key is for {environment}")
    return Check(
        name=name,
        passed=False,
        message=f"the key is for {environment}, it is used in {issuer.environment}",
        advice=f"use the key of {issuer.environment}: each environment has a key of its own",
        reason=reason,
    )


def _check_known(stored: StoredVersion) -> Check:
    message = f"a secret of {stored.record.address}"
    return Check(name=CheckName.KNOWN_ID, passed=True, message=message)


def _check_unknown(token: ParsedToken) -> Check:
    return Check(
        name=CheckName.KNOWN_ID,
        passed=False,
        message=f"no secret has the version id {token.version_id}",
        advice="check that this is the store which issued the key",
        reason=DenialReason.UNKNOWN_ID,
    )


def _check_secret(stored: StoredVersion, *, is_match: bool) -> Check:
    name = CheckName.SECRET
    if is_match:
        return Check(name=name, passed=True, message="the secret is the one that was issued")
    return Check(
        name=name,
        passed=False,
        message="the version id is known, but this is not its secret",
        advice=f"copy the value again from {stored.record.fields.sink_path}; "
        f"a lost key cannot be shown again: run `keyrec rotate {stored.record.address}` "
        "and update the integration",
        reason=DenialReason.WRONG_SECRET,
    )
