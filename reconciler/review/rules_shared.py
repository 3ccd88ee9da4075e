"""AK124, AK125: changes of what many keys share, of a network's ranges and of what scopes mean."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.scopes import GRAVE, ScopeCatalog
from reconciler.model.severity import Severity
from reconciler.model.workspaces import NetworkSet
from reconciler.review.origins import gained_words, is_opened
from reconciler.review.privilege import grant_words
from reconciler.review.rule import Declared
from reconciler.review.said import Said
from reconciler.review.scene import Scene

_MOST_NAMED = 5


@Declared(
    id="AK124",
    of_keys=False,
    title="A shared network takes in more",
    severity=Severity.HIGH,
    at_worst=Severity.CRITICAL,
    why="Every key whose allowlist names the network changes with it. A network that "
    "comes to hold nearly everything is critical.",
    mend="Look at the keys that it touches; give a key that wants another range its own entry.",
)
def network_changes(scene: Scene) -> Iterator[Said]:
    """A network set that is there already has addresses that it did not have."""
    for change in scene.plan.changes:
        before = change.body_before
        if isinstance(before, NetworkSet) and isinstance(change.body, NetworkSet):
            more = gained_words(change.body.ranges, before.ranges)
            if more:
                opened = is_opened(change.body.ranges, before.ranges)
                yield scene.of_change(
                    change,
                    f"takes in {'nearly everything: ' * opened}{', '.join(more)}",
                    severity=Severity.CRITICAL if opened else None,
                )


@Declared(
    id="AK125",
    of_keys=False,
    title="A catalogue gives scopes another meaning",
    severity=Severity.HIGH,
    at_worst=Severity.CRITICAL,
    why="Keys can do more without any change of their own. Changing credentials or workspaces is "
    "critical: with it, rights can be given to anybody.",
    mend="Add a resource or a level beside the others, and grant it to the keys that need it.",
    practice="Apply the smallest possible scope.",
)
def meanings_change(scene: Scene) -> Iterator[Said]:
    """Grants of keys that the plan leaves alone allow more than before."""
    for change in scene.plan.changes:
        if isinstance(change.body_before, ScopeCatalog) or isinstance(change.body, ScopeCatalog):
            found = scene.meanings
            if found.gained:
                words = ", ".join(grant_words(found.gained))
                yield scene.of_change(
                    change,
                    f"lets {_named(found.gaining)} use {words} too",
                    severity=Severity.CRITICAL if found.gained & GRAVE else None,
                )


def _named(addresses: tuple[str, ...]) -> str:
    rest = len(addresses) - _MOST_NAMED
    shown = ", ".join(addresses[:_MOST_NAMED])
    return f"{shown} and {rest} more" if rest > 0 else shown
