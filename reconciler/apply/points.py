"""The effects of a run, numbered: every change of store or sink passes a door that counts it.

Which methods of the ports are effects is a closed list, and a test holds it against the ports: a
new method is an effect or a reading, or the test fails. So whoever watches a run (a trace for
people, a test that kills the process) sees every effect there is, before and after it happens.

A renewal of the lease is no point: it comes by the clock, from a thread of its own, and its number
would say nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias, cast

from reconciler.model.writes import Commit
from reconciler.ports import KeyStore, SecretSink


class Door(StrEnum):
    """What is changed."""

    STORE = "store"
    SINK = "sink"


class Moment(StrEnum):
    """When the watcher is told."""

    BEFORE = "before"
    AFTER = "after"
    """It was done, or it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One change that a run makes, or is about to make. Holds no secret."""

    number: int
    """From 1, in the order in which effects begin."""
    door: Door
    name: str
    """The port's method, `commit` with the kinds of its writes, `write` and `destroy` with the
    path."""
    moment: Moment


Watcher: TypeAlias = Callable[[Effect], None]

STORE_EFFECTS = frozenset(
    {
        "migrate",
        "bring_back",
        "seed",
        "commit",
        "report_uses",
        "acquire_lease",
        "release_lease",
        "end_lease",
    }
)
STORE_READINGS = frozenset(
    {
        "check",
        "now",
        "observe",
        "fingerprint",
        "presented",
        "use_marks",
        "find",
        "family",
        "late_attempts",
        "addresses",
        "lease",
        "history",
        "audit_head",
        "event_hash",
        "ended_versions",
        "events",
        "close",
    }
)
STORE_RENEWALS = frozenset({"renew_lease"})
SINK_EFFECTS = frozenset({"write", "destroy", "write_anchor"})
SINK_READINGS = frozenset(
    {"kind", "custody", "identity", "preflight", "observe", "read_anchor", "close"}
)


def numbered(store: KeyStore, sink: SecretSink, watcher: Watcher) -> tuple[KeyStore, SecretSink]:
    """Give the same store and sink, with every effect counted, across both, and told."""
    counter = _Counter(watcher)
    return (
        cast("KeyStore", _Counted(store, Door.STORE, STORE_EFFECTS, counter)),
        cast("SecretSink", _Counted(sink, Door.SINK, SINK_EFFECTS, counter)),
    )


class _Counter:
    """Counts across both doors, and across threads."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._number = 0
        self._lock = threading.Lock()

    def pass_through(self, door: Door, name: str, change: Callable[[], Any]) -> Any:
        with self._lock:
            self._number += 1
            number = self._number
        told = Effect(number=number, door=door, name=name, moment=Moment.BEFORE)
        self._watcher(told)
        try:
            return change()
        finally:
            self._watcher(Effect(number=number, door=door, name=name, moment=Moment.AFTER))


class _Counted:
    """Stands before a port: everything goes through, effects are counted."""

    def __init__(
        self, inner: object, door: Door, effects: frozenset[str], counter: _Counter
    ) -> None:
        self._inner = inner
        self._door = door
        self._effects = effects
        self._counter = counter

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in self._effects:
            return method

        def counted(*arguments: Any, **named: Any) -> Any:
            return self._counter.pass_through(
                self._door,
                _name_of(name, arguments, named),
                lambda: method(*arguments, **named),
            )

        return counted


def _name_of(method: str, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> str:
    """Name an effect by what it is about: never by a value that could be a secret."""
    subject = next(iter((*arguments, *named.values())), None)
    if isinstance(subject, Commit):
        kinds = dict.fromkeys(type(write).__name__ for write in subject.writes)
        return f"{method} {', '.join(kinds)}"
    is_path = method in {"write", "destroy"} and isinstance(subject, str)
    return f"{method} {subject}" if is_path else method
