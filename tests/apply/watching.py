"""A run seen from outside: every effect is a moment at which the promises are checked, and at which
the process may be killed.

P1: the latest value at a path always authenticates. P2: so does every value that once was the
latest, until its overlap has passed. And no write without an attempt that was committed before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.apply.outcome import ApplyReport, Outcome, OutcomeStatus
from reconciler.model.journal import Attempt, OperationState
from reconciler.model.keys import KeyRemoval, KeySpec, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.resources import Body
from reconciler.model.writes import Commit, Committed
from tests.fakes.world import World

APPLIED, FAILED = OutcomeStatus.APPLIED, OutcomeStatus.FAILED
BLOCKED, NOT_ATTEMPTED = OutcomeStatus.BLOCKED, OutcomeStatus.NOT_ATTEMPTED

Item = KeySpec | KeyRemoval | Body


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Watching:
    """Sees every effect of a world; `crash_at` kills the run at that moment."""

    world: World
    crash_at: int | None = None
    ends: bool = False
    """Whether keys may end, so that their values need not work any more."""
    moments: list[tuple[str, str]] = field(default_factory=list)
    values: dict[str, None] = field(default_factory=dict)
    """Every value that was the latest at some path, in order."""
    _lock: Any = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        """Stand at the sink and at the store."""
        self._commit = self.world.store.commit
        self.world.sink.interrupt = self._see
        self.world.store.commit = self._commit_seen  # type: ignore[method-assign]  # the watcher

    def leave(self) -> None:
        """Watch no more."""
        self.world.sink.interrupt = lambda moment, place: None
        self.world.store.commit = self._commit  # type: ignore[method-assign]  # as before

    def _commit_seen(self, commit: Commit) -> Committed:
        kinds = "+".join(sorted({type(w).__name__ for w in commit.writes}))
        self._see("before commit", kinds)
        answer = self._commit(commit)
        self._see("after commit", kinds)
        return answer

    def _see(self, moment: str, place: str) -> None:
        with self._lock:
            self.moments.append((moment, place))
            self.check()
            if self.crash_at is not None and len(self.moments) > self.crash_at:
                raise Crash

    def check(self) -> None:
        """Hold the promises at this moment."""
        world = self.world
        promised = {
            (o.sink_path, a) for o in world.store.state.operations.values() for a in o.attempts
        }
        for sent in world.sink.sent:
            attempt = Attempt(version_id=sent.version_id, expected=sent.expected)
            assert (sent.path, attempt) in promised, "a write without a committed attempt"
            latest = world.sink.secret_at(sent.path)
            if latest is not None:
                self.values.setdefault(latest)
        if not self.ends:
            for text in self.values:
                assert world.authenticates(text), "a value that was the latest does not work"


def crashing_apply(world: World, moment: int, *items: Item, **options: Any) -> bool:
    """Apply and be killed at that moment; whether the run came to its end before it."""
    watching = Watching(world, crash_at=moment, ends=options.pop("ends", False))
    try:
        world.apply(*items, **options)
    except Crash:
        return False
    finally:
        watching.leave()
    return True


def at_commit(world: World, kinds: Sequence[str], act: Callable[[], None]) -> None:
    """Do something once, just before the commit that is the last of these, by their first writes.

    That is a moment that no thread can move: commits are the run's own thread's.
    """
    real, expected = world.store.commit, list(kinds)

    def committed(commit: Commit) -> Committed:
        if expected:
            assert type(commit.writes[0]).__name__ == expected.pop(0)
            if not expected:
                act()
        return real(commit)

    world.store.commit = committed  # type: ignore[method-assign]  # watches


def statuses(report: ApplyReport) -> dict[str, OutcomeStatus]:
    """Give what became of each declared change."""
    return {o.address: o.status for o in report.outcomes if not o.is_maintenance}


def kept(report: ApplyReport) -> list[tuple[str, tuple[str, ...], OutcomeStatus]]:
    """Give what became of the maintenance."""
    return [(o.address, o.actions, o.status) for o in report.outcomes if o.is_maintenance]


def only(report: ApplyReport) -> Outcome:
    """Give the one outcome of a run."""
    (outcome,) = report.outcomes
    return outcome


def states(world: World, name: str) -> list[VersionState]:
    """Give the states of a key's versions, oldest first."""
    return [v.state for v in world.versions(name)]


def open_operations(world: World) -> int:
    """Count what is under way."""
    operations = world.store.state.operations.values()
    return sum(1 for o in operations if o.state is OperationState.OPEN)


def assert_settled(world: World) -> None:
    """Hold P3 and the end of every journal: what is current is in the sink, as recorded."""
    assert open_operations(world) == 0
    for key in world.store.state.keys.values():
        record = world.store.state.with_versions(key)
        assert all(v.state is not VersionState.PROVISIONAL for v in record.versions)
        if record.status is KeyStatus.LIVE:
            current = record.current
            assert current is not None
            assert current.sink_path == record.fields.sink_path
            assert current.sink_version == world.sink.version_at(current.sink_path)
            payload = world.sink.payload_at(current.sink_path, current.sink_version)
            assert payload is not None
            assert (payload.version_id, payload.key_id) == (current.version_id, record.key_id)


def writes_of(world: World) -> list[tuple[str, ...]]:
    """Give the kinds of writes of every transaction asked for, in order."""
    return [tuple(type(w).__name__ for w in c.writes) for c in world.store.commits]
