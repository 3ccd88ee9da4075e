"""AK108, AK110, AK111, AK118: changes that cut off callers whom verifiers saw.

What was seen is enough here: who was not seen is no matter of these rules, and where no verifier
reports they say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from reconciler.credentials.verdict import DenialReason
from reconciler.model.keys import KeyRecord, KeySpec
from reconciler.model.lifetime import Retirement, format_duration
from reconciler.model.moments import moment
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.severity import Severity
from reconciler.model.uses import UseMark
from reconciler.model.verdict import Dimension
from reconciler.planning.actions import Action
from reconciler.planning.plan import Change
from reconciler.review.callers import excluded_by, excluded_scopes
from reconciler.review.disruption import SHORT_OVERLAP
from reconciler.review.rule import Declared
from reconciler.review.said import Said
from reconciler.review.scene import Scene
from reconciler.review.usage import LastUse

IN_USE = timedelta(days=14)
WAITED = timedelta(days=7)
"""For how long a key is inactive before it is removed."""
BUSY = timedelta(hours=24)


def _last_use(record: KeyRecord, scene: Scene, within: timedelta) -> LastUse | None:
    """Give the last use of a key or of what it replaced, where that was within a time."""
    last = scene.usage.last_use(scene.usage.family(record))
    return last if last is not None and scene.now - last.at <= within else None


@Declared(
    id="AK108",
    by_use=True,
    title="A key is removed that is in use",
    severity=Severity.CRITICAL,
    why="A removal is final, and whoever was seen with the key in the last 14 days is refused at "
    "once. Of a key that is inactive already counts the last week: uses before, and requests that "
    "were refused for it since.",
    mend="Find its caller by the address and give it another key. Then apply `active: false`, wait "
    "a week in which nobody presents it, and remove it.",
    practice="Deactivate unused keys.",
)
def removed_in_use(scene: Scene) -> Iterator[Said]:
    """A removal of a key that verifiers saw lately; a hold or an end of the key came before it."""
    for change in scene.key_changes:
        record = change.record
        if Action.REMOVE not in change.actions or record is None:
            continue
        if record.hold is not None or record.is_expired(scene.now):
            continue
        words = _used_lately(record, scene)
        if words:
            yield scene.of_change(change, f"is removed, and {words}")


def _used_lately(record: KeyRecord, scene: Scene) -> str:
    if record.fields.active:
        last = _last_use(record, scene, IN_USE)
        return "" if last is None else f"was last used {last.words}"
    tried = _last_try(record, scene.now - WAITED, scene)
    if tried is not None:
        _, address = tried.refusal
        whence = f" from {address}" if address else ""
        return f"is presented still though it is inactive: last {moment(tried.last_at)}{whence}"
    last = _last_use(record, scene, WAITED)
    return "" if last is None else f"was used less than a week ago: last {last.words}"


def _last_try(record: KeyRecord, after: datetime, scene: Scene) -> UseMark | None:
    """Give the last request that was refused because the key is inactive."""
    refusals = (m for v in scene.usage.family(record) for m in scene.usage.of(v).refusals)
    reason = DenialReason.KEY_INACTIVE.value
    tries = [m for m in refusals if m.refusal[0] == reason and m.last_at >= after]
    return max(tries, key=lambda m: m.last_at, default=None)


@Declared(
    id="AK110",
    by_use=True,
    title="A key is deactivated that is in use",
    severity=Severity.MEDIUM,
    why="Whoever was seen with the key in the last 24 hours is refused at once, and may be found "
    "out by that alone.",
    mend="Tell whoever owns the caller's address, or rotate the key where its secret is what "
    "matters.",
)
def deactivated_in_use(scene: Scene) -> Iterator[Said]:
    """A key stops admitting anybody that verifiers saw within 24 hours."""
    for change in scene.key_changes:
        record = change.record
        if Action.DEACTIVATE not in change.actions or record is None or not scene.admits(record):
            continue
        last = _last_use(record, scene, BUSY)
        if last is not None:
            yield scene.of_change(
                change, f"is deactivated, and was last used {last.words}", "spec.active"
            )


@Declared(
    id="AK111",
    by_use=True,
    title="A secret in use is replaced with hardly any overlap",
    severity=Severity.HIGH,
    why="Whoever was seen with the secret in the last 14 days has less than an hour to read the "
    "new one. A leaked secret is refused already and is not meant.",
    mend="Give `spec.rotation.overlap` as long as its consumers need to read the path again; a day "
    "where nobody knows.",
    practice="Rotate periodically.",
)
def replaced_in_a_hurry(scene: Scene) -> Iterator[Said]:
    """The current secret was used within 14 days and works for less than an hour more."""
    for change, record, spec in scene.altered():
        if not _is_hurried(change, spec) or not scene.admits(record) or record.current is None:
            continue
        last = scene.usage.last_use((record.current,))
        if last is not None and scene.now - last.at <= IN_USE:
            overlap = format_duration(spec.fields.rotation.overlap)
            yield scene.of_change(
                change,
                f"lets its secret work for {overlap} more, and that was last used {last.words}",
                "spec.rotation.overlap",
            )


def _is_hurried(change: Change, spec: KeySpec) -> bool:
    if change.secret is None or Action.DEACTIVATE in change.actions:
        return False
    rotation = spec.fields.rotation
    return rotation.overlap < SHORT_OVERLAP and rotation.retire is Retirement.AFTER_OVERLAP


_FIELDS = {Dimension.ORIGINS: "spec.allowlist", Dimension.SCOPES: "spec.scopes"}
_LOSES = {
    Dimension.ORIGINS: "keeps out {count} of {total} addresses seen in the last 30 days: {it}",
    Dimension.SCOPES: "takes away {count} of {total} scopes exercised in the last 30 days: {it}",
}


@Declared(
    id="AK118",
    by_use=True,
    title="A narrowing keeps out who was seen",
    severity=Severity.HIGH,
    why="Verifiers allowed these addresses, or these scopes, in the last 30 days, and would refuse "
    "them from now on. What was seen longer ago does not count.",
    mend="Leave in what is needed; otherwise tell whoever owns the caller before.",
)
def excludes_callers(scene: Scene) -> Iterator[Said]:
    """An allowlist, grants or a catalogue allow no more what verifiers saw within 30 days."""
    for change, record, spec in scene.altered():
        if not scene.admits(record) or not spec.fields.active:
            continue
        for dimension, lost in excluded_by(record, spec, scene.usage, scene.catalog).items():
            if lost.subjects:
                words = _LOSES[dimension].format(
                    count=len(lost.subjects), total=lost.total, it=lost.words
                )
                yield scene.of_change(change, words, _FIELDS[dimension])
    for change in scene.plan.changes:
        is_catalog = any(isinstance(b, ScopeCatalog) for b in (change.body, change.body_before))
        if is_catalog and scene.meanings.losing:
            yield from _under_catalog(change, scene)


def _under_catalog(change: Change, scene: Scene) -> Iterator[Said]:
    """Say what keys that stay as they are exercised and a changed catalogue takes from them."""
    losing = frozenset(scene.meanings.losing)
    for record in scene.observed.records:
        if str(record.address) in losing and scene.admits(record):
            lost = excluded_scopes(record, scene.usage, scene.catalog)
            if lost.subjects:
                yield scene.of_change(change, f"denies {record.address} {lost.words}")
