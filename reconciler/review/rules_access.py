"""AK101 to AK106, AK117, AK119: what a change does to what a key can do, where and how long."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.keys import KeyFields, KeySpec
from reconciler.model.lifetime import Expiration, Retirement, format_duration, parse_duration
from reconciler.model.scopes import GRAVE
from reconciler.model.severity import Severity
from reconciler.planning.actions import Action
from reconciler.review.origins import gained_words, is_opened, share_words
from reconciler.review.privilege import covered, grant_words
from reconciler.review.rule import Declared
from reconciler.review.said import Said
from reconciler.review.scene import Scene


@Declared(
    id="AK101",
    title="A scope is added or raised",
    severity=Severity.HIGH,
    at_worst=Severity.CRITICAL,
    why="Whoever holds the key can do more than before. Changing credentials or workspaces is "
    "critical: with it, rights can be given to anybody.",
    mend="Grant the smallest scope that the system needs.",
    practice="Apply the smallest possible scope.",
)
def scope_raised(scene: Scene) -> Iterator[Said]:
    """A changed key may do more."""
    for change, record, spec in scene.altered():
        old = covered(record.fields, scene.observed.catalog)
        gained = covered(spec.fields, scene.catalog) - old
        if gained:
            words = grant_words(gained, tuple(str(g) for g in spec.fields.scopes))
            within = [f"{r}:{v}" for r, v in sorted(gained & GRAVE) if f"{r}:{v}" not in words]
            held = f", which holds {', '.join(within)}" if within else ""
            yield scene.of_change(
                change,
                f"gains {', '.join(words)}{held}",
                "spec.scopes",
                severity=Severity.CRITICAL if gained & GRAVE else None,
            )


@Declared(
    id="AK102",
    title="The allowlist is widened",
    severity=Severity.HIGH,
    why="The key works from addresses from which it did not work before.",
    mend="Add single addresses or the smallest range; take out what is not needed any more.",
    practice="Use IP allowlist for critical integrations.",
)
def allowlist_widened(scene: Scene) -> Iterator[Said]:
    """A changed key works from more addresses, and is still restricted."""
    for change, record, spec in scene.altered():
        if record.fields.ranges is None or is_opened(spec.fields.ranges, record.fields.ranges):
            continue
        added = gained_words(spec.fields.ranges, record.fields.ranges)
        if added:
            yield scene.of_change(
                change, f"works from {', '.join(added)}, and did not before", "spec.allowlist"
            )


@Declared(
    id="AK103",
    title="The allowlist is taken away",
    severity=Severity.CRITICAL,
    why="The key works from the entire internet: a copy of it is enough.",
    mend="Keep an allowlist, as wide as it has to be; where the origin is not known, look at the "
    "origins of denied requests first.",
    practice="Use IP allowlist for critical integrations.",
)
def allowlist_removed(scene: Scene) -> Iterator[Said]:
    """A key that was restricted is not any more, or only in name."""
    for change, record, spec in scene.altered():
        if is_opened(spec.fields.ranges, record.fields.ranges):
            whole = spec.fields.ranges is None
            words = "the entire internet" if whole else share_words(spec.fields.ranges)
            yield scene.of_change(change, f"works from {words} now", "spec.allowlist")


@Declared(
    id="AK104",
    title="A key that admitted nobody works again",
    severity=Severity.HIGH,
    at_worst=Severity.CRITICAL,
    why="Everything that the key could do comes back, and its secrets were out of sight meanwhile. "
    "With a scope that changes credentials or workspaces this is critical.",
    mend="Rotate it in the same change if nobody knows who kept its secret; leave it as it is if "
    "nobody needs it.",
)
def key_reactivated(scene: Scene) -> Iterator[Said]:
    """A key that was inactive is activated, or one that had ended is replaced by one that works."""
    for change, record, spec in scene.altered():
        reissued = Action.REISSUE in change.actions and spec.fields.active
        if Action.ACTIVATE in change.actions or (reissued and not record.is_open(scene.now)):
            expired = record.is_expired(scene.now)
            was = f"had expired on {record.expires_at:%Y-%m-%d}" if expired else "was inactive"
            who = "a new secret lets its system in" if reissued else "every secret of it works"
            yield scene.of_change(
                change, f"{was}; {who} again", "spec.active", _if_grave(spec, scene)
            )


def _if_grave(spec: KeySpec, scene: Scene) -> Severity | None:
    """Give how grave it is that somebody can use the key who could not."""
    is_grave = spec.fields.active and covered(spec.fields, scene.catalog) & GRAVE
    return Severity.CRITICAL if is_grave else None


@Declared(
    id="AK106",
    title="The key that replaces another lives longer",
    severity=Severity.HIGH,
    why="An expiration is set once; a reissue with a longer one, or with none, is the way around.",
    mend="Keep the expiration, or a shorter one; rotate by schedule instead of living longer.",
    practice="Configure expiration when practical.",
)
def reissue_lives_longer(scene: Scene) -> Iterator[Said]:
    """A reissue has a longer expiration than the key that it replaces."""
    for change, record, spec in scene.altered():
        if Action.REISSUE not in change.actions:
            continue
        old, new = record.fields.expiration, spec.fields.expiration
        if _lasts(new) > _lasts(old):
            yield scene.of_change(
                change, f"lives {new.value} instead of {old.value}", "spec.expiration"
            )


def _lasts(expiration: Expiration) -> float:
    if expiration is Expiration.NONE:
        return float("inf")
    return parse_duration(expiration.value).total_seconds()


@Declared(
    id="AK117",
    title="A key that was not here may write",
    severity=Severity.INFO,
    at_worst=Severity.CRITICAL,
    why="A headline for whoever counts what can change things. Changing credentials or workspaces "
    "is critical: with it, rights can be given to anybody.",
    mend="Grant less, or have it accepted, where that is what the system is for.",
)
def new_key_writes(scene: Scene) -> Iterator[Said]:
    """A created or adopted key has more than the weakest level of something."""
    for change in scene.key_changes:
        spec = change.spec
        words = () if spec is None else scene.writes(spec.fields)
        is_new = Action.CREATE in change.actions
        if spec is not None and words and (is_new or change.adoption is not None):
            yield scene.of_change(
                change,
                f"is {'new' if is_new else 'taken over'} and may use {', '.join(words)}",
                "spec.scopes",
                _if_grave(spec, scene),
            )


@Declared(
    id="AK119",
    title="Replaced secrets work longer",
    severity=Severity.MEDIUM,
    why="The overlap is the time in which a secret that was replaced still opens the door.",
    mend="Keep the overlap as short as consumers can follow.",
)
def overlap_raised(scene: Scene) -> Iterator[Said]:
    """The overlap of a key is longer than before, or ends on evidence alone."""
    for change, record, spec in scene.altered():
        old, new = record.fields.rotation, spec.fields.rotation
        if new.overlap > old.overlap:
            yield scene.of_change(
                change,
                f"lets a replaced secret work {format_duration(new.overlap)} "
                f"instead of {format_duration(old.overlap)}",
                "spec.rotation.overlap",
            )
        if _waits(spec.fields) and not _waits(record.fields):
            yield scene.of_change(
                change,
                "lets a replaced secret work until nobody uses it",
                "spec.rotation.retire",
            )


def _waits(fields: KeyFields) -> bool:
    return fields.rotation.retire is Retirement.WHEN_UNUSED
