"""Why does this key not work? The decision check by check, and the console page's table answered.

A pure function over values that repeats no rule: every check asks the rules of `access.py`. It is
for those who may read the store, so it says more than a presenter would be told; it never shows
the key, only the version id and the last characters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.credentials import access, advice
from reconciler.credentials.advice import Words
from reconciler.credentials.checks import Check, CheckName, EvidenceName
from reconciler.credentials.damage import Damage
from reconciler.credentials.evidence import Evidence, check_complete_key, check_role
from reconciler.credentials.origins import check_origins, check_ranges
from reconciler.credentials.proof import PROOF_CHECKS, assumed_checks, proof_checks
from reconciler.credentials.rows import Row, answer_of, rows_of
from reconciler.credentials.uptake import check_last_use
from reconciler.credentials.verdict import (
    Circumstances,
    DenialReason,
    Presented,
    Verdict,
)
from reconciler.model.keys import KeyAddress, KeyRecord, KeyStatus
from reconciler.model.line_change import LineChange, WantedField
from reconciler.model.token import ParsedToken
from reconciler.ports import StoredVersion

NOT_MADE = "not checked: an earlier check failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The verdict, how every check went, and what that means for each row of the table."""

    verdict: Verdict
    checks: tuple[Check, ...]
    """Those of the decision, in its order."""
    version_id: str | None
    last_characters: str | None
    address: KeyAddress | None
    """The key that the version id belongs to, where it is known."""
    evidence: tuple[Check, ...] = ()
    """What was looked at beside the decision."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Give the page's table, answered."""
        return rows_of((*self.checks, *self.evidence))

    @property
    def answer(self) -> tuple[Row, Check] | None:
        """Give what is to be done first, and to which row it belongs; None for nothing."""
        return answer_of(self.rows, (*self.checks, *self.evidence))

    def with_changes(self, find: Callable[[WantedField], LineChange | None]) -> Explanation:
        """Put to every wanted field of a manifest the line that says it, where it is found."""

        def changed(check: Check) -> Check:
            return check if check.wanted is None else replace(check, change=find(check.wanted))

        return replace(
            self,
            checks=tuple(map(changed, self.checks)),
            evidence=tuple(map(changed, self.evidence)),
        )


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


def explain(
    presented: Presented,
    circumstances: Circumstances,
    evidence: Evidence | None = None,
    *,
    damage: Damage | None = None,
) -> Explanation:
    """Explain the decision about a presented key; once it is proven, every check is made."""
    token, stored = presented.token, presented.stored
    proof = proof_checks(presented, circumstances.issuer, damage)
    is_proven = len(proof) == len(PROOF_CHECKS) and proof[-1].passed is True
    proven = stored if is_proven else None
    use = () if proven is None else _use_checks(proven, circumstances)
    meant = None if damage is None else damage.meant
    parsed = token if isinstance(token, ParsedToken) else None
    return Explanation(
        verdict=access.decide(presented, circumstances),
        checks=_completed(proof + use),
        version_id=None if parsed is None else parsed.version_id,
        last_characters=None if parsed is None else parsed.last_characters,
        address=None if stored is None else stored.record.address,
        evidence=(
            *_evidence(proven, circumstances, evidence or Evidence(), use),
            check_complete_key(meant if stored is None else stored.record, is_proven=is_proven),
        ),
    )


def explain_stored(
    stored: StoredVersion, circumstances: Circumstances, evidence: Evidence | None = None
) -> Explanation:
    """Explain what would be decided if the right secret of this version were presented."""
    version, issuer = stored.version, circumstances.issuer
    token = ParsedToken(
        prefix=issuer.prefix or "",
        environment=stored.record.fields.environment,
        version_id=version.version_id,
        last_characters=version.last_characters,
    )
    presented = Presented(token=token, stored=stored, is_match=True)
    use = _use_checks(stored, circumstances)
    return Explanation(
        verdict=access.decide(presented, circumstances),
        checks=assumed_checks(stored, token, issuer) + use,
        version_id=version.version_id,
        last_characters=version.last_characters,
        address=stored.record.address,
        evidence=(
            *_evidence(stored, circumstances, evidence or Evidence(), use),
            check_complete_key(_live(stored.record, evidence), is_proven=False),
        ),
    )


def _live(record: KeyRecord, evidence: Evidence | None) -> KeyRecord:
    """Give the live key of the address, which a replaced one points to."""
    records = () if evidence is None else evidence.records
    return next((r for r in records if r.status is KeyStatus.LIVE), record)


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
        reason=reason,
        wanted=words.wanted,
    )


def _evidence(
    stored: StoredVersion | None,
    at: Circumstances,
    evidence: Evidence,
    use: tuple[Check, ...],
) -> tuple[Check, ...]:
    """Look at what is known beside the decision, for a key that is proven or assumed."""
    if stored is None:
        return tuple(
            Check(name=name, passed=None, message=NOT_MADE)
            for name in EvidenceName
            if name is not EvidenceName.COMPLETE_KEY
        )
    is_short = any(c.reason is DenialReason.INSUFFICIENT_SCOPE for c in use)
    return (
        check_role(stored.record.address, evidence.asker, matters=is_short),
        check_origins(stored, at, evidence),
        check_ranges(stored, at),
        check_last_use(evidence, at.now),
    )


def _completed(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Add the checks that were not made."""
    rest = tuple(CheckName)[len(checks) :]
    return checks + tuple(Check(name=name, passed=None, message=NOT_MADE) for name in rest)
