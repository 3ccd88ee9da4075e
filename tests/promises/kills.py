"""Ending a process at one numbered point of a run: a forked child that exits on the spot.

`os._exit` runs no handler, flushes nothing and gives nothing back: what the kernel does with it is
what it does with SIGKILL. Points are the effects that pass the run's doors, before and after each,
and the steps on the disk within them; they are counted by an undisturbed run, so a new effect is a
new point by itself.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.age_disk import Disk
from reconciler.apply.points import Effect
from tests.promises.parts import AgePart
from tests.promises.place import Place
from tests.promises.scenes import Step

KILLED = 77
FAILED = 78


@dataclass
class Points:
    """Counts the points of one run, and ends the process at one of them."""

    kill_at: int | None = None
    """From 0; None ends nothing."""
    seen: list[str] = field(default_factory=list)
    _under_way: threading.local = field(default_factory=threading.local)
    """The effect that each thread is in."""

    def effect(self, effect: Effect) -> None:
        """One side of an effect."""
        self._under_way.name = f"{effect.door} {effect.name}"
        self._pass_by(f"{effect.moment} {self._under_way.name}")

    def step(self, name: str) -> None:
        """The end of one step on the disk within an effect."""
        self._pass_by(f"within {self._under_way.name}: {name}")

    def _pass_by(self, name: str) -> None:
        self.seen.append(name)
        if self.kill_at is not None and len(self.seen) > self.kill_at:
            os._exit(KILLED)


class WatchedDisk(Disk):
    """A disk whose every step is a point; which steps there are is read from `Disk` itself."""

    def __init__(self, points: Points) -> None:
        for name in vars(Disk):
            if not name.startswith("_"):
                setattr(self, name, _watched(getattr(super(), name), name, points))


def _watched(step: Callable[..., Any], name: str, points: Points) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        answer = step(*arguments)
        points.step(name)
        return answer

    return run


def run_in_child(place: Place, step: Step, *, kill_at: int | None) -> list[str] | None:
    """Run a step in a child; the points it passed, None where it was killed.

    Raises:
        AssertionError: it failed in another way; its traceback is on stderr.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads, from 3.12 on
        child = os.fork()
    if child == 0:
        os.close(reading)
        _child(place, step, Points(kill_at=kill_at), writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as channel:
        said = channel.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == KILLED:
        return None
    assert code == 0, f"the run failed instead of being killed: exit {code}"
    seen: list[str] = json.loads(said)
    return seen


def _child(place: Place, step: Step, points: Points, writing: int) -> None:
    try:
        disk = WatchedDisk(points) if isinstance(place.holds, AgePart) else None
        with place.opened(disk) as opened:
            report = step.run(opened, points.effect)
        assert int(report.exit_code) == 0, report
        os.write(writing, json.dumps(points.seen).encode())
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever it is, the parent fails with it
        traceback.print_exc(file=sys.__stderr__)
        os._exit(FAILED)
