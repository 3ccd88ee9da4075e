"""Every scene is killed at every point: once, or once more while the next run recovers.

`Enumeration` plays scenes on one place and counts. After each kill the promises are held from
outside in the state that the kill left, then the next run finishes, and they are held again; a
further run has nothing to do, and what was confirmed is not done again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.model.journal import LEASE_TIME_TO_LIVE
from tests.fakes.system import START
from tests.promises.kills import run_in_child
from tests.promises.outside import Outside
from tests.promises.place import AgePart, Place, SqlitePart, copied
from tests.promises.scenes import Scene, Step

BYSTANDER = "SELECT version_id FROM key_versions WHERE sink_path = 'payments/prod/b'"
CURRENT = "SELECT version_id FROM key_versions WHERE state = 'current' ORDER BY version_id"
OPEN = "SELECT operation_id FROM operations WHERE state = 'open'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One run of a scene: where it was killed, and where the run that recovers was."""

    first: int
    second: int | None = None


@dataclass
class Tally:
    """What the kills of one scene on one place have shown."""

    scene: str
    place: str
    points: int = 0
    runs: int = 0
    violations: list[str] = field(default_factory=list)


@dataclass
class Enumeration:
    """Kills scenes on one place."""

    place: Place
    _put_back: Callable[[], None] | None = None
    """Brings a place that is a folder back to where the scene begins."""
    _prepared: str = ""
    _began_at: datetime = START
    _was_last: bool = False
    """Whether the run that recovers came to its end before the second kill."""

    def singles(self, scene: Scene) -> Tally:
        """Kill the scene once at each of its points."""
        return self._play(scene, lambda points: (Kill(first=k) for k in range(points)))

    def sampled(self, scene: Scene, *, seeds: Sequence[int]) -> Tally:
        """Kill the scene once at a point for each seed."""
        draws = [self._draw(scene, seed) for seed in seeds]
        return self._play(
            scene, lambda points: (Kill(first=draw.randrange(points)) for draw in draws)
        )

    def pairs(self, scene: Scene) -> Tally:
        """Kill the scene at each point, and the run that recovers at each of its own."""
        return self._play(scene, self._every_pair)

    def sampled_pairs(self, scene: Scene, *, seeds: Sequence[int], each: int = 1) -> Tally:
        """Kill the scene twice, at some drawn pairs of points for each seed."""
        draws = [draw for seed in seeds for draw in [self._draw(scene, seed)] * each]

        def kills(points: int) -> Iterator[Kill]:
            for draw in draws:
                yield Kill(first=draw.randrange(points), second=draw.randrange(points + 4))

        return self._play(scene, kills)

    def _draw(self, scene: Scene, seed: int) -> random.Random:
        return random.Random(f"{seed}/{scene.name}/{self.place.name}")

    def _every_pair(self, points: int) -> Iterator[Kill]:
        """Give pairs; a second point that the recovering run does not reach ends its row."""
        for first in range(points):
            for second in range(10 * points):
                yield Kill(first=first, second=second)
                if self._was_last:
                    break

    def _play(self, scene: Scene, kills: Callable[[int], Iterable[Kill]]) -> Tally:
        tally = Tally(scene=scene.name, place=self.place.name)
        self._set_up(scene)
        self._act(Outside(place=self.place, ends=scene.ends), scene)
        seen = run_in_child(self.place, scene.act, kill_at=None)
        assert seen, "an undisturbed run passes points"
        tally.points = len(seen)
        for kill in kills(tally.points):
            self._set_up(scene)
            found = self._killed(scene, kill)
            tally.runs += 1
            where = f"{scene.name} on {self.place.name}, killed at {kill}"
            tally.violations += [f"{where}: {violation}" for violation in found]
        return tally

    def _set_up(self, scene: Scene) -> None:
        """Bring the place to where the scene begins; SQLite and age from a copy after once."""
        if self._prepared == scene.name and self._put_back is not None:
            self._put_back()
            self.place.clock.advance(self._began_at - self.place.clock.now())
            return
        self.place.begin()
        for step in scene.before:
            self._pass(step.after)
            with self.place.opened() as opened:
                report = step.run(opened)
            assert int(report.exit_code) == 0, report
        scene.prepare(self.place)
        self._prepared, self._began_at = scene.name, self.place.clock.now()
        if isinstance(self.place.keeps, SqlitePart) and isinstance(self.place.holds, AgePart):
            self._put_back = copied(self.place.keeps.folder)

    def _act(self, outside: Outside, scene: Scene) -> None:
        """Let the time before the act pass, and see what is there."""
        outside.look()
        self._pass(scene.act.after)
        outside.look()

    def _killed(self, scene: Scene, kill: Kill) -> list[str]:
        outside = Outside(place=self.place, ends=scene.ends)
        self._act(outside, scene)
        bystander = self.place.rows(BYSTANDER)
        run_in_child(self.place, scene.act, kill_at=kill.first)
        outside.look()
        self._pass(LEASE_TIME_TO_LIVE)
        if kill.second is not None:
            self._was_last = self._recover(scene, kill.second) is not None
            outside.look()
            self._pass(LEASE_TIME_TO_LIVE)
        self._finish(outside, scene.again)
        if self.place.rows(BYSTANDER) != bystander:
            outside.violations.append("P5: a key that nobody touched was given a new secret")
        return outside.violations

    def _recover(self, scene: Scene, kill_at: int) -> list[str] | None:
        return run_in_child(self.place, scene.again, kill_at=kill_at)

    def _finish(self, outside: Outside, again: Step) -> None:
        """Let the next run finish; one more has nothing to do, and does nothing again."""
        is_open, before = bool(self.place.rows(OPEN)), self.place.rows(CURRENT)
        with self.place.opened() as opened:
            is_done = not is_open and again.is_done(opened)
            report = again.run(opened)
        if int(report.exit_code) != 0:
            outside.violations.append(f"P5: the next run ended with {report.exit_code!r}")
        if is_done and self.place.rows(CURRENT) != before:
            outside.violations.append("P5: what was confirmed was done again")
        outside.look_at_the_end()
        after = self.place.rows(CURRENT)
        with self.place.opened() as opened:
            idle = again.run(opened)
        done = [o for o in idle.outcomes if o.actions != ("destroy",)]
        if done or self.place.rows(CURRENT) != after:
            outside.violations.append(f"P5: a further run had something to do: {done}")

    def _pass(self, duration: timedelta) -> None:
        self.place.clock.advance(duration)
