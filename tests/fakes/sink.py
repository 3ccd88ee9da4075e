"""A sink in memory that fails on demand.

It keeps the promises of the port `SecretSink` (the contract suite runs on it too), and a test can
say what becomes of the next writes, put itself in place of a stranger, and read as a consumer does.
All methods may be called from many threads.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from reconciler.errors import (
    KeyrecError,
    SinkDenied,
    SinkMisconfigured,
    SinkOutcomeUnknown,
    SinkUnavailable,
)
from reconciler.model.policy import SinkKind
from reconciler.model.secret import Secret
from reconciler.model.sink_path import path_fault
from reconciler.ports import (
    CheckAndSetRefused,
    CheckResult,
    PathSeen,
    SecretPayload,
    SinkContent,
)


class Fate(Enum):
    """What becomes of one write."""

    DONE = auto()
    UNAVAILABLE = auto()
    """Definitely not done, `SinkUnavailable`."""
    DENIED = auto()
    """Definitely not done, `SinkDenied`."""
    LOST_ANSWER = auto()
    """Done, but the caller only hears `SinkOutcomeUnknown`."""
    LOST_REQUEST = auto()
    """Not done; the caller hears the same `SinkOutcomeUnknown`."""
    DELAYED = auto()
    """On its way: `SinkOutcomeUnknown` now, and it lands when the test calls `deliver`."""
    DUPLICATED = auto()
    """Done and answered; the network delivers it once more when the test calls `deliver`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A write that left the caller, whatever became of it."""

    path: str
    version_id: str
    expected: int


@dataclass(slots=True)
class _Place:
    current: int = 0
    values: dict[int, SecretPayload | None] = field(default_factory=dict)
    """By version; None for a stranger's value. Destroyed versions are absent."""

    def put(self, value: SecretPayload | None, expected: int) -> int | CheckAndSetRefused:
        if self.current != expected:
            return CheckAndSetRefused()
        self.current += 1
        self.values[self.current] = value
        return self.current


class FakeSink:
    """`SecretSink` in memory."""

    def __init__(
        self,
        *,
        readable: bool = False,
        kind: SinkKind = SinkKind.VAULT,
        identity: str = "fake:sink-1",
        custody: str = "",
    ) -> None:
        """`readable`: whether `observe` gives values, as with a data read right in Vault."""
        self.readable = readable
        self.kind = kind
        self.custody = custody
        self.sent: list[Sent] = []
        """Every write that was sent, in order."""
        self.observed: list[str] = []
        """Every path that was looked at, in order."""
        self.is_closed = False
        self.checks: tuple[CheckResult, ...] = (
            CheckResult(name="reachable", passed=True, message="the sink is in memory"),
        )
        self.interrupt: Callable[[str, str], None] = lambda moment, path: None
        """Called with `before write`, `after write`, `destroy`, `observe` or `anchor` and the
        path; may raise, as a crash or Ctrl-C would."""
        self._identity = identity
        self._places: defaultdict[str, _Place] = defaultdict(_Place)
        self._fates: defaultdict[str | None, deque[Fate]] = defaultdict(deque)
        self._failures: defaultdict[str, deque[KeyrecError]] = defaultdict(deque)
        self._under_way: list[tuple[str, SecretPayload, int]] = []
        self._anchor = (0, "")
        self._lock = threading.RLock()

    # What a test arranges.

    def next_writes(self, *fates: Fate, path: str | None = None) -> None:
        """Say what becomes of the next writes: at this path, or wherever they go."""
        self._fates[path].extend(fates)

    def fail_next(self, method: str, *errors: KeyrecError) -> None:
        """Let the next calls of `identity`, `observe`, `destroy`, `read_anchor` or
        `write_anchor` raise these errors.
        """
        self._failures[method].extend(errors)

    def deliver(self) -> tuple[int | CheckAndSetRefused, ...]:
        """Let everything under way land now, oldest first; say what became of each."""
        with self._lock:
            landing, self._under_way = self._under_way, []
            return tuple(self._places[path].put(p, expected) for path, p, expected in landing)

    def stranger_writes(self, path: str, *, times: int = 1) -> int:
        """Put a value that is none of ours at the path; its version."""
        with self._lock:
            place = self._places[path]
            for _ in range(times):
                place.put(None, place.current)
            return place.current

    def roll_back(self, path: str, version: int) -> int:
        """Write an older value again as the newest version, as `vault kv rollback` does."""
        with self._lock:
            place = self._places[path]
            place.put(place.values[version], place.current)
            return place.current

    def drop_latest(self, path: str) -> None:
        """Lose the latest value and keep the count, as `vault kv delete` does."""
        with self._lock:
            place = self._places[path]
            place.values.pop(place.current, None)

    def restore(self, path: str, version: int) -> None:
        """Bring the path back to an older version, as a snapshot of that time does."""
        with self._lock:
            place = self._places[path]
            place.current = version
            place.values = {n: v for n, v in place.values.items() if n <= version}

    def forget(self, path: str) -> None:
        """Lose the path with its version count, as deleting its metadata does."""
        with self._lock:
            self._places.pop(path, None)

    # What a consumer sees.

    def secret_at(self, path: str) -> str | None:
        """Give the latest value at the path in plain text; None where it is gone or foreign."""
        place = self._places.get(path, _Place())
        value = place.values.get(place.current)
        return None if value is None else value.api_key.reveal()

    def payload_at(self, path: str, version: int) -> SecretPayload | None:
        """Give what one version holds; None where it is gone or foreign."""
        return self._places.get(path, _Place()).values.get(version)

    def version_at(self, path: str) -> int:
        """Give the path's version number."""
        return self._places.get(path, _Place()).current

    # The port.

    def identity(self) -> str:
        """Give the id it was made with."""
        self._raise_planned("identity")
        return self._identity

    def preflight(self) -> tuple[CheckResult, ...]:
        """Give the checks that the test put there."""
        return self.checks

    def write(
        self, path: str, payload: SecretPayload, *, expected: int
    ) -> int | CheckAndSetRefused:
        """Meet the next fate."""
        _refuse_bad_path(path)
        self.interrupt("before write", path)
        with self._lock:
            self.sent.append(Sent(path=path, version_id=payload.version_id, expected=expected))
            result = self._meet(self._next_fate(path), path, payload, expected)
        self.interrupt("after write", path)
        return result

    def observe(self, path: str) -> PathSeen:
        """Give version, and value where this sink is readable."""
        _refuse_bad_path(path)
        self.interrupt("observe", path)
        self._raise_planned("observe")
        with self._lock:
            self.observed.append(path)
            place = self._places.get(path, _Place())
            if place.current and place.current not in place.values:
                return PathSeen(version=place.current, content=None, is_gone=True)
            value = place.values.get(place.current) if self.readable else None
            is_foreign = self.readable and place.current > 0 and value is None
            return PathSeen(version=place.current, content=_content(value), is_foreign=is_foreign)

    def destroy(self, path: str, versions: Sequence[int]) -> None:
        """Drop the values, keep the count."""
        _refuse_bad_path(path)
        self.interrupt("destroy", path)
        self._raise_planned("destroy")
        with self._lock:
            for version in versions:
                self._places.get(path, _Place()).values.pop(version, None)

    def read_anchor(self) -> tuple[int, str]:
        """Give the anchor."""
        self._raise_planned("read_anchor")
        return self._anchor

    def write_anchor(self, text: str, *, expected: int) -> int | CheckAndSetRefused:
        """Write it by check-and-set."""
        self.interrupt("anchor", "_keyrec/anchor")
        self._raise_planned("write_anchor")
        with self._lock:
            if self._anchor[0] != expected:
                return CheckAndSetRefused()
            self._anchor = (expected + 1, text)
            return expected + 1

    def close(self) -> None:
        """Remember that it was closed."""
        self.is_closed = True

    def _next_fate(self, path: str) -> Fate:
        planned = self._fates[path] or self._fates[None]
        return planned.popleft() if planned else Fate.DONE

    def _meet(
        self, fate: Fate, path: str, payload: SecretPayload, expected: int
    ) -> int | CheckAndSetRefused:
        if fate is Fate.UNAVAILABLE:
            raise SinkUnavailable("The sink did not take the request.")
        if fate is Fate.DENIED:
            raise SinkDenied("The sink refused for want of rights.")
        if fate in {Fate.DELAYED, Fate.DUPLICATED}:
            self._under_way.append((path, payload, expected))
        if fate in {Fate.LOST_REQUEST, Fate.DELAYED}:
            raise SinkOutcomeUnknown("The sink did not answer.")
        result = self._places[path].put(payload, expected)
        if fate is Fate.LOST_ANSWER:
            raise SinkOutcomeUnknown("The sink's answer was lost.")
        return result

    def _raise_planned(self, method: str) -> None:
        if self._failures[method]:
            raise self._failures[method].popleft()


def _content(payload: SecretPayload | None) -> SinkContent | None:
    if payload is None:
        return None
    return SinkContent(
        api_key=Secret(payload.api_key.reveal()),
        key_id=payload.key_id,
        version_id=payload.version_id,
    )


def _refuse_bad_path(path: str) -> None:
    fault = path_fault(path)
    if fault is not None:
        raise SinkMisconfigured(f"The path {path!r} cannot be used: {fault}.")
