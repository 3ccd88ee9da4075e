"""The contract of `KeyStore`: conditions, fences, repeated and simultaneous commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.errors import LeaseLost
from reconciler.model.journal import LEASE_TIME_TO_LIVE
from reconciler.model.resources import ResourceAddress, ResourceKind
from reconciler.model.secret_writes import CommitAttempt, Retarget
from reconciler.model.workspaces import Workspace
from reconciler.model.writes import (
    Commit,
    Committed,
    RecordDestroyed,
    ReleaseKey,
    RemoveResource,
    Write,
    WriteRefusal,
)
from tests.contracts.store_rigs import StoreRig
from tests.contracts.store_story import (
    Story,
    address,
    note,
    putting,
    resource,
    retiring,
    revoking,
)

PATH = "payments/prod/a"


def _retarget(story: Story, operation_id: str, interrupted: str) -> Retarget:
    return Retarget(
        operation_id=operation_id,
        interrupted=interrupted,
        interrupted_sink_version=None,
        version=story.new_version(PATH),
        expected=0,
        note=note("secret-resumed", "payments/a"),
    )


def _attempt(operation_id: str, version_id: str) -> CommitAttempt:
    return CommitAttempt(operation_id=operation_id, version_id=version_id, expected=0)


def _open(story: Story) -> tuple[str, str]:
    begin = story.creation("a")
    story.done(begin)
    return begin.operation.operation_id, begin.version.version_id


def _closed(story: Story) -> tuple[str, str]:
    begin = story.finish(story.creation("a"))
    return begin.operation.operation_id, begin.version.version_id


def _leaked(story: Story) -> tuple[str, str]:
    operation_id, version_id = _open(story)
    story.done(revoking(version_id))
    return operation_id, version_id


def _confirming(story: Story, operation_id: str, version_id: str) -> Write:
    confirmation = story.confirmation(story.creation("z"))
    return replace(confirmation, operation_id=operation_id, version_id=version_id)


def _closing(story: Story, operation_id: str) -> Write:
    return replace(story.closing(story.creation("z")), operation_id=operation_id)


def _held(story: Story, write: Callable[[Story], Write]) -> Write:
    story.done(story.holding(story.create("a")))
    return write(story)


def _dropping(base: str) -> RemoveResource:
    where = ResourceAddress(kind=ResourceKind.WORKSPACE, name="w")
    return RemoveResource(address=where, base=base, note=note("removed", where))


def _put(story: Story) -> str:
    body = Workspace(name="w")
    story.done(putting(body, None))
    return resource(body).fingerprint


def _gone(story: Story) -> Write:
    record = story.create("a")
    story.done(story.removing(record))
    return story.updating(record)


def _destroying(version_id: str) -> RecordDestroyed:
    return RecordDestroyed(version_id=version_id, note=note("copy-destroyed", "x/y"))


def _releasing(key_id: str) -> ReleaseKey:
    return ReleaseKey(key_id=key_id, note=note("key-released", "x/y"))


REFUSALS: dict[str, tuple[WriteRefusal, Callable[[Story], Write]]] = {
    "a resource that is there already": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: (_put(s), putting(Workspace(name="w", admins=("local:x",)), None))[1],
    ),
    "a resource that changed": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: (_put(s), putting(Workspace(name="w"), "another"))[1],
    ),
    "a resource that is absent": (
        WriteRefusal.RECORD_CHANGED,
        lambda _: putting(Workspace(name="w"), "another"),
    ),
    "dropping a resource that changed": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: (_put(s), _dropping("another"))[1],
    ),
    "dropping a resource that is absent": (WriteRefusal.NOT_FOUND, lambda _: _dropping("any")),
    "updating another record version": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: replace(s.updating(s.create("a")), base=1),
    ),
    "updating a removed key": (WriteRefusal.RECORD_CHANGED, _gone),
    "updating an unknown key": (
        WriteRefusal.NOT_FOUND,
        lambda s: replace(s.updating(s.create("a")), key_id="unknown"),
    ),
    "updating to a taken name": (
        WriteRefusal.ADDRESS_TAKEN,
        lambda s: (s.create("b"), s.updating(s.create("a"), name="b"))[1],
    ),
    "creating at a taken name": (
        WriteRefusal.ADDRESS_TAKEN,
        lambda s: (s.create("a"), s.creation("a", path="payments/prod/z"))[1],
    ),
    "renaming to a taken name": (
        WriteRefusal.ADDRESS_TAKEN,
        lambda s: (s.create("b"), s.renaming(s.create("a"), "b", path="payments/prod/z"))[1],
    ),
    "creating at another key's path": (
        WriteRefusal.PATH_TAKEN,
        lambda s: (s.create("a"), s.creation("b", path=PATH))[1],
    ),
    "moving to another key's path": (
        WriteRefusal.PATH_TAKEN,
        lambda s: (s.create("a"), s.renaming(s.create("b"), "b", path=PATH))[1],
    ),
    "an attempt that is not the path's last version": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: s.rotation(s.create("a"), expected=0),
    ),
    "an attempt above 0 at a new path": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: s.creation("a", expected=1),
    ),
    "rotating another record version": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: s.rotation(s.create("a"), base=1),
    ),
    "rotating an unknown key": (
        WriteRefusal.NOT_FOUND,
        lambda s: s.rotation(replace(s.create("a"), key_id="unknown")),
    ),
    "replacing an unknown key": (
        WriteRefusal.NOT_FOUND,
        lambda s: s.reissue(replace(s.create("a"), key_id="unknown")),
    ),
    "replacing another record version": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: replace(s.reissue(s.create("a")), base=1),
    ),
    "beginning on a path with an open operation": (
        WriteRefusal.OPERATION_OPEN,
        lambda s: (_open(s), s.rotation(s.record("a")))[1],
    ),
    "beginning for a key with an open operation elsewhere": (
        WriteRefusal.OPERATION_OPEN,
        lambda s: (_open(s), s.renaming(s.record("a"), "b"))[1],
    ),
    "replacing a key with an open operation": (
        WriteRefusal.OPERATION_OPEN,
        lambda s: (_open(s), s.reissue(s.record("a"), path="payments/prod/z"))[1],
    ),
    "replacing a held key": (
        WriteRefusal.HELD,
        lambda s: _held(s, lambda t: t.reissue(t.record("a"))),
    ),
    "renaming a held key": (
        WriteRefusal.HELD,
        lambda s: _held(s, lambda t: t.renaming(t.record("a"), "b")),
    ),
    "an attempt of an unknown operation": (
        WriteRefusal.NOT_FOUND,
        lambda _: _attempt("unknown", "unknown"),
    ),
    "an attempt of a closed operation": (
        WriteRefusal.OPERATION_CLOSED,
        lambda s: _attempt(*_closed(s)),
    ),
    "an attempt of a version that is not the target": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: _attempt(_open(s)[0], "another"),
    ),
    "an attempt of a leaked version": (
        WriteRefusal.NOT_PROVISIONAL,
        lambda s: _attempt(*_leaked(s)),
    ),
    "retargeting an unknown operation": (
        WriteRefusal.NOT_FOUND,
        lambda s: _retarget(s, "unknown", "unknown"),
    ),
    "retargeting a closed operation": (
        WriteRefusal.OPERATION_CLOSED,
        lambda s: _retarget(s, *_closed(s)),
    ),
    "retargeting from another version": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: _retarget(s, _open(s)[0], "another"),
    ),
    "confirming an unknown operation": (
        WriteRefusal.NOT_FOUND,
        lambda s: _confirming(s, "unknown", "unknown"),
    ),
    "confirming twice": (
        WriteRefusal.OPERATION_CLOSED,
        lambda s: _confirming(s, *_closed(s)),
    ),
    "confirming a version that is not the target": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: _confirming(s, _open(s)[0], "another"),
    ),
    "confirming a leaked version": (
        WriteRefusal.NOT_PROVISIONAL,
        lambda s: _confirming(s, *_leaked(s)),
    ),
    "closing an unknown operation": (WriteRefusal.NOT_FOUND, lambda s: _closing(s, "unknown")),
    "closing twice": (
        WriteRefusal.OPERATION_CLOSED,
        lambda s: _closing(s, _closed(s)[0]),
    ),
    "retiring an unknown version": (WriteRefusal.NOT_FOUND, lambda _: retiring("unknown")),
    "retiring a current version": (
        WriteRefusal.NOT_DUE,
        lambda s: retiring(s.create("a").versions[0].version_id),
    ),
    "retiring before the deadline": (
        WriteRefusal.NOT_DUE,
        lambda s: (s.create("a"), retiring(s.rotate("a").versions[0].version_id))[1],
    ),
    "retiring twice": (
        WriteRefusal.NOT_DUE,
        lambda s: retiring(_leaked(s)[1]),
    ),
    "removing an unknown key": (
        WriteRefusal.NOT_FOUND,
        lambda s: replace(s.removing(s.create("a")), key_id="unknown"),
    ),
    "removing another record version": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: replace(s.removing(s.create("a")), base=1),
    ),
    "removing twice": (
        WriteRefusal.RECORD_CHANGED,
        lambda s: (s.done(w := s.removing(s.create("a"))), replace(w, base=w.base + 1))[1],
    ),
    "a destroyed copy of an unknown version": (
        WriteRefusal.NOT_FOUND,
        lambda _: _destroying("unknown"),
    ),
    "a destroyed copy of a version that works": (
        WriteRefusal.NOT_DUE,
        lambda s: _destroying(s.create("a").versions[0].version_id),
    ),
    "holding an unknown key": (
        WriteRefusal.NOT_FOUND,
        lambda s: replace(s.holding(s.create("a")), key_id="unknown"),
    ),
    "holding a removed key": (
        WriteRefusal.NOT_FOUND,
        lambda s: (s.done(s.removing(r := s.create("a"))), s.holding(r))[1],
    ),
    "releasing an unknown key": (WriteRefusal.NOT_FOUND, lambda _: _releasing("unknown")),
    "releasing a key that is not held": (
        WriteRefusal.NOT_HELD,
        lambda s: _releasing(s.create("a").key_id),
    ),
    "a leak of an unknown version": (WriteRefusal.NOT_FOUND, lambda _: revoking("unknown")),
}


def test_the_table_names_every_refusal() -> None:
    """No condition of a write goes untested."""
    assert {refusal for refusal, _ in REFUSALS.values()} == set(WriteRefusal)


@pytest.mark.parametrize("case", REFUSALS)
def test_a_write_whose_condition_does_not_hold_says_why_and_changes_nothing(
    story: Story, case: str
) -> None:
    """The refused write is left out; the one beside it stands and alone is audited."""
    refusal, prepare = REFUSALS[case]
    write = prepare(story)
    before = story.observe()
    answer = story.commit(write, putting(Workspace(name="beside"), None))
    after = story.observe()
    assert answer.refusals == (refusal, None)
    assert "beside" in after.workspaces
    assert after.audit_sequence == before.audit_sequence + 1
    same = ("records", "removed", "removed_held", "operations", "paths", "foreign")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    assert set(before.resources) == {r for r in after.resources if r.address.name != "beside"}


def test_a_commit_without_a_lease_is_only_for_emergencies(story: Story) -> None:
    """Anything else without a fence is a fault of the caller."""
    with pytest.raises(ValueError, match="BeginSecret needs a fence"):
        story.commit(story.creation("a"), fenced=False)
    assert story.observe().records == ()


def _expired(story: Story, rig: StoreRig) -> None:
    rig.clock.advance(LEASE_TIME_TO_LIVE)


def _taken(story: Story, rig: StoreRig) -> None:
    rig.clock.advance(LEASE_TIME_TO_LIVE)
    assert rig.open().acquire_lease(story.manager, holder="another", run_id="run-2") is not None


def _released(story: Story, rig: StoreRig) -> None:
    assert story.fence is not None
    story.store.release_lease(story.fence)


def _ended(story: Story, rig: StoreRig) -> None:
    assert story.store.end_lease(story.manager, actor="local:bob") is not None


def _of_another_run(story: Story, rig: StoreRig) -> None:
    assert story.fence is not None
    story.fence = replace(story.fence, run_id="run-2")


def _of_an_earlier_epoch(story: Story, rig: StoreRig) -> None:
    assert story.fence is not None
    story.fence = replace(story.fence, epoch=story.fence.epoch - 1)


def _of_another_manager(story: Story, rig: StoreRig) -> None:
    assert story.fence is not None
    story.fence = replace(story.fence, manager="another")


@pytest.mark.parametrize(
    "lose",
    [
        _expired,
        _taken,
        _released,
        _ended,
        _of_another_run,
        _of_an_earlier_epoch,
        _of_another_manager,
    ],
)
def test_a_run_that_lost_its_lease_commits_nothing(
    store_rig: StoreRig, lose: Callable[[Story, StoreRig], None]
) -> None:
    """A paused run that wakes up late cannot even promise an attempt."""
    story = store_rig.story()
    commit = story.put_together(story.creation("a"), putting(Workspace(name="w"), None))
    lose(story, store_rig)
    before = story.observe()
    with pytest.raises(LeaseLost):
        story.store.commit(replace(commit, fence=story.fence))
    assert story.observe() == before


def test_a_commit_that_is_run_again_gives_its_first_answer_and_changes_nothing(
    store_rig: StoreRig,
) -> None:
    """Also by another connection, later, and with the refusals of the first time."""
    story = store_rig.story()
    story.create("a")
    commit = story.put_together(story.creation("b"), story.creation("a"))
    first = story.store.commit(commit)
    assert first.refusals == (None, WriteRefusal.ADDRESS_TAKEN)
    story.advance(timedelta(seconds=20))
    story.create("c")
    before = story.observe()
    assert store_rig.open().commit(replace(commit, fence=story.fence)) == first
    assert story.observe() == before


def test_a_repeated_commit_needs_the_lease_too(store_rig: StoreRig) -> None:
    """Who lost the lease learns nothing but that."""
    story = store_rig.story()
    commit = story.put_together(story.creation("a"))
    story.store.commit(commit)
    store_rig.clock.advance(LEASE_TIME_TO_LIVE)
    with pytest.raises(LeaseLost):
        story.store.commit(commit)


def test_an_empty_commit_proves_the_lease(story: Story) -> None:
    """Nothing is written, and the answer tells the head of the chain."""
    answer = story.commit()
    assert answer.refusals == ()
    assert answer.audit_head == story.observe().audit_head


def _at_once(*calls: Callable[[], Committed]) -> list[Committed]:
    """Start all calls together and give their answers."""
    start, answers = threading.Barrier(len(calls)), list[Committed]()

    def run(call: Callable[[], Committed]) -> None:
        start.wait()
        answers.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_two_programs_that_create_the_same_key_get_one_key(store_rig: StoreRig) -> None:
    """One is written, the other is told that the name is taken."""
    ours, theirs = store_rig.story(), store_rig.story(manager="other", run_id="run-2")
    mine = ours.put_together(*(ours.creation(f"k{n}") for n in range(20)))
    yours = theirs.put_together(*(theirs.creation(f"k{n}") for n in reversed(range(20))))
    answers = _at_once(
        lambda: store_rig.open().commit(mine), lambda: store_rig.open().commit(yours)
    )
    assert {frozenset(a.refusals) for a in answers} == {
        frozenset({None}),
        frozenset({WriteRefusal.ADDRESS_TAKEN}),
    }
    assert len(ours.observe().records) + len(theirs.observe().records) == 20


def test_one_commit_sent_twice_at_once_is_done_once(store_rig: StoreRig) -> None:
    """A repetition while the first try is still under way gives the same answer."""
    story = store_rig.story()
    commit: Commit = story.put_together(*(story.creation(f"k{n}") for n in range(20)))
    first, second = _at_once(
        lambda: store_rig.open().commit(commit), lambda: store_rig.open().commit(commit)
    )
    assert first == second
    assert len(story.observe().records) == 20
    assert story.observe().live[address("k0")].record_version == 1
