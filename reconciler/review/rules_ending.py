"""AK109, AK112, AK113, AK115, AK123, AK126, AK127: ends, places, owners, safeguards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from reconciler.model.keys import KeyAddress
from reconciler.model.lifetime import format_duration
from reconciler.model.severity import Severity
from reconciler.planning.actions import Action
from reconciler.planning.plan import Change
from reconciler.review.rule import Declared
from reconciler.review.said import Said
from reconciler.review.scene import Scene

LONG_OVERLAP = timedelta(days=7)
ENDLESS_OVERLAP = timedelta(days=30)


@Declared(
    id="AK109",
    title="A key is removed while it is active",
    severity=Severity.MEDIUM,
    why="A removal is final. A key that was inactive first shows in time who still needed it.",
    mend="Apply `active: false`, wait a week, then remove it.",
    practice="Deactivate unused keys.",
)
def removed_while_active(scene: Scene) -> Iterator[Said]:
    """A removal of a key that admits its holders until then."""
    for change in scene.key_changes:
        record = change.record
        if Action.REMOVE in change.actions and record is not None and record.fields.active:
            yield scene.of_change(change, "is removed without having been inactive first")


@Declared(
    id="AK112",
    title="A replaced secret works for more than a week",
    severity=Severity.MEDIUM,
    at_worst=Severity.HIGH,
    why="A rotation after a suspicion is of little use while the old secret goes on working, and a "
    "replaced key keeps all that it could do. Of more than 30 days this is high.",
    mend="Shorten `spec.rotation.overlap`; after a leak use `keyrec rotate --leaked`, which has "
    "none.",
)
def overlap_long(scene: Scene) -> Iterator[Said]:
    """An overlap of more than seven days is new, or begins."""
    for change in scene.key_changes:
        spec = change.spec
        if spec is None or spec.fields.rotation.overlap <= LONG_OVERLAP:
            continue
        is_new = change.record is None or change.record.fields.rotation != spec.fields.rotation
        if is_new or change.secret is not None:
            overlap = spec.fields.rotation.overlap
            yield scene.of_change(
                change,
                f"lets a replaced secret work for {format_duration(overlap)}",
                "spec.rotation.overlap",
                Severity.HIGH if overlap > ENDLESS_OVERLAP else None,
            )


@Declared(
    id="AK113",
    title="The secret moves to another place",
    severity=Severity.HIGH,
    why="Others can read the new place; consumers that read the old one break after the overlap, "
    "and the old copies stay readable until then.",
    mend="See who may read the new path, and that every consumer follows within the overlap.",
    practice="Store it in a secure vault, never in source code.",
)
def secret_moves(scene: Scene) -> Iterator[Said]:
    """A rename or a changed path."""
    for change in scene.key_changes:
        secret = change.secret
        if secret is not None and secret.left_path is not None:
            yield scene.of_change(
                change,
                f"is written to {secret.path} instead of {secret.left_path}",
                "spec.secret.path",
            )


@Declared(
    id="AK115",
    title="Owner or environment changes",
    severity=Severity.HIGH,
    why="Somebody else answers for the key, or it belongs to another environment than before.",
    mend="Have the new owner approve the pull request.",
)
def owner_changes(scene: Scene) -> Iterator[Said]:
    """Who answers for a key, or where it belongs, is another."""
    for change, record, spec in scene.altered():
        if record.fields.owner is not None and record.fields.owner != spec.fields.owner:
            new = spec.fields.owner or "nobody"
            yield scene.of_change(
                change, f"is owned by {new} instead of {record.fields.owner}", "metadata.owner"
            )
        if record.fields.environment != spec.fields.environment:
            yield scene.of_change(
                change,
                f"belongs to {spec.fields.environment} instead of {record.fields.environment}",
                "spec.environment",
            )


@Declared(
    id="AK123",
    title="A held key is removed or comes back",
    severity=Severity.HIGH,
    why="A hold is an emergency stop. Removing the key ends its history, and a new key of the same "
    "name would admit the same system again around the hold.",
    mend="Find out why it was held, and release or remove it for good on purpose.",
)
def held_key_replaced(scene: Scene) -> Iterator[Said]:
    """A removal of a held key, or a new key under a name that was removed while held."""
    for change in scene.key_changes:
        record = change.record
        if Action.REMOVE in change.actions and record is not None and record.hold is not None:
            yield scene.of_change(change, f"is on hold ({record.hold.reason}) and is removed")
        if Action.CREATE in change.actions and _address(change) in scene.observed.removed_held:
            yield scene.of_change(change, "was removed while it was on hold, and comes back")


def _address(change: Change) -> KeyAddress | None:
    return None if change.spec is None else change.spec.address


@Declared(
    id="AK126",
    title="A key loses its protection or its schedule",
    severity=Severity.MEDIUM,
    why="Protection keeps a key from being ended by one change, and a schedule ends what was "
    "copied from it. Without them nothing is seen until it matters.",
    mend="Say in the pull request why the key does without, or leave it as it is.",
    practice="Rotate periodically.",
)
def safeguard_lost(scene: Scene) -> Iterator[Said]:
    """A changed key is not protected any more, or its secret is renewed less often."""
    for change, record, spec in scene.altered():
        if record.fields.protected and not spec.fields.protected:
            yield scene.of_change(change, "is protected no more", "spec.protected")
        old, new = record.fields.rotation.every, spec.fields.rotation.every
        if old is not None and (new is None or new > old):
            words = "by no schedule" if new is None else f"every {format_duration(new)}"
            yield scene.of_change(
                change,
                f"is rotated {words} instead of every {format_duration(old)}",
                "spec.rotation.every",
            )


@Declared(
    id="AK127",
    title="A value that somebody else wrote is written over",
    severity=Severity.MEDIUM,
    why="Whoever reads it there gets this key's secret from then on.",
    mend="Find out who wrote it and who reads it; let them take it away themselves.",
)
def stranger_written_over(scene: Scene) -> Iterator[Said]:
    """The new secret replaces a version of the sink that is no key's."""
    for change in scene.key_changes:
        secret = change.secret
        if secret is not None and secret.adopts is not None:
            yield scene.of_change(
                change,
                f"writes over version {secret.adopts} at {secret.path}, which is somebody else's",
                "spec.secret.adopt",
            )
