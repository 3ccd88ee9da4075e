"""AK301, AK304, AK305, AK308 to AK311: what verifiers saw of keys, and what they did not see.

What was not seen is said only for a time in which they reported without a gap (`usage`); it ends
with their last word, not now.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from reconciler.model.keys import KeyRecord
from reconciler.model.moments import day, moment
from reconciler.model.severity import Severity
from reconciler.model.uses import UseKind
from reconciler.review.privilege import covered
from reconciler.review.rule import Declared
from reconciler.review.said import Said
from reconciler.review.scene import Scene

NEVER = timedelta(days=30)
IDLE = ((timedelta(days=90), Severity.MEDIUM), (timedelta(days=45), Severity.LOW))
SOON = timedelta(hours=24)
UNEXERCISED = timedelta(days=90)
_CREATION = timedelta(hours=1)
"""So much later the first secret of a key may be made than the key."""


@Declared(
    id="AK301",
    by_use=True,
    standing=True,
    title="A key that nobody uses",
    severity=Severity.LOW,
    at_worst=Severity.MEDIUM,
    why="What nobody needs is watched by nobody, and opens the door all the same: 30 days after "
    "its creation without any use, or 45 days after the last. After 90 days this is medium.",
    mend="Ask its owner; deactivate it (`active: false`), and remove it a week later.",
    practice="Deactivate unused keys.",
)
def unused_key(scene: Scene) -> Iterator[Said]:
    """A key that works was not seen for long, and verifiers looked all the time."""
    for record in scene.lasting:
        since, until = scene.usage.since(record), scene.usage.until
        if since is None or until is None:
            continue
        last = scene.usage.last_use(record.versions)
        begins = since if last is None else max(since, last.at)
        is_new = last is None and since <= record.created_at + _CREATION
        idle = until - begins
        severity = next((s for limit, s in IDLE if idle > limit), None)
        if severity is None and is_new and idle > NEVER:
            severity = Severity.LOW
        if severity is None:
            continue
        words = f"was not used since {day(begins)}, for {idle.days} days"
        if last is not None and last.at >= since:
            words = f"was last used {last.words}, {idle.days} days ago"
        elif is_new:
            words = f"was never used since it was made on {day(begins)}, {idle.days} days ago"
        yield scene.of_record(record, words, severity)


def _replaced_since(record: KeyRecord) -> datetime | None:
    """Give since when its current secret can be read."""
    current = record.current
    return None if current is None else (current.confirmed_at or current.created_at)


@Declared(
    id="AK304",
    by_use=True,
    standing=True,
    title="A replaced secret is in use, and ends soon",
    severity=Severity.HIGH,
    why="Its caller has not read the new secret and is refused when the overlap ends: within a "
    "day, of which half of the overlap has passed already.",
    mend="Have the caller read the path again; raise `spec.rotation.overlap` before the next "
    "rotation where the time is too short.",
    practice="Rotate periodically.",
)
def replaced_in_use(scene: Scene) -> Iterator[Said]:
    """A secret was used after its replacement, within a day, and ends within a day."""
    for record in scene.lasting if scene.usage.is_told else ():
        replaced = _replaced_since(record)
        if replaced is None:
            continue
        for version in scene.usage.replaced(record):
            last, ends = scene.usage.last_use((version,)), version.retire_at
            if last is None or ends is None or last.at <= max(replaced, scene.now - SOON):
                continue
            if ends - scene.now <= min(SOON, (ends - replaced) / 2):
                yield scene.of_record(
                    record,
                    f"has a replaced secret (…{version.last_characters}) that ends "
                    f"{moment(ends)} and was last used {last.words}",
                )


@Declared(
    id="AK305",
    by_use=True,
    standing=True,
    title="Nobody uses the new secret, and somebody the old one",
    severity=Severity.HIGH,
    why="A day after a rotation its caller has not been updated: it stops with the old secret.",
    mend="Update the external system, or have it read the path again; `keyrec explain` tells which "
    "secret it presents.",
    practice="Rotate periodically.",
)
def new_secret_unused(scene: Scene) -> Iterator[Said]:
    """For a day since a rotation the new secret was not used, and a replaced one was that day."""
    for record in scene.lasting if scene.usage.is_told else ():
        replaced, until = _replaced_since(record), scene.usage.until
        listens = scene.observed.uses_since
        if record.current is None or replaced is None or until is None or listens is None:
            continue
        is_seen = scene.usage.last_use((record.current,)) is not None
        if is_seen or listens > replaced or until - replaced < SOON:
            continue
        last = scene.usage.last_use(scene.usage.replaced(record))
        if last is not None and last.at > max(replaced, until - SOON):
            yield scene.of_record(
                record,
                f"has a new secret since {moment(replaced)} that nobody used; the replaced one was "
                f"last used {last.words}",
            )


@Declared(
    id="AK308",
    by_use=True,
    standing=True,
    title="A scope that nobody exercises",
    severity=Severity.MEDIUM,
    why="In 90 days the key was used, and never for this. Whoever gets hold of it can do it all "
    "the same. How long the scope has been granted does not count.",
    mend="Take the scope away, or lower its level to what was exercised.",
    practice="Apply the smallest possible scope.",
)
def scope_unexercised(scene: Scene) -> Iterator[Said]:
    """A grant that stays is higher than anything that the key was used for in 90 days."""
    for record in scene.lasting:
        since, until = scene.usage.since(record), scene.usage.until
        if since is None or until is None or until - since < UNEXERCISED:
            continue
        if not scene.usage.tells_all(record.versions, UseKind.SCOPE):
            continue
        exercised = frozenset(scene.usage.scopes(record.versions, until - UNEXERCISED))
        unused = _unexercised(record, exercised, scene) if exercised else ()
        if unused:
            yield scene.of_record(record, f"exercised in 90 days {', '.join(unused)}")


def _unexercised(
    record: KeyRecord, exercised: frozenset[tuple[str, str]], scene: Scene
) -> tuple[str, ...]:
    """Name the grants of which the granted level was not exercised, with what was instead."""
    spec = scene.spec_of.get(record.address)
    kept = frozenset(record.fields.scopes if spec is None else spec.fields.scopes)
    allowed = covered(record.fields, scene.observed.catalog)
    found = []
    for grant in record.fields.scopes:
        pair = (grant.resource, grant.level)
        if pair not in allowed or pair in exercised or grant not in kept:
            continue
        levels = scene.observed.catalog.levels(grant.resource)
        lower = [level for level in levels if (grant.resource, level) in exercised & allowed]
        found.append(f"{f'only {lower[-1]}' if lower else 'nothing'} of {grant}")
    return tuple(found)
