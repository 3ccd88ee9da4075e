"""Commits of manifests to the stage's repository: each is legal for what the store holds at that
moment, and tells the model what it asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from reconciler.model.keys import KeyAddress, KeySpec
from reconciler.model.lifetime import Expiration
from tests.fakes.world import removal, spec
from tests.properties.promised import OVERLAP
from tests.properties.stage import Stage
from tests.properties.wishes import NAMES


def free_names(stage: Stage) -> list[str]:
    """Give the names under which a new key may be declared."""
    live = {r.address.name for r in stage.live()}
    return [n for n in NAMES if n not in stage.repository.keys.keys() | live]


def left_paths(stage: Stage) -> list[str]:
    """Give the paths that a key has left and that no other one was given."""
    declared = {s.fields.sink_path for s in stage.repository.keys.values()}
    rows = stage.world.store.state.paths.values()
    touched = stage.promised.touched
    return sorted(r.path for r in rows if r.is_free and r.path not in declared | touched)


def stored_names(stage: Stage) -> list[str]:
    """Give the declared keys that the store holds under their name."""
    live = {r.address.name for r in stage.live()}
    return sorted(stage.repository.keys.keys() & live)


def declare(
    stage: Stage, name: str, path: str, *, active: bool = True, every: timedelta | None = None
) -> None:
    """Declare a new key."""
    number = stage.repository.number()
    stage.repository.removals.pop(name, None)
    stage.repository.keys[name] = spec(
        name, owner=f"team-{number}", sink_path=path, active=active, every=every, overlap=OVERLAP
    )
    stage.promised.wish(name, active=active)


def describe(stage: Stage, name: str) -> None:
    """Change a field that has nothing to do with the secret."""
    stage.repository.change(name, owner=f"team-{stage.repository.number()}")


def switch(stage: Stage, name: str) -> None:
    """Stop a key, or let it work again."""
    active = not stage.repository.keys[name].fields.active
    stage.repository.change(name, active=active)
    wish(stage, stage.repository.keys[name], active=active)


def wish(stage: Stage, key: KeySpec, *, active: bool) -> None:
    """Tell the model, under the name that the store may still know the key by."""
    stage.promised.wish(key.address.name, active=active)
    if key.previous_name is not None and key.previous_name not in stage.repository.keys:
        stage.promised.wish(key.previous_name, active=active)


def rotate(stage: Stage, name: str) -> None:
    """Raise the generation."""
    rotation = stage.repository.keys[name].fields.rotation
    stage.repository.change(name, rotation=replace(rotation, generation=rotation.generation + 1))


def move(stage: Stage, name: str, path: str) -> None:
    """Give another path."""
    stage.repository.change(name, sink_path=path)


def reissue(stage: Stage, name: str, path: str | None = None) -> None:
    """Ask for a new key in place of this one, at its path or at another."""
    fields = stage.repository.keys[name].fields
    stage.repository.change(
        name,
        reissue=fields.reissue + 1,
        expiration=Expiration.YEAR,
        sink_path=path or fields.sink_path,
    )


def rename(stage: Stage, name: str, new: str, path: str | None = None) -> None:
    """Give another name, and perhaps another path."""
    key = stage.repository.keys.pop(name)
    stage.repository.removals.pop(new, None)
    stage.repository.keys[new] = KeySpec(
        address=KeyAddress(workspace="payments", name=new),
        fields=replace(key.fields, sink_path=path or key.fields.sink_path),
        source=spec(new).source,
        previous_name=name,
    )
    stage.promised.wish(new, active=key.fields.active)


def remove(stage: Stage, name: str) -> None:
    """Declare the end of a key, whose manifest is there or is gone already."""
    stage.repository.keys.pop(name, None)
    stage.repository.forgotten.discard(name)
    stage.repository.removals[name] = removal(name)
    stage.promised.wish(name, active=False)


def forget(stage: Stage, name: str) -> None:
    """Lose a manifest."""
    key = stage.repository.keys.pop(name)
    stage.repository.forgotten.add(name)
    wish(stage, key, active=False)


def _one(names: list[str], pick: int) -> str | None:
    return names[pick % len(names)] if names else None


def _some_path(stage: Stage, pick: int) -> str:
    """Choose one of the left paths, or a new one."""
    paths = [f"payments/new/{stage.repository.number()}", *left_paths(stage)]
    return paths[pick % len(paths)]


def _declare(stage: Stage, pick: int, path: int) -> None:
    name = _one(free_names(stage), pick)
    if name is not None:
        every = (None, timedelta(days=2))[path % 2]
        declare(stage, name, _some_path(stage, path), active=path != 0, every=every)


def _of_declared(change: Callable[[Stage, str], None]) -> Callable[[Stage, int, int], None]:
    def chosen(stage: Stage, pick: int, _: int) -> None:
        name = _one(sorted(stage.repository.keys), pick)
        if name is not None:
            change(stage, name)

    return chosen


def _of_stored(change: Callable[[Stage, str], None]) -> Callable[[Stage, int, int], None]:
    def chosen(stage: Stage, pick: int, _: int) -> None:
        name = _one(stored_names(stage), pick)
        if name is not None:
            change(stage, name)

    return chosen


def _move(stage: Stage, pick: int, path: int) -> None:
    name = _one(sorted(stage.repository.keys), pick)
    if name is not None:
        move(stage, name, _some_path(stage, path))


def _reissue(stage: Stage, pick: int, path: int) -> None:
    name = _one(sorted(stage.repository.keys), pick)
    if name is not None:
        reissue(stage, name, _some_path(stage, path) if path % 2 else None)


def _rename(stage: Stage, pick: int, path: int) -> None:
    name, new = _one(stored_names(stage), pick), _one(free_names(stage), path)
    if name is not None and new is not None:
        rename(stage, name, new, _some_path(stage, path) if path % 2 else None)


def _remove_forgotten(stage: Stage, pick: int, _: int) -> None:
    name = _one(sorted(stage.repository.forgotten), pick)
    if name is not None:
        remove(stage, name)


CHANGES: dict[str, Callable[[Stage, int, int], None]] = {
    "declare": _declare,
    "describe": _of_declared(describe),
    "switch": _of_declared(switch),
    "rotate": _of_declared(rotate),
    "move": _move,
    "reissue": _reissue,
    "rename": _rename,
    "remove": _of_stored(remove),
    "remove forgotten": _remove_forgotten,
    "forget": _of_stored(forget),
}
"""What a commit may change, by name; the numbers choose a key and a path."""
