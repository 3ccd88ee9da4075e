"""Generated lives of a repository: one desired state after another, each legal after the one before.

A step is one edit as a team makes it: declare, describe, stop, rotate, move, reissue, rename,
remove, forget, or let time pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from reconciler.model.keys import KeyAddress, KeyRemoval, KeySpec
from reconciler.model.lifetime import Expiration
from reconciler.model.resources import Body
from reconciler.model.scopes import ScopeGrant
from reconciler.model.workspaces import NetworkSet
from tests.fakes.world import removal, spec

NAMES = ("a", "b", "c", "d")
LEVELS = ("read", "operate")
Item = KeySpec | KeyRemoval | Body


@dataclass
class Repository:
    """What is declared now, and what may still be declared."""

    keys: dict[str, KeySpec] = field(default_factory=dict)
    removals: dict[str, KeyRemoval] = field(default_factory=dict)
    networks: dict[str, NetworkSet] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    """Names of keys whose manifest is gone while the store still has them."""
    touched: set[str] = field(default_factory=set)
    """Names that were edited since the last apply: each is edited once between two."""
    count: int = 0
    passed: timedelta = timedelta(0)
    """How much time the last edit let pass."""

    @property
    def items(self) -> tuple[Item, ...]:
        """Give all declarations."""
        return (*self.networks.values(), *self.keys.values(), *self.removals.values())

    @property
    def editable(self) -> list[str]:
        """Give the keys that may be edited before the next apply."""
        return sorted(self.keys.keys() - self.touched)

    @property
    def free(self) -> list[str]:
        """Give the names that nothing in the store has."""
        return [n for n in NAMES if n not in self.keys.keys() | self.forgotten | self.touched]

    def number(self) -> int:
        """Give a number that nothing had before."""
        self.count += 1
        return self.count

    def change(self, name: str, **fields: Any) -> None:
        """Edit one key."""
        old = self.keys[name]
        self.keys[name] = replace(old, fields=replace(old.fields, **fields))


def _declare(repository: Repository, draw: st.DrawFn) -> None:
    if not repository.free:
        return
    name = draw(st.sampled_from(repository.free))
    repository.touched.add(name)
    repository.removals.pop(name, None)
    number = repository.number()
    repository.keys[name] = spec(
        name,
        owner=f"team-{number}",
        sink_path=f"payments/prod/{name}-{number}",
        active=draw(st.booleans()),
        every=draw(st.sampled_from([None, timedelta(days=2), timedelta(days=30)])),
        overlap=draw(st.sampled_from([timedelta(hours=1), timedelta(days=3)])),
    )


def _describe(repository: Repository, draw: st.DrawFn, name: str) -> None:
    grant = ScopeGrant(resource="Reviews", level=draw(st.sampled_from(LEVELS)))
    repository.change(
        name, owner=f"team-{repository.number()}", scopes=draw(st.sampled_from([(), (grant,)]))
    )


def _switch(repository: Repository, draw: st.DrawFn, name: str) -> None:
    repository.change(name, active=not repository.keys[name].fields.active)


def _rotate(repository: Repository, draw: st.DrawFn, name: str) -> None:
    rotation = repository.keys[name].fields.rotation
    step = draw(st.integers(1, 3))
    repository.change(name, rotation=replace(rotation, generation=rotation.generation + step))


def _move(repository: Repository, draw: st.DrawFn, name: str) -> None:
    repository.change(name, sink_path=f"payments/moved/{repository.number()}")


def _reissue(repository: Repository, draw: st.DrawFn, name: str) -> None:
    fields = repository.keys[name].fields
    expiration = draw(st.sampled_from([Expiration.NONE, Expiration.YEAR]))
    repository.change(name, reissue=fields.reissue + 1, expiration=expiration)


def _rename(repository: Repository, draw: st.DrawFn, name: str) -> None:
    if not repository.free:
        return
    new = draw(st.sampled_from(repository.free))
    repository.touched.add(new)
    repository.removals.pop(new, None)
    fields = repository.keys.pop(name).fields
    path = draw(st.sampled_from([fields.sink_path, f"payments/prod/{repository.number()}"]))
    repository.keys[new] = KeySpec(
        address=KeyAddress(workspace="payments", name=new),
        fields=replace(fields, sink_path=path),
        source=spec(new).source,
        previous_name=name,
    )


def _remove(repository: Repository, draw: st.DrawFn, name: str) -> None:
    del repository.keys[name]
    repository.removals[name] = removal(name)


def _remove_forgotten(repository: Repository, draw: st.DrawFn) -> None:
    ready = sorted(repository.forgotten - repository.touched)
    if ready:
        name = draw(st.sampled_from(ready))
        repository.touched.add(name)
        repository.forgotten.discard(name)
        repository.removals[name] = removal(name)


def _forget(repository: Repository, draw: st.DrawFn, name: str) -> None:
    del repository.keys[name]
    repository.forgotten.add(name)


def _network(repository: Repository, draw: st.DrawFn) -> None:
    name = draw(st.sampled_from(["ci", "office"]))
    if name in repository.networks and draw(st.booleans()):
        del repository.networks[name]
        return
    octet = draw(st.integers(0, 255))
    repository.networks[name] = NetworkSet(name=name, ranges=(f"10.{octet}.0.0/16",))


def _wait(repository: Repository, draw: st.DrawFn) -> None:
    repository.passed = draw(st.sampled_from([timedelta(hours=2), timedelta(days=4)]))


ANYTHING: tuple[Callable[[Repository, st.DrawFn], None], ...] = (
    _declare,
    _network,
    _wait,
    _remove_forgotten,
)
OF_A_KEY: tuple[Callable[[Repository, st.DrawFn, str], None], ...] = (
    _describe,
    _switch,
    _rotate,
    _move,
    _reissue,
    _rename,
    _remove,
    _forget,
)


@dataclass(frozen=True)
class Step:
    """One desired state, after so much time."""

    items: tuple[Item, ...]
    passed: timedelta


def _edit(repository: Repository, draw: st.DrawFn) -> None:
    if not repository.editable or draw(st.integers(0, 3)) == 0:
        draw(st.sampled_from(ANYTHING))(repository, draw)
        return
    name = draw(st.sampled_from(repository.editable))
    draw(st.sampled_from(OF_A_KEY))(repository, draw, name)
    repository.touched.add(name)


@st.composite
def lives(draw: st.DrawFn, longest: int = 5) -> tuple[Step, ...]:
    """Draw a life of some steps; the first one declares at least one key."""
    repository = Repository()
    steps: list[Step] = []
    _declare(repository, draw)
    for _ in range(draw(st.integers(1, longest))):
        for _edits in range(draw(st.integers(1, 3))):
            _edit(repository, draw)
        steps.append(Step(items=repository.items, passed=repository.passed))
        repository.touched.clear()
        repository.passed = timedelta(0)
    return tuple(steps)
