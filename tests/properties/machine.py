"""The state machine: everything that may happen to keyrec, in any order, against the small model.

Rules are what happens; what must hold after each of them, and at every effect of every run, is in
`holding.py`; the verbs are in `stage.py` and `edits.py`. Every story ends with the end of all
troubles, after which everything must come to its end (P5).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reconciler.errors import CommitUnknown, SinkDenied, SinkUnavailable, StoreUnavailable
from tests.fakes.sink import Fate
from tests.properties import edits
from tests.properties.converging import converge
from tests.properties.stage import Stage
from tests.properties.tally import TALLY
from tests.properties.workers import Worker

PICK = st.integers(0, 3)
"""Which one of those that are there."""
MOMENTS = st.integers(0, 16)
"""After how many effects, counted before and after each."""
RUNS = st.sampled_from(["apply", "apply", "maintenance", "rotate"])
CHANGES = st.sampled_from(list(edits.CHANGES))
OUTSIDERS = [
    Stage.stranger_writes,
    Stage.roll_back,
    Stage.delete,
    Stage.drop,
    Stage.restore,
]
MEANWHILE = st.sampled_from(
    ["another run comes", "another run comes", "a key leaks", "a key is held", "writes land"]
)
FATES = st.sampled_from([fate for fate in Fate if fate is not Fate.DONE])
MINUTE, HOURS, DAYS = timedelta(minutes=1), timedelta(hours=2), timedelta(days=3)


class Life(RuleBasedStateMachine):
    """One life of a repository, its store and its sink."""

    stage: Stage
    has_outsiders: bool

    @initialize(readable=st.booleans(), outsiders=st.booleans(), order=st.integers(0, 255))
    def a_store_and_a_sink_are_opened(self, readable: bool, outsiders: bool, order: int) -> None:
        self.stage = Stage.opened(readable=readable, order=order)
        self.has_outsiders = outsiders
        edits.declare(self.stage, "a", "payments/prod/a")

    @invariant()
    def everything_promised_holds(self) -> None:
        self.stage.holding.look()

    def teardown(self) -> None:
        stage = self.stage
        try:
            if stage.holding.is_whole:
                converge(stage)
                stage.world.clock.advance(HOURS)
                converge(stage)
        finally:
            for worker in stage.standing:
                worker.kill()
            TALLY.update(stage.tally)

    def _path(self, pick: int) -> str:
        paths = sorted(self.stage.holding.paths)
        return paths[pick % len(paths)]

    def _run(self, run: str) -> Worker:
        live = sorted(r.address.name for r in self.stage.live())
        if run == "rotate" and live:
            return self.stage.rotation(live[0])
        return self.stage.maintenance() if run == "maintenance" else self.stage.apply()

    def _something_was_sent(self) -> bool:
        return bool(self.stage.holding.paths)

    def _something_stands(self) -> bool:
        return bool(self.stage.standing)

    # Commits of manifests.

    @rule(change=CHANGES, pick=PICK, path=PICK)
    def a_manifest_changes(self, change: str, pick: int, path: int) -> None:
        edits.CHANGES[change](self.stage, pick, path)

    @rule(change=CHANGES, pick=PICK, path=PICK)
    def a_change_is_applied(self, change: str, pick: int, path: int) -> None:
        edits.CHANGES[change](self.stage, pick, path)
        self.stage.finish(self.stage.apply())

    # Runs.

    @rule(run=RUNS)
    def a_run_comes_to_its_end(self, run: str) -> None:
        self.stage.finish(self._run(run))

    @rule(run=RUNS, change=CHANGES, pick=PICK, path=PICK, after=MOMENTS)
    def a_run_is_killed(self, run: str, change: str, pick: int, path: int, after: int) -> None:
        edits.CHANGES[change](self.stage, pick, path)
        self.stage.kill(self._run(run), after=after)

    @rule(run=RUNS, after=MOMENTS)
    def a_run_is_interrupted(self, run: str, after: int) -> None:
        self.stage.interrupt(self._run(run), after=after)

    @rule(change=CHANGES, pick=PICK, path=PICK, after=MOMENTS, lands=st.booleans())
    def a_run_dies_with_its_write_under_way(
        self, change: str, pick: int, path: int, after: int, lands: bool
    ) -> None:
        edits.CHANGES[change](self.stage, pick, path)
        self.stage.trouble_writes(Fate.DELAYED)
        self.stage.kill(self.stage.apply(), after=after)
        if lands:
            self.stage.land()

    @rule(meanwhile=MEANWHILE, change=CHANGES, pick=PICK, path=PICK, after=MOMENTS)
    def a_run_sleeps_meanwhile(
        self, meanwhile: str, change: str, pick: int, path: int, after: int
    ) -> None:
        edits.CHANGES[change](self.stage, pick, path)
        sleeper = self.stage.apply()
        self.stage.suspend(sleeper, after=after)
        if meanwhile == "another run comes":
            self.stage.world.clock.advance(MINUTE)
            self.stage.finish(self.stage.apply())
        elif meanwhile == "writes land":
            self.stage.land()
        elif names := sorted(r.address.name for r in self.stage.live()):
            stop = self.stage.leak if meanwhile == "a key leaks" else self.stage.hold
            stop(names[pick % len(names)])
        if not sleeper.is_over:
            self.stage.finish(sleeper)

    @precondition(lambda self: len(self.stage.standing) < 2)
    @rule(run=RUNS, change=CHANGES, pick=PICK, path=PICK, after=MOMENTS)
    def a_run_is_suspended(self, run: str, change: str, pick: int, path: int, after: int) -> None:
        edits.CHANGES[change](self.stage, pick, path)
        self.stage.suspend(self._run(run), after=after)

    @precondition(_something_stands)
    @rule(pick=PICK)
    def a_suspended_run_goes_on(self, pick: int) -> None:
        self.stage.finish(self.stage.standing[pick % len(self.stage.standing)])

    @precondition(_something_stands)
    @rule(pick=PICK, after=st.integers(1, 6))
    def a_suspended_run_goes_a_little_further(self, pick: int, after: int) -> None:
        self.stage.suspend(self.stage.standing[pick % len(self.stage.standing)], after=after)

    @rule(duration=st.sampled_from([MINUTE, HOURS, DAYS]))
    def time_passes(self, duration: timedelta) -> None:
        self.stage.world.clock.advance(duration)

    # Troubles.

    @rule(fates=st.lists(FATES, min_size=1, max_size=3))
    def writes_will_meet_trouble(self, fates: list[Fate]) -> None:
        self.stage.trouble_writes(*fates)

    @rule(
        method=st.sampled_from(["observe", "destroy", "identity", "sealed"]), denied=st.booleans()
    )
    def the_sink_will_fail(self, method: str, denied: bool) -> None:
        error = SinkDenied("no right") if denied else SinkUnavailable("no answer")
        if method == "sealed":
            self.stage.seal()
        else:
            self.stage.fail_sink(method, error)

    @rule(after=st.booleans(), times=st.sampled_from([1, 2, 5]))
    def answers_of_the_store_will_be_lost(self, after: bool, times: int) -> None:
        self.stage.fail_store(CommitUnknown("no answer"), after=after, times=times)

    @rule(times=st.sampled_from([1, 5]))
    def the_store_will_be_unreachable(self, times: int) -> None:
        self.stage.fail_store(StoreUnavailable("no store"), after=False, times=times)

    @precondition(lambda self: bool(self.stage.world.sink._under_way))
    @rule()
    def what_is_under_way_lands(self) -> None:
        self.stage.land()

    @rule(number=st.integers(0, 20))
    def a_transaction_arrives_once_more(self, number: int) -> None:
        self.stage.repeat_transaction(number)

    @rule()
    def all_troubles_end(self) -> None:
        converge(self.stage)

    # People and outsiders.

    @precondition(lambda self: bool(self.stage.live()))
    @rule(pick=PICK)
    def a_key_is_held(self, pick: int) -> None:
        live = sorted(r.address.name for r in self.stage.live())
        self.stage.hold(live[pick % len(live)])

    @precondition(lambda self: bool(self.stage.promised.held))
    @rule()
    def a_hold_is_released(self) -> None:
        key_id = min(self.stage.promised.held)
        self.stage.release(self.stage.world.store.state.keys[key_id].address.name)

    @precondition(lambda self: bool(self.stage.live()))
    @rule(pick=PICK)
    def all_secrets_of_a_key_leak(self, pick: int) -> None:
        live = sorted(r.address.name for r in self.stage.live())
        self.stage.leak(live[pick % len(live)])

    @precondition(_something_was_sent)
    @rule(pick=PICK)
    def a_secret_that_was_read_leaks(self, pick: int) -> None:
        self.stage.leak_latest(self._path(pick))

    @precondition(lambda self: self.has_outsiders and self._something_was_sent())
    @rule(how=st.sampled_from(OUTSIDERS), pick=PICK)
    def an_outsider_changes_a_path(self, how: Callable[[Stage, str], None], pick: int) -> None:
        how(self.stage, self._path(pick))

    @precondition(lambda self: self.has_outsiders and self._something_was_sent())
    @rule(how=st.sampled_from(OUTSIDERS), pick=PICK)
    def an_outsider_comes_and_all_troubles_end(
        self, how: Callable[[Stage, str], None], pick: int
    ) -> None:
        live = sorted({r.fields.sink_path for r in self.stage.live()} & self.stage.holding.paths)
        how(self.stage, live[pick % len(live)] if live else self._path(pick))
        converge(self.stage)
