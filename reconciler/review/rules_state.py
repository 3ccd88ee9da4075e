"""AK229, AK230, AK302, AK303, AK306, AK307: what the store and the time say about keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from reconciler.model.severity import Severity
from reconciler.review.rule import Declared
from reconciler.review.said import Said
from reconciler.review.scene import Scene

OLD = ((timedelta(days=180), Severity.HIGH), (timedelta(days=90), Severity.MEDIUM))
SOON = (
    (timedelta(days=1), Severity.CRITICAL),
    (timedelta(days=7), Severity.HIGH),
    (timedelta(days=14), Severity.MEDIUM),
)


@Declared(
    id="AK229",
    standing=True,
    title="A key that admits nobody is kept",
    severity=Severity.LOW,
    why="What is not used is to be deactivated, and what stays inactive is to be removed: it can "
    "be activated by one line.",
    mend="Remove it by a KeyRemoval, or activate it.",
    practice="Deactivate unused keys.",
)
def inactive_kept(scene: Scene) -> Iterator[Said]:
    """A stored key is inactive and declared so still."""
    inactive = {s.address for s in scene.specs if not s.fields.active}
    for record in scene.stored:
        if not record.fields.active and record.address in inactive:
            yield scene.of_record(record, "is inactive and still declared")


@Declared(
    id="AK230",
    standing=True,
    title="An expired key is still declared",
    severity=Severity.MEDIUM,
    why="Its system does not work any more, or uses another key.",
    mend="Raise `spec.reissue` to replace it, or remove it by a KeyRemoval.",
)
def expired_kept(scene: Scene) -> Iterator[Said]:
    """A stored key has expired and its manifest is there."""
    wanted = {s.address: s for s in scene.specs}
    for record in scene.stored:
        spec = wanted.get(record.address)
        is_kept = spec is not None and spec.fields.reissue <= record.fields.reissue
        if is_kept and record.is_expired(scene.now):
            yield scene.of_record(record, f"expired on {record.expires_at:%Y-%m-%d}")


@Declared(
    id="AK302",
    standing=True,
    title="A secret was not rotated for long",
    severity=Severity.MEDIUM,
    at_worst=Severity.HIGH,
    why="The older a secret is, the more places it was copied to. After 180 days this is high.",
    mend="Raise `spec.rotation.generation`, or declare a schedule in `spec.rotation.every`.",
    practice="Rotate periodically.",
)
def rotation_overdue(scene: Scene) -> Iterator[Said]:
    """The current secret of a key that works is older than 90 days."""
    for record in scene.working:
        since = record.rotated_at or record.created_at
        age = scene.now - since
        severity = next((s for limit, s in OLD if age > limit), None)
        if severity is not None and record.key_id not in scene.renewed:
            yield scene.of_record(
                record, f"has had the same secret for {age.days} days", severity=severity
            )


@Declared(
    id="AK303",
    standing=True,
    title="A key expires soon",
    severity=Severity.MEDIUM,
    at_worst=Severity.CRITICAL,
    why="An expiration cannot be moved: every key ends in a reissue. Within a week this is high, "
    "within a day critical.",
    mend="Raise `spec.reissue` in time, and let its consumers read the path again.",
    practice="Configure expiration when practical.",
)
def expires_soon(scene: Scene) -> Iterator[Said]:
    """A key that works ends within fourteen days."""
    for record in scene.working:
        if record.expires_at is None or record.key_id in scene.renewed:
            continue
        left = record.expires_at - scene.now
        severity = next((s for limit, s in SOON if left <= limit), None)
        if severity is not None:
            yield scene.of_record(
                record, f"expires on {record.expires_at:%Y-%m-%d %H:%M} UTC", severity=severity
            )


@Declared(
    id="AK306",
    standing=True,
    title="A key without a manifest",
    severity=Severity.HIGH,
    why="Nobody reviews what it may do, and the policy lets it be.",
    mend="Declare it (`keyrec export` prints its manifest), or remove it by a KeyRemoval.",
)
def undeclared_key(scene: Scene) -> Iterator[Said]:
    """A stored key that works is declared nowhere, and no change ends it."""
    declared = {s.address for s in scene.desired.keys}
    changed = {c.record.key_id for c in scene.key_changes if c.record is not None}
    for record in scene.working:
        if record.address not in declared and record.key_id not in changed:
            yield scene.of_record(record, "works, and no manifest declares it")


@Declared(
    id="AK307",
    standing=True,
    title="Something was changed outside",
    severity=Severity.HIGH,
    why="Store or sink differ from what was last applied, without a change in git.",
    mend="`keyrec drift` says what; `keyrec apply --maintenance` mends what nobody can lose by it.",
)
def drifted(scene: Scene) -> Iterator[Said]:
    """What a look at the sink found, where somebody looked."""
    for drift in scene.plan.drift:
        yield Said(
            address=drift.address,
            message=f"differs from what was applied: {drift.kind.value}",
            workspace=drift.workspace,
        )
