"""AK201 to AK204, AK220 to AK225: what is declared of a key, whether it changes or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from reconciler.model.lifetime import Expiration, parse_duration
from reconciler.model.scopes import CONSOLE_CATALOG
from reconciler.model.severity import Severity
from reconciler.model.verdict import Dimension
from reconciler.review.privilege import covered
from reconciler.review.rule import Declared
from reconciler.review.said import Said
from reconciler.review.scene import Scene

LONG_FOR_WRITING = Expiration.QUARTER
LONG_FOR_READING = Expiration.HALF_YEAR
TOXIC: tuple[tuple[frozenset[tuple[str, str]], str], ...] = (
    (
        frozenset({("Credentials", "change"), ("Webhooks", "change")}),
        "can change credentials and have what happens sent elsewhere",
    ),
    (
        frozenset({("Workspaces", "change"), ("Credentials", "change")}),
        "can do what an admin can",
    ),
    (
        frozenset({("Repositories", "change"), ("SecurityScans", "operate")}),
        "can change code and what scans say about it",
    ),
)
"""Scopes that are harmless apart and not together, with what they make possible."""
ENVIRONMENT_WORDS = {
    "prod": "prod",
    "production": "prod",
    "live": "prod",
    "stage": "stage",
    "staging": "stage",
    "dev": "dev",
    "development": "dev",
    "test": "test",
    "qa": "test",
}
THROW_AWAY = frozenset(
    {"test", "tmp", "temp", "foo", "bar", "asdf", "key", "api", "new", "old", "my", "untitled"}
)
_SYSTEMS = re.compile(r"[,;+&]|\band\b|/")

_LENGTHS: dict[Expiration, timedelta] = {
    e: parse_duration(e.value) for e in Expiration if e is not Expiration.NONE
}


@Declared(
    id="AK201",
    follows=frozenset({Dimension.SCOPES, Dimension.TIME}),
    title="A key never expires",
    severity=Severity.MEDIUM,
    at_worst=Severity.HIGH,
    why="A key that is forgotten works for ever. With a scope that may write this is high.",
    mend="Declare an expiration; a schedule in `spec.rotation.every` renews the secret until then.",
    practice="Configure expiration when practical.",
)
def never_expires(scene: Scene) -> Iterator[Said]:
    """The expiration is none."""
    for spec in scene.specs:
        if spec.fields.expiration is Expiration.NONE:
            writes = scene.writes(spec.fields)
            yield scene.of_spec(
                spec,
                f"never expires and may use {', '.join(writes)}" if writes else "never expires",
                "spec.expiration",
                severity=Severity.HIGH if writes else None,
            )


@Declared(
    id="AK202",
    follows=frozenset({Dimension.SCOPES, Dimension.TIME}),
    title="A key lives long",
    severity=Severity.MEDIUM,
    why="The longer a key lives, the more copies of it there are: more than 90 days with a scope "
    "that may write, or more than 180 days with any.",
    mend="Choose a shorter expiration and reissue the key when it is due.",
    practice="Configure expiration when practical.",
)
def lives_long(scene: Scene) -> Iterator[Said]:
    """The expiration is longer than the scopes deserve."""
    for spec in scene.specs:
        expiration = spec.fields.expiration
        if expiration is Expiration.NONE:
            continue
        longest = LONG_FOR_WRITING if scene.writes(spec.fields) else LONG_FOR_READING
        if _LENGTHS[expiration] > _LENGTHS[longest]:
            yield scene.of_spec(
                spec,
                f"lives {expiration.value}; {longest.value} is long for what it may do",
                "spec.expiration",
            )


@Declared(
    id="AK203",
    follows=frozenset({Dimension.SCOPES, Dimension.ORIGINS}),
    title="A key that may write works from anywhere",
    severity=Severity.HIGH,
    why="Whoever has a copy of the key can change things, wherever they are.",
    mend="Add `spec.allowlist` with the system's addresses or a NetworkSet.",
    practice="Use IP allowlist for critical integrations.",
)
def writes_from_anywhere(scene: Scene) -> Iterator[Said]:
    """No allowlist beside a scope that may write."""
    for spec in scene.specs:
        writes = () if spec.fields.ranges is not None else scene.writes(spec.fields)
        if writes:
            yield scene.of_spec(
                spec, f"may use {', '.join(writes)} from the entire internet", "spec.allowlist"
            )


@Declared(
    id="AK204",
    follows=frozenset({Dimension.SCOPES, Dimension.ORIGINS}),
    title="A key that reads works from anywhere",
    severity=Severity.LOW,
    why="A copy of the key is enough to read what it may read.",
    mend="Add `spec.allowlist` where the system has fixed addresses.",
    practice="Use IP allowlist for critical integrations.",
)
def reads_from_anywhere(scene: Scene) -> Iterator[Said]:
    """No allowlist beside scopes that only read."""
    for spec in scene.specs:
        if spec.fields.ranges is None and not scene.writes(spec.fields):
            yield scene.of_spec(spec, "may be used from the entire internet", "spec.allowlist")


@Declared(
    id="AK220",
    follows=frozenset({Dimension.SCOPES}),
    title="Scopes that are dangerous together",
    severity=Severity.HIGH,
    why="Each scope alone has its use; together they let the holder take over or hide something.",
    mend="Give the system two keys, each with one of them, or do without one.",
    practice="Apply the smallest possible scope.",
)
def toxic_scopes(scene: Scene) -> Iterator[Said]:
    """A known dangerous combination, in stronger scopes too."""
    for spec in scene.specs:
        held = covered(spec.fields, scene.catalog)
        for together, words in TOXIC:
            if together <= held:
                names = " and ".join(f"{r}:{v}" for r, v in sorted(together))
                yield scene.of_spec(spec, f"{words}, by {names}", "spec.scopes")


@Declared(
    id="AK221",
    follows=frozenset({Dimension.SCOPES}),
    title="A key may do everything",
    severity=Severity.HIGH,
    why="It has the strongest level of every resource: whoever holds it is an admin.",
    mend="Grant what the system uses and nothing else.",
    practice="Apply the smallest possible scope.",
)
def all_scopes(scene: Scene) -> Iterator[Said]:
    """The strongest level of all that the catalogue knows, or of all that the console knows."""
    wholes = [
        {(resource, levels[-1]) for resource, levels in catalog.resources}
        for catalog in (scene.catalog, CONSOLE_CATALOG)
    ]
    for spec in scene.specs:
        held = covered(spec.fields, scene.catalog)
        if any(len(whole) > 1 and whole <= held for whole in wholes):
            yield scene.of_spec(spec, "has the strongest level of every resource", "spec.scopes")


@Declared(
    id="AK222",
    title="The name says another environment",
    severity=Severity.HIGH,
    why="Somebody will use the key, or its secret, where it does not belong.",
    mend="Rename the key, or correct `spec.environment`.",
    practice="Use clear names, such as billing-sync-prod.",
)
def name_contradicts(scene: Scene) -> Iterator[Said]:
    """A word of the name is that of another environment."""
    for spec in scene.specs:
        said = {ENVIRONMENT_WORDS[w] for w in _words(spec.address.name) if w in ENVIRONMENT_WORDS}
        own = ENVIRONMENT_WORDS.get(spec.fields.environment, spec.fields.environment)
        if said and own not in said:
            yield scene.of_spec(
                spec,
                f"is of {spec.fields.environment}, and its name says {', '.join(sorted(said))}",
            )


@Declared(
    id="AK223",
    title="A key is shared by several systems",
    severity=Severity.HIGH,
    why="Nobody can rotate or stop it for one of them, and nobody knows whose request it was.",
    mend="Give each system and environment a key of its own.",
    practice="Create one key per system and environment.",
)
def shared_key(scene: Scene) -> Iterator[Said]:
    """The label `system` names more than one."""
    for spec in scene.specs:
        system = dict(spec.fields.labels).get("system", "")
        if len([part for part in _SYSTEMS.split(system) if part.strip()]) > 1:
            words = "is for several systems, as its label `system` says"
            yield scene.of_spec(spec, words, whole=system)


@Declared(
    id="AK224",
    title="Nobody answers for a key",
    severity=Severity.MEDIUM,
    why="When it leaks or expires, somebody has to be asked.",
    mend="Add `metadata.owner`, or an owner in the workspace's defaults.",
)
def no_owner(scene: Scene) -> Iterator[Said]:
    """There is no owner."""
    for spec in scene.specs:
        if spec.fields.owner is None:
            yield scene.of_spec(spec, "has no owner", "metadata.owner")


@Declared(
    id="AK225",
    title="A throw-away name",
    severity=Severity.LOW,
    why="In a year nobody knows what `test-key-2` is for, and nobody dares to remove it.",
    mend="Name the system and the environment, as in billing-sync-prod.",
    practice="Use clear names, such as billing-sync-prod.",
)
def throw_away_name(scene: Scene) -> Iterator[Said]:
    """All words of the name say nothing."""
    for spec in scene.specs:
        words = [w for w in _words(spec.address.name) if not w.isdigit()]
        if all(w in THROW_AWAY or len(w) == 1 or w in ENVIRONMENT_WORDS for w in words):
            yield scene.of_spec(spec, "has a name that says nothing of its system")


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[-0-9]+", name) if word]
