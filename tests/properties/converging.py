"""P5: when all troubles end, a few quiet runs bring everything to its end, with no step by a person but
to release holds. What outsiders have changed is mended by maintenance where it can be told, and
people leave the other paths.
"""

from __future__ import annotations

from reconciler.model.journal import OperationState
from reconciler.model.keys import KeyRecord, KeyStatus
from tests.fakes.world import removal
from tests.properties.stage import OPEN, Stage
from tests.properties.workers import Worker

QUIET_RUNS = 3
"""Runs after which everything has come to its end; one, where no outsider was."""


def end_troubles(stage: Stage) -> None:
    """Nothing stands still, nothing is on order or under way, nobody is on hold."""
    for worker in stage.standing:
        worker.kill()
    stage.standing.clear()
    stage.world.store._troubles._waiting.clear()
    stage.world.sink._fates.clear()
    stage.world.sink._failures.clear()
    stage.world.sink.checks = (OPEN,)
    stage.land()
    while stage.promised.held:
        key_id = min(stage.promised.held)
        stage.release(stage.world.store.state.keys[key_id].address.name)


def converge(stage: Stage) -> None:
    """Apply until nothing is left to do; the store and the sink are then as declared."""
    end_troubles(stage)
    stage.holding.is_whole = False
    _mend(stage)
    _leave_touched_paths(stage)
    for _ in range(QUIET_RUNS):
        worker = stage.apply()
        stage.finish(worker)
        if _is_done(stage, worker):
            break
    assert _is_done(stage, worker), _told(stage, worker)
    _assert_settled(stage)
    _settle_model(stage)
    stage.holding.is_whole = True
    stage.tally["converged"] += 1


def _mend(stage: Stage) -> None:
    """Run maintenance, which looks at the sink; hold that it mends what it can tell."""
    mendable = [r for r in stage.live() if _is_mendable(stage, r)]
    if not stage.promised.touched:
        return
    stage.finish(stage.maintenance())
    for before in mendable:
        record = stage.record(before.address.name)
        _assert_readable(stage, record)
        current = record.current
        assert current is not None, f"{record.address} was not mended"
        stage.promised.mended(current.sink_path, current.version_id)
        stage.tally["mended"] += 1
    stage.holding.look()


def _is_mendable(stage: Stage, record: KeyRecord) -> bool:
    """Whether a changed path can be told to hold nothing, or another secret of the key."""
    path, current = record.fields.sink_path, record.current
    is_home = current is not None and current.sink_path == path
    is_open = any(o.state is OperationState.OPEN for o in stage.operations(record.key_id))
    if path not in stage.promised.touched or not is_home or is_open:
        return False
    latest = stage.holding.latest(path)
    if latest is None:
        return stage.world.sink.observe(path).is_gone or stage.world.sink.version_at(path) == 0
    is_own = stage.holding.state.versions[latest.version_id].key_id == record.key_id
    return is_own and stage.world.sink.readable


def _leave_touched_paths(stage: Stage) -> None:
    """Do what people do after a stranger: move declared keys away, end the others."""
    repository, touched = stage.repository, stage.promised.touched
    for name, spec in repository.keys.items():
        if spec.fields.sink_path in touched:
            repository.change(name, sink_path=f"moved/{repository.number()}")
    for record in stage.live():
        name = record.address.name
        if name in repository.forgotten and record.fields.sink_path in touched:
            repository.forgotten.discard(name)
            repository.removals[name] = removal(name)


def _is_done(stage: Stage, worker: Worker) -> bool:
    plan = stage.world.plan(*stage.repository.items)
    is_clean = worker.report is not None and worker.report.exit_code == 0
    return is_clean and not plan.changes and not plan.maintenance


def _told(stage: Stage, worker: Worker) -> str:
    """Say what the last run said, for whoever reads the failure."""
    plan = stage.world.plan(*stage.repository.items)
    return f"{worker.error!r} {worker.report} {plan.changes} {plan.maintenance}"


def _assert_settled(stage: Stage) -> None:
    operations = stage.world.store.state.operations.values()
    assert all(o.state is not OperationState.OPEN for o in operations), "something is left open"
    wanted = {name: spec.fields for name, spec in stage.repository.keys.items()}
    found = {r.address.name: r.fields for r in stage.live()}
    left = found.keys() - wanted.keys()
    assert {name: found.get(name) for name in wanted} == wanted, "a key is not as declared"
    assert left == stage.repository.forgotten, f"{left} are there, undeclared"
    assert not any(found[name].active for name in left), f"one of {left} works, undeclared"
    for record in stage.live():
        if record.fields.sink_path not in stage.promised.touched:
            _assert_readable(stage, record)


def _assert_readable(stage: Stage, record: KeyRecord) -> None:
    latest = stage.holding.latest(record.fields.sink_path)
    assert latest is not None, f"nothing can be read for {record.address}"
    assert latest.key_id == record.key_id, f"another key's secret stands for {record.address}"
    works = stage.holding.authenticates(latest)
    assert works is record.fields.active, f"the secret of {record.address} works: {works}"


def _settle_model(stage: Stage) -> None:
    keys = stage.world.store.state.keys.values()
    stopped = {r.address.name for r in stage.live() if not r.fields.active}
    gone = {k.key_id for k in keys if k.status is not KeyStatus.LIVE}
    excused = {k.key_id for k in keys if stage.holding.is_excused(k)}
    stage.promised.settle(stopped, gone & excused)
