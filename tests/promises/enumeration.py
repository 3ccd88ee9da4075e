"""Every scene is killed at every point: once, or once more while the next run recovers.

`Enumeration` plays scenes on one place and counts. After each kill the promises are held from
outside in the state that the kill left; then the next run finishes, and they are held again. One
more run has nothing to do, what was confirmed is not done again, and when the overlaps have passed
nothing is left but what is wanted.

The lease of a killed run is waited out by moving the clock that the store is given; nobody waits.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.model.journal import LEASE_TIME_TO_LIVE
from tests.promises.kills import run_in_child
from tests.promises.outside import Outside
from tests.promises.place import Place
from tests.promises.scenes import OVERLAP, Scene, Step, maintaining

BYSTANDER = "SELECT version_id FROM key_versions WHERE sink_path = 'payments/prod/b'"
CURRENT = "SELECT version_id FROM key_versions WHERE state = 'current' ORDER BY version_id"
WITHIN_THE_ANCHOR = "within sink write_anchor: "
OPEN = "SELECT operation_id FROM operations WHERE state = 'open'"


@dataclass
class Tally:
    """What the kills of one scene on one place have shown."""

    scene: str
    place: str
    points: list[str] = field(default_factory=list)
    """The points of an undisturbed run, by name."""
    runs: int = 0
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A place at one moment, with what is known of it outside."""

    put_back: Callable[[], None]
    at: datetime
    outside: Outside


@dataclass
class Enumeration:
    """Kills one scene on one place."""

    place: Place
    scene: Scene
    _began: State | None = None
    """Where the scene begins; only of a place that can be put back."""

    def singles(self, *, whole: bool) -> Tally:
        """Kill the scene once at each of its points; `whole`: those within the anchor's write too."""
        return self._play(lambda points: ((first, None) for first in _chosen(points, whole=whole)))

    def sampled_pairs(self, *, seeds: Sequence[int], each: int = 1) -> Tally:
        """Kill the scene twice, at some drawn pairs of points for each seed."""
        draws = [draw for seed in seeds for draw in [self._draw(seed)] * each]

        def kills(points: list[str]) -> Iterator[tuple[int, int]]:
            for draw in draws:
                yield draw.randrange(len(points)), draw.randrange(len(points) + 4)

        return self._play(kills)

    def pairs(self, *, whole: bool) -> Tally:
        """Kill the scene at each point, and the run that recovers at each of its own.

        A point before an effect is left out where another point precedes it: nothing has happened
        between the two. `whole` as above.
        """
        tally = self._counted()
        for first in _telling(tally.points, whole=whole):
            crashed = self._state_after(self._killed(first))
            seen = run_in_child(self.place, self.scene.again, kill_at=None)
            for second in _telling(seen or [], whole=whole):
                outside = self._put_back(crashed)
                self._recovering(outside, second)
                tally.runs += 1
                tally.violations += self._told(outside, first, second)
        return tally

    def points(self) -> list[str]:
        """Count the points of an undisturbed run, by name."""
        self._begin()
        seen = run_in_child(self.place, self.scene.act, kill_at=None)
        assert seen, "an undisturbed run passes points"
        return seen

    def kill(self, first: int, second: int | None = None) -> list[str]:
        """Kill the run at a point, and the one that recovers at another; what did not hold."""
        outside = self._killed(first)
        self._recovering(outside, second)
        return self._told(outside, first, second)

    def _play(self, kills: Callable[[list[str]], Iterator[tuple[int, int | None]]]) -> Tally:
        tally = self._counted()
        for first, second in kills(tally.points):
            tally.violations += self.kill(first, second)
            tally.runs += 1
        return tally

    def _counted(self) -> Tally:
        return Tally(scene=self.scene.name, place=self.place.name, points=self.points())

    def _draw(self, seed: int) -> random.Random:
        return random.Random(f"{seed}/{self.scene.name}/{self.place.name}")

    def _told(self, outside: Outside, first: int, second: int | None) -> list[str]:
        kill = f"point {first}" if second is None else f"points {first} and {second}"
        where = f"{self.scene.name} on {self.place.name}, killed at {kill}"
        return [f"{where}: {violation}" for violation in outside.violations]

    def _begin(self) -> Outside:
        """Bring the place to where the scene is about to be killed."""
        if self._began is None:
            outside = self._set_up()
            if self.place.is_folder:
                self._began = self._state_after(outside)
        else:
            outside = self._put_back(self._began)
        return outside

    def _set_up(self) -> Outside:
        self.place.begin()
        outside = Outside(place=self.place, may_end=self.scene.may_end)
        for step in self.scene.before:
            self._pass(step.after)
            with self.place.opened() as opened:
                report = step.run(opened)
            assert int(report.exit_code) == 0, report
            outside.look()
        self.scene.prepare(self.place)
        self._pass(self.scene.act.after)
        outside.look()
        return outside

    def _state_after(self, outside: Outside) -> State:
        return State(
            put_back=self.place.copied(), at=self.place.clock.now(), outside=outside.again()
        )

    def _put_back(self, state: State) -> Outside:
        state.put_back()
        self._pass(state.at - self.place.clock.now())
        return state.outside.again()

    def _killed(self, point: int) -> Outside:
        """Kill the scene's run at a point, look, and wait until its lease has run out."""
        outside = self._begin()
        run_in_child(self.place, self.scene.act, kill_at=point)
        outside.look()
        self._pass(LEASE_TIME_TO_LIVE)
        return outside

    def _recovering(self, outside: Outside, kill_at: int | None) -> None:
        """Let the next run finish, after one that is killed at that point."""
        bystander = self.place.rows(BYSTANDER)
        if kill_at is not None:
            run_in_child(self.place, self.scene.again, kill_at=kill_at)
            outside.look()
            self._pass(LEASE_TIME_TO_LIVE)
        self._finish(outside)
        if self.place.rows(BYSTANDER) != bystander:
            outside.violations.append("P5 a key that nobody touched was given a new secret")

    def _finish(self, outside: Outside) -> None:
        """Let the next run finish; nothing is left to do then, and nothing was done again."""
        is_open, before = bool(self.place.rows(OPEN)), self.place.rows(CURRENT)
        with self.place.opened() as opened:
            is_done = not is_open and self.scene.again.is_idle(opened)
            self._run(self.scene.again, outside)
        if is_done and self.place.rows(CURRENT) != before:
            outside.violations.append("P5 what was confirmed was done again")
        outside.look_at_the_end()
        with self.place.opened() as opened:
            if not self.scene.again.is_idle(opened):
                outside.violations.append("P5 a further run has something to do")
        self._pass(OVERLAP)
        self._run(maintaining(), outside)
        outside.look_after_the_overlaps()

    def _run(self, step: Step, outside: Outside) -> None:
        with self.place.opened() as opened:
            report = step.run(opened)
        if int(report.exit_code) != 0:
            outside.violations.append(f"P5 the next run ended with {report.exit_code!r}")

    def _pass(self, duration: timedelta) -> None:
        self.place.clock.advance(duration)


def _chosen(points: Sequence[str], *, whole: bool) -> list[int]:
    """Give the points; those within the anchor's write, which is the same in all scenes, on wish."""
    return [i for i, n in enumerate(points) if whole or not n.startswith(WITHIN_THE_ANCHOR)]


def _telling(points: Sequence[str], *, whole: bool) -> list[int]:
    """Give the chosen points that differ from the one before in what has happened."""
    chosen = _chosen(points, whole=whole)
    return [i for i in chosen if i == 0 or not points[i].startswith("before ")]
