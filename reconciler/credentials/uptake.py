"""After a rotation: which secret is in use, since when, from where, and who still has the old one.

The rule that lives here: a system has not taken up the new secret where an old one was seen from
its address since the new one was made, and the new one was not seen from there after that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from reconciler.credentials.advice import moment, read_again
from reconciler.credentials.checks import Check, EvidenceName
from reconciler.credentials.evidence import Evidence
from reconciler.credentials.verdict import DenialReason
from reconciler.model.keys import KeyRecord, KeyStatus, KeyVersion
from reconciler.model.uses import UseKind, UseMark

LISTED_SYSTEMS = 5
"""How many addresses a sentence names."""
_IN_VAIN = frozenset({DenialReason.VERSION_RETIRED, DenialReason.LEAKED})
"""Reasons for which a replaced secret is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A secret that was presented: when last, and from where if that is known."""

    version: KeyVersion
    at: datetime
    address: str = ""

    def __str__(self) -> str:
        """Give time and address."""
        return moment(self.at) + (f" from {self.address}" if self.address else "")


def check_last_use(evidence: Evidence, now: datetime) -> Check:
    """Say whether the newest secret is the one in use."""
    name = EvidenceName.LAST_USE
    record = next((r for r in evidence.records if r.status is KeyStatus.LIVE), None)
    newest = None if record is None else record.current
    if record is None or newest is None:
        return Check(name=name, passed=None, message="there is no current secret to be taken up")
    old = _older(evidence.records, newest)
    if not old:
        return Check(name=name, passed=True, message="the only secret so far: none was replaced")
    behind = _behind(newest, old, evidence.marks)
    if behind:
        return Check(
            name=name,
            passed=False,
            message=f"{_newest_words(newest, evidence.marks)}; an older one {_all_of(behind)}",
            advice=f"{read_again(record)}{_deadline(behind, now)}",
        )
    return _undecided(record, newest, old, evidence)


def _older(records: Iterable[KeyRecord], newest: KeyVersion) -> tuple[KeyVersion, ...]:
    """Give all secrets before the newest, also those of keys that it replaced, newest first."""
    versions = (v for r in records if r.status is not KeyStatus.REMOVED for v in r.versions)
    older = (v for v in versions if v.created_at < newest.created_at)
    return tuple(sorted(older, key=lambda v: (v.created_at, v.version_id), reverse=True))


def _behind(
    newest: KeyVersion, old: Iterable[KeyVersion], marks: Iterable[UseMark]
) -> tuple[Seen, ...]:
    """Give who was seen with an old secret since, newest first, each address once."""
    known = tuple(marks)
    since = newest.created_at.replace(second=0, microsecond=0)
    taken_up = {seen.address: seen.at for seen in reversed(_seen_of(newest, known))}
    found: dict[str, Seen] = {}
    for seen in sorted(
        (s for version in old for s in _seen_of(version, known)),
        key=lambda s: (s.at, s.address),
        reverse=True,
    ):
        later = taken_up.get(seen.address)
        if seen.at >= since and (later is None or later < seen.at):
            found.setdefault(seen.address, seen)
    named = tuple(seen for seen in found.values() if seen.address)
    return named or _unnamed(found.get(""), newest)


def _unnamed(seen: Seen | None, newest: KeyVersion) -> tuple[Seen, ...]:
    """Give a use whose address is not known, where the newest secret was not used after it."""
    if seen is None:
        return ()
    used = newest.last_used_at
    return () if used is not None and used >= seen.at else (seen,)


def _seen_of(version: KeyVersion, marks: Iterable[UseMark]) -> list[Seen]:
    """Give when and from where a version was presented, newest first; without an address where
    only the time is known.
    """
    found = [
        Seen(version=version, at=mark.last_at, address=address)
        for mark in marks
        if mark.version_id == version.version_id and (address := _address(mark)) is not None
    ]
    if version.last_used_at is not None and not any(s.at >= version.last_used_at for s in found):
        found.append(Seen(version=version, at=version.last_used_at))
    return sorted(found, key=lambda seen: (seen.at, seen.address), reverse=True)


def _address(mark: UseMark) -> str | None:
    """Give from where the mark says that the secret was presented; None where it says no such
    thing, or was refused for something that a newer secret does not mend.
    """
    match mark.kind:
        case UseKind.ORIGIN:
            return mark.subject
        case UseKind.DENIED:
            reason, where = mark.refusal
            return (where or "") if reason in _IN_VAIN else None
        case UseKind.SCOPE:
            return None
        case _:
            assert_never(mark.kind)


def _newest_words(newest: KeyVersion, marks: Iterable[UseMark]) -> str:
    seen = _seen_of(newest, marks)
    named = f"the new secret (…{newest.last_characters})"
    return f"{named} was last used {seen[0]}" if seen else f"{named} was never used"


def _all_of(behind: tuple[Seen, ...]) -> str:
    shown = ", ".join(
        f"(…{seen.version.last_characters}) {seen}" for seen in behind[:LISTED_SYSTEMS]
    )
    rest = len(behind) - LISTED_SYSTEMS
    return f"was still presented: {shown}{f' and {rest} more' if rest > 0 else ''}"


def _deadline(behind: tuple[Seen, ...], now: datetime) -> str:
    """Say until when the older secret works that was seen last."""
    version = behind[0].version
    if not version.is_accepted(now):
        return "; the older one does not work any more"
    until = version.retire_at or version.overlap_until
    if until is None:
        return "; the older one works until nobody uses it"
    return f"; the older one works until {moment(until)}"


def _undecided(
    record: KeyRecord, newest: KeyVersion, old: tuple[KeyVersion, ...], evidence: Evidence
) -> Check:
    """Say what is known where nobody is seen to be behind."""
    name, words = EvidenceName.LAST_USE, _newest_words(newest, evidence.marks)
    if _seen_of(newest, evidence.marks):
        message = f"{words}, and no older one after that"
        return Check(name=name, passed=True, message=message)
    last = next((s for version in old for s in _seen_of(version, evidence.marks)), None)
    if last is not None:
        message = f"{words}; the one before it (…{last.version.last_characters}) was last used "
        return Check(name=name, passed=None, message=f"{message}{last}", advice=read_again(record))
    if evidence.uses_until is None:
        message = "no verifier has reported uses: which secret is in use is not known"
        return Check(name=name, passed=None, message=message)
    message = f"no use of any secret was reported until {moment(evidence.uses_until)}"
    return Check(name=name, passed=None, message=message, advice=read_again(record))
