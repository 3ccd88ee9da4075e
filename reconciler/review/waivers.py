"""Findings that somebody accepts: which waiver counts, and what is wrong with waivers (AK231).

Only stored waivers that have not expired count. One that the plan brings is shown beside the
finding that it is for, and helps from the next apply on. A key that takes a name in this plan does
not get the waivers of that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from reconciler.model.review import Acceptance, Finding
from reconciler.model.severity import Severity
from reconciler.model.source import SourceRef
from reconciler.model.waivers import Waiver
from reconciler.review.rule import Rule
from reconciler.review.said import Said
from reconciler.review.scene import Scene

FAR = timedelta(days=366)
"""Beyond this, nobody looks at the accepted risk again."""

WAIVER_RULE = Rule(
    id="AK231",
    title="A waiver that is over, for nothing, or without a near end",
    severity=Severity.MEDIUM,
    why="An accepted risk has an end. What is accepted for ever, or accepts nothing any more, "
    "hides the next finding of the same rule.",
    of_keys=False,
    mend="Take the waiver out, or have it accepted anew with another day.",
)
"""Its question wants the findings of all other rules: `said_of_waivers` asks it."""


def with_waivers(findings: Iterable[Finding], scene: Scene) -> Iterator[Finding]:
    """Give the findings, each with the waiver that accepts it or will accept it."""
    accepted = {
        **{(w.rule, str(w.key)): _acceptance(w, counts=False) for w in _coming(scene)},
        **{(w.rule, str(w.key)): _acceptance(w, counts=True) for w in _counting(scene)},
    }
    renamed = set(scene.names_now.values())
    for finding in findings:
        is_same = finding.is_key and finding.address not in renamed
        waiver = accepted.get((finding.rule, finding.address)) if is_same else None
        yield finding if waiver is None else replace(finding, waiver=waiver)


def _acceptance(waiver: Waiver, *, counts: bool) -> Acceptance:
    return Acceptance(
        name=waiver.name,
        owner=waiver.owner,
        expires=waiver.expires,
        reason=waiver.reason,
        counts=counts,
    )


def said_of_waivers(findings: Iterable[Finding], scene: Scene) -> Iterator[Said]:
    """Say which stored and declared waivers are over, and which accept nothing.

    Whether one is unused can be said of a whole plan alone.
    """
    found = {(f.rule, f.address) for f in findings if f.is_key}
    is_whole = not (scene.plan.selection or scene.request.environments)
    declared = {w.name: (w, source) for w, source in _declared(scene)}
    for name, (waiver, source) in sorted({**_stored(scene), **declared}.items()):
        where = f"waiver/{name}"
        if waiver.is_expired(scene.now):
            message = f"accepted {waiver.rule} for {waiver.key} until {waiver.expires.isoformat()}"
            yield _said(where, message, source)
        elif waiver.expires > scene.now.date() + FAR:
            message = f"accepts {waiver.rule} for {waiver.key} until {waiver.expires.isoformat()}"
            yield _said(where, f"{message}, which is no near end", source, Severity.LOW)
        elif is_whole and (waiver.rule, str(waiver.key)) not in found:
            message = f"accepts {waiver.rule} for {waiver.key}, which has no such finding"
            yield _said(where, message, source, Severity.LOW)


def _said(
    address: str, message: str, source: SourceRef | None, severity: Severity | None = None
) -> Said:
    return Said(
        address=address,
        is_key=False,
        message=message,
        workspace=None,
        source=source,
        severity=severity,
    )


def _counting(scene: Scene) -> Iterator[Waiver]:
    return (w for w in scene.observed.waivers if not w.is_expired(scene.now))


def _coming(scene: Scene) -> Iterator[Waiver]:
    """Give what the plan brings or changes."""
    for change in scene.plan.changes:
        if isinstance(change.body, Waiver) and not change.body.is_expired(scene.now):
            yield change.body


def _declared(scene: Scene) -> Iterator[tuple[Waiver, SourceRef]]:
    for resource in scene.desired.resources:
        if isinstance(resource.body, Waiver):
            yield resource.body, resource.source


def _stored(scene: Scene) -> dict[str, tuple[Waiver, SourceRef | None]]:
    """Give stored waivers that the plan does not drop; those of other managers too."""
    dropped = {c.address for c in scene.plan.changes if not c.is_key and c.body is None}
    return {w.name: (w, None) for w in scene.observed.waivers if f"waiver/{w.name}" not in dropped}
