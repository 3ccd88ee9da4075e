"""The table of common issues on the console's page: which row is the one, and what to do first.

The rule that lives here: which checks belong to which row, and which of them decide it. A row is
the one where a check of it failed for a known reason; it is not where all that decide it passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.credentials.checks import Check, CheckName, EvidenceName
from reconciler.credentials.verdict import DenialReason


class Symptom(StrEnum):
    """The page's rows, in its words and order; the values are shown and part of JSON output."""

    NOT_AUTHENTICATED = "Key does not authenticate"
    ACCESS_DENIED = "Access denied"
    FAILS_IN_PRODUCTION = "Works locally, fails in production"
    LOST_KEY = "I lost the complete key"
    STOPPED = "Integration stopped after rotation"


class RowVerdict(StrEnum):
    """Whether the row is the trouble at hand; the values are shown and part of JSON output."""

    THIS = "this is it"
    NOT_THIS = "not this"
    UNTOLD = "cannot be told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table, answered."""

    symptom: Symptom
    verdict: RowVerdict
    checks: tuple[Check, ...]

    @property
    def what_to_check(self) -> str:
        """Give what the page says to that symptom."""
        return TABLE[self.symptom].what_to_check

    @property
    def failed(self) -> Check | None:
        """Give the first check that failed."""
        return next((check for check in self.checks if _has_failed(check)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """What the page says to a symptom, and which checks that is."""

    what_to_check: str
    checks: tuple[CheckName | EvidenceName, ...]
    decided_by: tuple[tuple[CheckName | EvidenceName, ...], ...]
    """Groups of checks; it is not this row where all of one group passed."""


_AUTHENTICATION = (
    CheckName.COPIED_VALUE,
    CheckName.KNOWN_ID,
    CheckName.SECRET,
    CheckName.REMOVAL,
    CheckName.EXPIRATION,
    CheckName.ACTIVE,
    CheckName.HOLD,
    CheckName.ENVIRONMENT,
)
_ROTATION = (CheckName.LEAK, CheckName.VERSION, EvidenceName.LAST_USE)
TABLE: Mapping[Symptom, RowRule] = {
    Symptom.NOT_AUTHENTICATED: RowRule(
        what_to_check="Confirm copied value, expiration, active status, and correct environment.",
        checks=_AUTHENTICATION,
        decided_by=(_AUTHENTICATION,),
    ),
    Symptom.ACCESS_DENIED: RowRule(
        what_to_check="Check scopes and workspace role.",
        checks=(CheckName.SCOPE, EvidenceName.ROLE),
        decided_by=((CheckName.SCOPE,),),
    ),
    Symptom.FAILS_IN_PRODUCTION: RowRule(
        what_to_check="Check IP allowlist and the real request origin.",
        checks=(CheckName.ADDRESS, EvidenceName.ORIGINS, EvidenceName.RANGES),
        decided_by=((CheckName.ADDRESS,), (EvidenceName.ORIGINS,)),
    ),
    Symptom.LOST_KEY: RowRule(
        what_to_check="Rotate the key and update the integration.",
        checks=(EvidenceName.COMPLETE_KEY,),
        decided_by=((EvidenceName.COMPLETE_KEY,),),
    ),
    Symptom.STOPPED: RowRule(
        what_to_check="Update the secret in the external system and redeploy when needed.",
        checks=_ROTATION,
        decided_by=(_ROTATION,),
    ),
}


def rows_of(checks: Iterable[Check]) -> tuple[Row, ...]:
    """Give the rows of the table, answered by these checks."""
    by_name = {check.name: check for check in checks}
    return tuple(_row(symptom, rule, by_name) for symptom, rule in TABLE.items())


def _row(symptom: Symptom, rule: RowRule, by_name: Mapping[CheckName | EvidenceName, Check]) -> Row:
    checks = tuple(by_name[name] for name in rule.checks)
    if any(map(_has_failed, checks)):
        verdict = RowVerdict.THIS
    elif any(all(by_name[name].passed for name in group) for group in rule.decided_by):
        verdict = RowVerdict.NOT_THIS
    else:
        verdict = RowVerdict.UNTOLD
    return Row(symptom=symptom, verdict=verdict, checks=checks)


def _has_failed(check: Check) -> bool:
    """Whether it failed for more than that nobody said from where the key is used."""
    return check.passed is False and check.reason is not DenialReason.ADDRESS_UNKNOWN


def answer_of(rows: tuple[Row, ...], order: Iterable[Check]) -> tuple[Row, Check] | None:
    """Give what is to be done first: the first check, in the order of the decision, that failed.

    Where none did, what was not said is asked for, and who presents no key is told where it lies.
    None where nothing keeps the key from being used.
    """
    checks = tuple(order)
    ranked = (
        *(check for check in checks if _has_failed(check)),
        *(check for check in checks if check.passed is False),
        *(c for c in checks if c.name is EvidenceName.COMPLETE_KEY and not c.passed and c.advice),
    )
    if not ranked:
        return None
    first = ranked[0]
    return next((row, first) for row in rows if first in row.checks)
