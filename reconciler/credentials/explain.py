"""Why does this key not work? One check for each row of the console page's table.

A pure function over values that repeats no rule: every check asks the rules of `access.py`. It is
for those who may read the store, so it says more than a presenter would be told; it never shows
the key, only the version id and the last characters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from reconciler.credentials import access, advice
from reconciler.credentials.advice import Words
from reconciler.credentials.verdict import (
    Circumstances,
    DenialReason,
    Issuer,
    Presented,
    Verdict,
)
from reconciler.model.keys import KeyAddress
from reconciler.model.token import ParsedToken, TokenFault
from reconciler.ports import StoredVersion


class CheckName(StrEnum):
    """What is checked, in order; the values are shown and part of JSON output."""

    COPIED_VALUE = "copied value"
    ENVIRONMENT = "environment"
    KNOWN_ID = "known id"
    SECRET = "secret"  # noqa: S105 - the name of a check
    LEAK = "leak"
    REMOVAL = "removal"
    ACTIVE = "active"
    HOLD = "hold"
    EXPIRATION = "expiration"
    VERSION = "version"
    ADDRESS = "address"
    SCOPE = "scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of an explanation."""

    name: CheckName
    passed: bool | None
    """None where it was not checked: an earlier check failed, or nothing was asked."""
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The verdict, and how every check went."""

    verdict: Verdict
    checks: tuple[Check, ...]
    version_id: str | None
    last_characters: str | None
    address: KeyAddress | None
    """The key that the version id belongs to, where it is known."""


Describe: TypeAlias = Callable[[StoredVersion, Circumstances, DenialReason | None], Words]
UseCheck: TypeAlias = tuple[CheckName, tuple[access.UseRule, ...], Describe]

USE_CHECKS: tuple[UseCheck, ...] = (
    (CheckName.LEAK, (access.refuse_leaked,), advice.describe_leak),
    (CheckName.REMOVAL, (access.refuse_removed,), advice.describe_removal),
    (CheckName.ACTIVE, (access.refuse_inactive,), advice.describe_active),
    (CheckName.HOLD, (access.refuse_held,), advice.describe_hold),
    (CheckName.EXPIRATION, (access.refuse_expired,), advice.describe_expiration),
    (CheckName.VERSION, (access.refuse_retired,), advice.describe_version),
    (CheckName.ADDRESS, (access.refuse_elsewhere,), advice.describe_address),
    (
        CheckName.SCOPE,
        (access.refuse_unknown_scope, access.refuse_uncovered),
        advice.describe_scope,
    ),
)
PROOF_CHECKS = tuple(CheckName)[: -len(USE_CHECKS)]


def explain(presented: Presented, circumstances: Circumstances) -> Explanation:
    """Explain the decision about a presented key; once it is proven, every check is made."""
    token, stored = presented.token, presented.stored
    proof = _proof_checks(presented, circumstances.issuer)
    is_proven = len(proof) == len(PROOF_CHECKS) and proof[-1].passed is True
    use = _use_checks(stored, circumstances) if stored is not None and is_proven else ()
    parsed = token if isinstance(token, ParsedToken) else None
    return Explanation(
        verdict=access.decide(presented, circumstances),
        checks=_completed(proof + use, "not checked: an earlier check failed"),
        version_id=None if parsed is None else parsed.version_id,
        last_characters=None if parsed is None else parsed.last_characters,
        address=None if stored is None else stored.record.address,
    )


def explain_stored(stored: StoredVersion, circumstances: Circumstances) -> Explanation:
    """Explain what would be decided if the right secret of this version were presented."""
    proof = tuple(
        Check(name=name, passed=None, message="not checked: no secret was presented")
        for name in PROOF_CHECKS
    )
    return Explanation(
        verdict=access.decide_use(stored, circumstances),
        checks=proof + _use_checks(stored, circumstances),
        version_id=stored.version.version_id,
        last_characters=stored.version.last_characters,
        address=stored.record.address,
    )


def _proof_checks(presented: Presented, issuer: Issuer) -> tuple[Check, ...]:
    """Make the checks up to the first that fails."""
    token, stored = presented.token, presented.stored
    copied = _check_copied(token, issuer)
    if isinstance(token, TokenFault) or not copied.passed:
        return (copied,)
    environment = _check_environment(token, issuer)
    if environment.passed is False:
        return (copied, environment)
    known = _check_known(token, stored)
    if stored is None:
        return (copied, environment, known)
    return (copied, environment, known, _check_secret(stored, is_match=presented.is_match))


def _check_copied(token: ParsedToken | TokenFault, issuer: Issuer) -> Check:
    name, again = CheckName.COPIED_VALUE, "copy the whole value again from its sink path"
    if token is TokenFault.CHECKSUM:
        message = "the checksum does not fit: a character was changed, swapped or left out"
        return Check(name=name, passed=False, message=message, advice=again)
    if isinstance(token, TokenFault):
        message = "the value does not have the form of a key"
        advised = f"{again}, without quotes, spaces or line breaks"
        return Check(name=name, passed=False, message=message, advice=advised)
    if access.refuse_malformed(token, issuer) is not None:
        message = f"the value starts with {token.prefix}_, keys here start with {issuer.prefix}_"
        advised = "it is a key of another system: copy the value from its sink path here"
        return Check(name=name, passed=False, message=message, advice=advised)
    return Check(name=name, passed=True, message="form and checksum are right")


def _check_environment(token: ParsedToken, issuer: Issuer) -> Check:
    name = CheckName.ENVIRONMENT
    if issuer.environment is None:
        message = f"the key is for {token.environment}; no environment was named to compare"
        return Check(name=name, passed=None, message=message)
    if access.refuse_other_environment(token, issuer) is None:
        return Check(name=name, passed=True, message=f"the key is for {token.environment}")
    return Check(
        name=name,
        passed=False,
        message=f"the key is for {token.environment}, it is used in {issuer.environment}",
        advice=f"use the key of {issuer.environment}: each environment has a key of its own",
    )


def _check_known(token: ParsedToken, stored: StoredVersion | None) -> Check:
    name = CheckName.KNOWN_ID
    if stored is not None:
        return Check(name=name, passed=True, message=f"a secret of {stored.record.address}")
    return Check(
        name=name,
        passed=False,
        message=f"no secret has the version id {token.version_id}",
        advice="check that this is the store which issued the key",
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
        "a lost key cannot be shown again: rotate it and update the integration",
    )


def _use_checks(stored: StoredVersion, circumstances: Circumstances) -> tuple[Check, ...]:
    """Make all checks of a proven key, whichever of them fail."""
    return tuple(_check_use(row, stored, circumstances) for row in USE_CHECKS)


def _check_use(row: UseCheck, stored: StoredVersion, circumstances: Circumstances) -> Check:
    name, rules, describe = row
    found = (rule(stored, circumstances) for rule in rules)
    reason = next((r for r in found if r is not None), None)
    words = describe(stored, circumstances, reason)
    is_asked = name is not CheckName.SCOPE or circumstances.wanted is not None
    return Check(
        name=name,
        passed=reason is None if is_asked else None,
        message=words.message,
        advice=words.advice,
    )


def _completed(checks: tuple[Check, ...], message: str) -> tuple[Check, ...]:
    """Add the checks that were not made."""
    rest = tuple(CheckName)[len(checks) :]
    return checks + tuple(Check(name=name, passed=None, message=message) for name in rest)
