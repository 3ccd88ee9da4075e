"""The stage of the state machine: a world, a repository of manifests, the runs that are under way, and
the small model. Each verb is one thing that happens; scenarios are written in these verbs too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from reconciler.apply.emergency import Emergency
from reconciler.apply.outcome import ApplyReport, OutcomeStatus
from reconciler.apply.run import rotate_now, run_apply
from reconciler.apply.transactions import TRIES
from reconciler.errors import CommitUnknown, KeyrecError, LeaseLost
from reconciler.model.journal import Operation
from reconciler.model.keys import KeyAddress, KeyRecord, KeyStatus
from reconciler.ports import CheckResult
from tests.apply.watching import Crash
from tests.fakes.sink import Fate
from tests.fakes.threads import Turns
from tests.fakes.world import ADMIN, MANAGER, World
from tests.properties.holding import Holding
from tests.properties.promised import Promised
from tests.properties.wishes import Repository
from tests.properties.workers import Errand, Worker, moving

SEALED = CheckResult(name="sealed", passed=False, message="the sink is sealed")
OPEN = CheckResult(name="sealed", passed=True, message="the sink is open")


@dataclass
class Stage:
    """Everything that the machine plays with."""

    world: World
    repository: Repository = field(default_factory=Repository)
    standing: list[Worker] = field(default_factory=list)
    """Runs that stand still in the middle."""
    coin: Random = field(default_factory=lambda: Random(0))
    """Says in which order a run does what it does side by side."""
    tally: Counter[str] = field(default_factory=Counter)
    """How often each kind of thing has happened."""

    def __post_init__(self) -> None:
        """Begin to watch."""
        self.promised = Promised()
        self.holding = Holding(
            world=self.world,
            promised=self.promised,
            committed=len(self.world.store.state.commits),
        )

    @classmethod
    def opened(cls, *, readable: bool, order: int = 0) -> Stage:
        """Give a stage whose store holds a policy and a workspace."""
        return cls(world=World.seeded(readable=readable), coin=Random(order))

    # Runs.

    def apply(self) -> Worker:
        """Approve the plan of this moment; the run that applies it, not begun."""
        items = self.repository.items
        ends = self.world.plan(*items).removal_count
        request = self.world.run_request(*items, allowed_removals=ends or None, batch_size=2)
        request = replace(request, parallelism=1, lock_timeout=timedelta(minutes=1))
        return self._worker(lambda doors, watch: run_apply(doors, request, watch))

    def maintenance(self) -> Worker:
        """Give a run of maintenance alone, not begun."""
        request = self.world.run_request(maintenance_only=True, batch_size=2)
        request = replace(request, parallelism=1, lock_timeout=timedelta(minutes=1))
        return self._worker(lambda doors, watch: run_apply(doors, request, watch))

    def rotation(self, name: str) -> Worker:
        """Give a run that rotates one key at a person's word, not begun."""
        address = KeyAddress(workspace="payments", name=name)
        request = replace(
            self.world.run_request(), parallelism=1, lock_timeout=timedelta(minutes=1)
        )
        return self._worker(lambda doors, watch: rotate_now(doors, request, address, watch))

    def _worker(self, errand: Errand) -> Worker:
        doors = replace(
            self.world.doors(),
            sleep=moving(self.world.clock.advance),
            threads=lambda _: Turns(self.coin),
        )
        return Worker(errand, doors, self.holding.look)

    def finish(self, worker: Worker) -> None:
        """Let a run come to its end; one that nothing disturbs does all that there is to do."""
        is_quiet = self._is_quiet() and not worker.moments
        worker.go()
        self._ended(worker)
        if is_quiet:
            self.tally["quiet"] += 1
            assert worker.report is not None, f"a quiet run ended with {worker.error!r}"
            assert worker.report.exit_code == 0, f"a quiet run left something: {worker.report}"

    def _is_quiet(self) -> bool:
        """Whether nothing will go wrong but a few lost answers of the store.

        Only the end of the lease of a killed run may have to be waited for.
        """
        sink, waiting = self.world.sink, self.world.store._troubles._waiting
        on_order = any(sink._fates.values()) or any(sink._failures.values())
        is_sealed = not all(check.passed for check in sink.checks)
        lost = len(waiting) < TRIES and all(isinstance(t.error, CommitUnknown) for t in waiting)
        people = self.standing or self.promised.held or self.promised.touched
        return lost and not (on_order or is_sealed or people)

    def kill(self, worker: Worker, *, after: int) -> None:
        """Let a run work for so many moments more, then end its process."""
        if worker.go(after):
            self._ended(worker)
            return
        worker.kill()
        self.tally["killed"] += 1

    def suspend(self, worker: Worker, *, after: int) -> None:
        """Let a run work for so many moments more, then leave it standing."""
        if worker.go(after):
            self._ended(worker)
            return
        if worker not in self.standing:
            self.standing.append(worker)
            self.tally["suspended"] += 1

    def interrupt(self, worker: Worker, *, after: int) -> None:
        """Let a run work for so many moments more, then press Ctrl-C."""
        if not worker.go(after):
            worker.interrupt()
            worker.go()
            self.tally["interrupted"] += 1
        self._ended(worker)

    def _ended(self, worker: Worker) -> None:
        if worker in self.standing:
            self.standing.remove(worker)
            self.tally["continued"] += 1
        if worker.report is not None:
            self._take_notice(worker.report)
        elif isinstance(worker.error, LeaseLost):
            self.tally["lease lost"] += 1
        elif not isinstance(worker.error, KeyrecError | Crash):
            raise AssertionError("a run ended with an error of no kind") from worker.error
        self.holding.look()

    def _take_notice(self, report: ApplyReport) -> None:
        """Learn which stops were reported as done."""
        for outcome in report.outcomes:
            self.tally[outcome.status.value] += 1
            for action in outcome.actions:
                self.tally[f"{outcome.status.value} {action}"] += 1
            name = outcome.address.partition("/")[2]
            if outcome.status is not OutcomeStatus.APPLIED:
                continue
            if "remove" in outcome.actions:
                self.promised.removed |= self._removed(outcome.address)
            if "deactivate" in outcome.actions and not self._is_wanted(name):
                self.promised.off.add(name)

    def _removed(self, address: str) -> set[str]:
        keys = self.world.store.state.keys.values()
        removed = {
            k.key_id for k in keys if str(k.address) == address and k.status is KeyStatus.REMOVED
        }
        return removed | {k.key_id for k in keys if k.superseded_by in removed}

    def _is_wanted(self, name: str) -> bool:
        spec = self.repository.keys.get(name)
        return spec is not None and spec.fields.active

    # Emergencies.

    def hold(self, name: str) -> None:
        """Put a key on hold, with what it replaced."""
        with self._calm():
            self._emergency().hold(KeyAddress(workspace="payments", name=name), "seen in a log")
        self.promised.held = self._held()
        assert self.record(name).key_id in self.promised.held
        self.tally["held"] += 1
        self.holding.look()

    def release(self, name: str) -> None:
        """End the hold of a key of that name."""
        with self._calm():
            self._emergency().release(KeyAddress(workspace="payments", name=name))
        self.promised.held = self._held()

    def _held(self) -> set[str]:
        return {k.key_id for k in self.world.store.state.keys.values() if k.hold is not None}

    def leak(self, name: str) -> None:
        """Report every secret of a key as leaked."""
        with self._calm():
            address = KeyAddress(workspace="payments", name=name)
            self.promised.leaked |= set(self._emergency().end_leaked(address))
        self.tally["leaked"] += 1
        self.holding.look()

    def leak_latest(self, path: str) -> None:
        """Report the secret that can be read at a path as leaked, by the id in its text."""
        latest = self.holding.latest(path)
        if latest is not None:
            with self._calm():
                self._emergency().end_leaked_version(latest.version_id)
            self.promised.leaked.add(latest.version_id)
            self.tally["leaked"] += 1
            self.holding.look()

    def _emergency(self) -> Emergency:
        world = self.world
        return Emergency(
            store=world.store,
            entropy=world.entropy,
            sleep=world.waits.append,
            principal=ADMIN,
            policy=world.store.observe(MANAGER).policy,
            manager=MANAGER,
        )

    @contextmanager
    def _calm(self) -> Iterator[None]:
        """Keep the store's troubles on order for a run."""
        troubles = self.world.store._troubles
        waiting, troubles._waiting = troubles._waiting, []
        yield
        troubles._waiting = waiting

    # Troubles.

    def trouble_writes(self, *fates: Fate) -> None:
        """Say what becomes of the next writes to the sink."""
        self.world.sink.next_writes(*fates)

    def fail_sink(self, method: str, error: KeyrecError) -> None:
        """Let the next call of a method of the sink fail."""
        self.world.sink.fail_next(method, error)

    def fail_store(self, error: KeyrecError, *, after: bool, times: int = 1) -> None:
        """Let the next transactions fail: before they are done, or when they are."""
        for _ in range(times):
            self.world.store.fail_next(error, after=after)

    def seal(self) -> None:
        """Let the sink fail its checks."""
        self.world.sink.checks = (SEALED,)

    def land(self) -> None:
        """Let every write that is under way land now, one after the other."""
        for landed in self.world.sink.deliver():
            self.tally["landed late" if isinstance(landed, int) else "refused late"] += 1
        self.holding.look()

    def repeat_transaction(self, number: int) -> None:
        """Let the network deliver a transaction of some run once more."""
        fenced = [c for c in self.world.store.commits if c.fence is not None]
        if fenced:
            with self._calm():
                try:
                    self.world.store.commit(fenced[-1 - number % len(fenced)])
                except LeaseLost:
                    self.tally["repeated in vain"] += 1
                else:
                    self.tally["repeated"] += 1
            self.holding.look()

    # Outsiders.

    def stranger_writes(self, path: str) -> None:
        """Put a foreign value at a path."""
        self.promised.touched.add(path)
        self.world.sink.stranger_writes(path)
        self.tally["outsider"] += 1

    def roll_back(self, path: str) -> None:
        """Write the oldest value that is left at a path once more."""
        values = self.world.sink._places[path].values
        ours = [number for number, value in sorted(values.items()) if value is not None]
        if ours:
            self.promised.touched.add(path)
            self.world.sink.roll_back(path, ours[0])
            self.tally["outsider"] += 1

    def delete(self, path: str) -> None:
        """Delete a path with its version count."""
        self.promised.touched.add(path)
        self.world.sink.forget(path)
        self.tally["outsider"] += 1

    def drop(self, path: str) -> None:
        """Delete the latest value of a path."""
        self.promised.touched.add(path)
        self.world.sink.drop_latest(path)
        self.tally["outsider"] += 1

    def restore(self, path: str) -> None:
        """Bring a path back to its first version, as an old snapshot of the sink does."""
        if self.world.sink.version_at(path) > 1:
            self.promised.touched.add(path)
            self.world.sink.restore(path, 1)
            self.tally["outsider"] += 1

    # What there is.

    def live(self) -> list[KeyRecord]:
        """Give the live keys."""
        state = self.world.store.state
        return [state.with_versions(k) for k in state.keys.values() if k.status is KeyStatus.LIVE]

    def operations(self, key_id: str) -> list[Operation]:
        """Give a key's operations, the ended ones too."""
        operations = self.world.store.state.operations.values()
        return [o for o in operations if o.key_id == key_id]

    def record(self, name: str) -> KeyRecord:
        """Give the live key of that name."""
        return next(r for r in self.live() if r.address.name == name)
