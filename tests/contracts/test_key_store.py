"""The contract of `KeyStore`: tables, resources, and the life of secrets from begin to end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.errors import StoreOutdated
from reconciler.model.audit import GENESIS
from reconciler.model.journal import Attempt, OperationState
from reconciler.model.keys import KeyStatus, Rotation
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.policy import Policy
from reconciler.model.resources import address_of
from reconciler.model.scopes import BUILT_IN_CATALOG, ScopeCatalog
from reconciler.model.secret_writes import CommitAttempt, Retarget
from reconciler.model.states import ForeignRecord
from reconciler.model.workspaces import NetworkSet, Workspace, WorkspaceDefaults
from reconciler.model.writes import RecordDestroyed, RemoveResource
from tests.contracts.store_rigs import StoreRig
from tests.contracts.store_story import (
    ACTOR,
    MANAGER,
    OVERLAP,
    POLICY,
    SINK,
    Story,
    address,
    fields,
    note,
    putting,
    resource,
    retiring,
    revoking,
)

P, C, G, R = (
    VersionState.PROVISIONAL,
    VersionState.CURRENT,
    VersionState.RETIRING,
    VersionState.RETIRED,
)
PATH = "payments/prod/a"


def test_a_store_without_tables_says_what_to_run(store_rig: StoreRig) -> None:
    """Nothing works before `init`, and the error names it."""
    store = store_rig.open()
    for call in (
        store.check,
        lambda: store.observe(MANAGER),
        lambda: store.find(address("a")),
        lambda: store.lease(MANAGER),
        lambda: store.acquire_lease(MANAGER, holder="a test", run_id="run-1"),
        lambda: store.seed(resource(POLICY), actor=ACTOR),
        lambda: store.history("payments/a"),
    ):
        with pytest.raises(StoreOutdated) as caught:
            call()
        assert caught.value.advice == "run: keyrec init"


def test_migrating_twice_does_something_once(store_rig: StoreRig) -> None:
    """`init` is safe to run again."""
    store = store_rig.open()
    assert (store.migrate(), store.migrate()) == (True, False)
    store.check()


def test_only_an_empty_store_takes_the_first_policy(store_rig: StoreRig) -> None:
    """A second first policy changes nothing, whoever brings it."""
    store = store_rig.migrated()
    assert store.seed(resource(POLICY), actor=ACTOR)
    assert not store.seed(resource(Policy(platform_admins=("local:mallory",))), actor="mallory")
    assert store.observe(MANAGER).policy == POLICY
    assert [e.note.event for e in store.events()] == ["store-initialised"]


def test_an_empty_store_is_observed_as_empty(store_rig: StoreRig) -> None:
    """A new store has an id, a time and nothing else."""
    store = store_rig.migrated()
    observed = store.observe(MANAGER)
    assert len(observed.store_id) == 36
    assert observed.store_id == store_rig.open().observe("another").store_id
    assert observed.read_at == store.now() == store_rig.clock.now()
    assert (observed.records, observed.paths, observed.operations) == ((), (), ())
    assert (observed.audit_sequence, observed.audit_head) == (0, GENESIS)


def test_every_kind_of_resource_comes_back_as_it_was_put(story: Story) -> None:
    """Policy, workspaces, networks and the catalogue are read back equal."""
    workspace = Workspace(
        name="payments",
        admins=("local:bob",),
        defaults=WorkspaceDefaults(expiration=Expiration.QUARTER, overlap=timedelta(hours=2)),
    )
    network = NetworkSet(name="ci", workspace="payments", ranges=("203.0.113.0/24",))
    shared = NetworkSet(name="ci", ranges=("198.51.100.0/24",))
    catalog = ScopeCatalog.of({"Ledger": ("read", "post")})
    story.done(*(putting(body, None) for body in (workspace, network, shared, catalog)))
    observed = story.observe()
    assert observed.workspaces == {"payments": workspace}
    assert set(observed.networks) == {network, shared}
    assert observed.catalog == BUILT_IN_CATALOG.extended(catalog)


def test_a_resource_is_replaced_and_dropped_by_what_the_plan_saw(story: Story) -> None:
    """The fingerprint that was seen is the condition."""
    first, second = Workspace(name="w"), Workspace(name="w", admins=("local:bob",))
    story.done(putting(first, None))
    story.done(putting(second, resource(first).fingerprint))
    assert story.observe().workspaces == {"w": second}
    story.done(
        RemoveResource(
            address=address_of(second),
            base=resource(second).fingerprint,
            note=note("workspace-removed", "workspace/w"),
        )
    )
    assert story.observe().workspaces == {}


def test_a_resource_may_come_and_go_in_one_commit(story: Story) -> None:
    """Put, dropped, put again: what stands at the end counts."""
    first, second = Workspace(name="w"), Workspace(name="w", admins=("local:bob",))
    dropped = RemoveResource(
        address=address_of(first),
        base=resource(first).fingerprint,
        note=note("workspace-removed", "workspace/w"),
    )
    story.done(putting(first, None), dropped)
    assert story.observe().workspaces == {}
    story.done(putting(first, None))
    story.done(dropped, putting(second, None))
    assert story.observe().workspaces == {"w": second}


def test_a_new_key_is_live_with_a_provisional_version_and_its_first_attempt(story: Story) -> None:
    """Transaction A: key, path, operation, version and attempt, all at the database's time."""
    begin = story.creation("a")
    answer = story.done(begin)
    record = story.record("a")
    assert (record.key_id, record.status) == (begin.operation.key_id, KeyStatus.LIVE)
    assert record.fields == fields("a")
    assert (record.record_version, record.manager, record.rotated_at) == (1, MANAGER, None)
    assert record.created_at == answer.at == story.clock.now()
    assert record.expires_at == story.clock.now() + timedelta(days=90)
    (version,) = record.versions
    assert (version.version_id, version.state) == (begin.version.version_id, P)
    assert (version.sink_version, version.confirmed_at) == (None, None)
    assert (version.custody, version.last_characters) == (
        "custody-1",
        begin.version.last_characters,
    )
    (operation,) = story.observe().operations
    assert operation == replace(
        begin.operation,
        target=version.version_id,
        opened_at=answer.at,
        attempts=(Attempt(version_id=version.version_id, expected=0),),
    )
    path = story.path(PATH)
    assert (path.key_id, path.is_free, path.last_version) == (record.key_id, False, 0)


def test_a_confirmed_version_is_current_and_closes_its_operation(story: Story) -> None:
    """Transaction B: sink version, rotation time, path's last version."""
    begin = story.creation("a")
    story.done(begin)
    story.advance(timedelta(seconds=5))
    answer = story.done(story.confirmation(begin, sink_version=1))
    record = story.record("a")
    assert record.current is not None
    assert (record.current.sink_version, record.current.confirmed_at) == (1, answer.at)
    assert (record.rotated_at, record.record_version) == (answer.at, 2)
    assert story.observe().operations == ()
    assert story.path(PATH).last_version == 1


def test_a_rotation_changes_the_generation_only_when_it_is_confirmed(story: Story) -> None:
    """The record's generation is the confirmed one."""
    record = story.create("a")
    begin = story.rotation(record)
    story.done(begin)
    assert story.record("a") == replace(record, versions=story.record("a").versions)
    assert [v.state for v in story.record("a").versions] == [C, P]
    answer = story.done(story.confirmation(begin))
    rotated = story.record("a")
    assert rotated.fields == replace(
        record.fields, rotation=replace(record.fields.rotation, generation=2)
    )
    assert [v.state for v in rotated.versions] == [G, C]
    assert rotated.versions[0].retire_at == answer.at + OVERLAP
    assert rotated.versions[1].sink_version == 2


def test_the_old_version_is_never_accepted_beyond_the_keys_expiry(story: Story) -> None:
    """The deadline is the earlier of overlap and expiry."""
    rotation = Rotation(overlap=OVERLAP)
    record = story.create("a", expiration=Expiration.HOUR, rotation=rotation)
    assert story.rotate("a").versions[0].retire_at == record.expires_at


def test_versions_of_one_instant_are_listed_oldest_first(story: Story) -> None:
    """The order is that of their making, also where the clock stood still."""
    story.create("a")
    story.rotate("a")
    story.rotate("a")
    found = story.store.find(address("a"))[0].versions
    assert [v.sink_version for v in found] == [1, 2, 3]
    assert found == story.record("a").versions


def test_a_retargeted_operation_keeps_the_interrupted_version_until_the_new_one_is_confirmed(
    story: Story,
) -> None:
    """Recovery: what may have been read works until its successor's overlap has passed."""
    begin = story.creation("a")
    story.done(begin)
    second = story.new_version(PATH)
    story.done(
        Retarget(
            operation_id=begin.operation.operation_id,
            interrupted=begin.version.version_id,
            interrupted_sink_version=1,
            version=second,
            expected=1,
            note=note("secret-resumed", "payments/a"),
        )
    )
    record = story.record("a")
    assert [(v.state, v.sink_version) for v in record.versions] == [(P, 1), (P, None)]
    (operation,) = story.observe().operations
    assert operation.target == second.version_id
    assert [a.expected for a in operation.attempts] == [0, 1]
    assert story.path(PATH).last_version == 1
    answer = story.done(
        replace(story.confirmation(begin, 2), version_id=second.version_id),
    )
    first, current = story.record("a").versions
    assert (first.state, first.retire_at, first.sink_version) == (G, answer.at + OVERLAP, 1)
    assert (current.state, current.sink_version) == (C, 2)


def test_a_further_attempt_is_kept_in_order_and_raises_the_paths_version(story: Story) -> None:
    """An attempt repeats what was seen at the path."""
    begin = story.creation("a")
    story.done(begin)
    attempt = CommitAttempt(
        operation_id=begin.operation.operation_id,
        version_id=begin.version.version_id,
        expected=3,
    )
    story.done(attempt, replace(attempt, expected=2))
    (operation,) = story.observe().operations
    assert [a.expected for a in operation.attempts] == [0, 3, 2]
    assert story.path(PATH).last_version == 3


def test_a_confirmation_says_what_the_paths_version_is(story: Story) -> None:
    """A path that was deleted outside begins anew: the next attempt must be able to match."""
    story.create("a")
    story.rotate("a")
    begin = story.rotation(story.record("a"))
    story.done(begin)
    story.done(story.confirmation(begin, sink_version=1))
    assert story.record("a").versions[-1].sink_version == 1
    assert story.path(PATH).last_version == 1


@pytest.mark.parametrize("state", [OperationState.BLOCKED, OperationState.ABANDONED])
def test_a_closed_operation_leaves_no_provisional_version(
    story: Story, state: OperationState
) -> None:
    """Refused versions are over, those that may have been read end with the overlap."""
    record = story.create("a")
    begin = story.rotation(record)
    story.done(begin)
    versions = [begin.version.version_id]
    for _ in range(2):
        version = story.new_version(PATH)
        story.done(
            Retarget(
                operation_id=begin.operation.operation_id,
                interrupted=versions[-1],
                interrupted_sink_version=None,
                version=version,
                expected=1,
                note=note("secret-resumed", "payments/a"),
            )
        )
        versions.append(version.version_id)
    ends = ((versions[0], R), (versions[1], G))
    answer = story.done(story.closing(begin, *ends, state=state))
    found = {v.version_id: v for v in story.store.find(address("a"))[0].versions}
    retired, named, unnamed = (found[version_id] for version_id in versions)
    assert (retired.state, retired.retired_at) == (R, answer.at)
    assert (named.state, named.retire_at) == (G, answer.at + OVERLAP)
    assert (unnamed.state, unnamed.retire_at) == (G, answer.at + OVERLAP)
    assert story.record("a").current is not None
    assert story.observe().operations == ()


def test_a_version_past_its_deadline_is_retired(story: Story) -> None:
    """Bookkeeping follows the clock, and is refused before it."""
    story.create("a")
    old = story.rotate("a").versions[0]
    story.advance(OVERLAP - timedelta(microseconds=1))
    assert story.refusals(retiring(old.version_id)) == ("not-due",)
    story.advance(timedelta(microseconds=1))
    answer = story.done(retiring(old.version_id))
    retired = story.record("a").versions[0]
    assert (retired.state, retired.retired_at) == (R, answer.at)


def test_a_retired_version_is_observed_until_its_copy_is_destroyed(story: Story) -> None:
    """What has no copy left and is over is only found by address."""
    story.create("a")
    old = story.rotate("a").versions[0]
    story.advance(OVERLAP)
    story.done(retiring(old.version_id))
    assert [v.sink_version for v in story.record("a").versions] == [1, 2]
    destroyed = RecordDestroyed(version_id=old.version_id, note=note("copy-destroyed", "x/y"))
    answer = story.done(destroyed)
    assert [v.sink_version for v in story.record("a").versions] == [2]
    found = story.store.find(address("a"))[0].versions
    assert [v.copy_destroyed_at for v in found] == [answer.at, None]
    story.advance(timedelta(hours=1))
    story.done(destroyed)
    assert story.store.find(address("a"))[0].versions == found


def test_a_live_key_without_any_version_left_still_shows_its_newest(story: Story) -> None:
    """A key is always named by its last characters."""
    story.create("a")
    record = story.rotate("a")
    for version in record.versions:
        story.done(revoking(version.version_id))
        story.done(RecordDestroyed(version_id=version.version_id, note=note("gone", "x/y")))
    (newest,) = story.record("a").versions
    assert newest.version_id == record.versions[-1].version_id


def test_a_leaked_version_is_over_at_once_without_a_lease(story: Story) -> None:
    """A leak waits for nobody; a second report changes nothing."""
    current = story.create("a").versions[0]
    story.clock.advance(timedelta(hours=1))
    answer = story.done(revoking(current.version_id), fenced=False)
    (leaked,) = story.record("a").versions
    assert (leaked.state, leaked.leaked, leaked.retired_at) == (R, True, answer.at)
    story.clock.advance(timedelta(hours=1))
    story.done(revoking(current.version_id), fenced=False)
    assert story.record("a").versions == (leaked,)


def test_a_leaked_target_leaves_its_operation_open_and_can_be_sent_no_more(story: Story) -> None:
    """Recovery ends the operation; no dead secret is promised to the sink."""
    begin = story.creation("a")
    story.done(begin)
    story.done(revoking(begin.version.version_id), fenced=False)
    assert len(story.observe().operations) == 1
    attempt = CommitAttempt(
        operation_id=begin.operation.operation_id,
        version_id=begin.version.version_id,
        expected=0,
    )
    assert story.refusals(attempt, story.confirmation(begin)) == ("not-provisional",) * 2
    story.done(story.closing(begin, state=OperationState.ABANDONED))
    assert story.record("a").versions[0].state is R


def test_a_presented_version_comes_with_its_hash_and_its_key(story: Story) -> None:
    """Whatever their states; an unknown id is None."""
    begin = story.finish(story.creation("a"))
    story.rotate("a")
    found = story.store.presented(begin.version.version_id)
    assert found is not None
    assert found.secret_hash == begin.version.secret_hash
    assert (found.version.version_id, found.version.state) == (begin.version.version_id, G)
    assert found.record == story.record("a")
    assert story.store.presented("version-unknown") is None


def test_no_hash_is_observed(story: Story) -> None:
    """A plan cannot hold what it never saw."""
    story.create("a")
    assert "argon2id" not in repr(story.observe())
    assert "argon2id" not in repr(tuple(story.store.events()))


def test_keys_of_other_managers_are_foreign(store_rig: StoreRig) -> None:
    """They are listed with their paths, and nothing more of them is read."""
    ours, theirs = store_rig.story(), store_rig.story(manager="other", run_id="run-2")
    ours.create("a")
    other = theirs.create("b")
    theirs.done(theirs.creation("c"))
    observed = ours.observe()
    assert [r.address.name for r in observed.records] == ["a"]
    assert observed.foreign == tuple(
        ForeignRecord(address=address(n), manager="other", sink_path=f"payments/prod/{n}")
        for n in ("b", "c")
    )
    assert observed.operations == ()
    assert {p.path for p in observed.paths} == {f"payments/prod/{n}" for n in "abc"}
    assert theirs.observe().records[0] == other


def test_addresses_of_a_name_are_the_live_ones_sorted(story: Story) -> None:
    """A name alone is enough where only one workspace has it."""
    for workspace in ("zeta", "payments"):
        begin = story.creation("a", path=f"{workspace}/prod/a")
        assert begin.new_key is not None
        moved = replace(begin.new_key, address=address("a", workspace))
        story.done(replace(begin, new_key=moved))
    story.done(story.removing(story.create("b")))
    assert story.store.addresses("a") == (address("a"), address("a", "zeta"))
    assert story.store.addresses("b") == ()


def test_another_sink_gets_its_own_path_and_the_old_one_is_left(story: Story) -> None:
    """A key that moves to another sink leaves its path in the first."""
    record = story.create("a")
    begin = story.finish(story.rotation(record, sink_id="sink-2"))
    assert begin.expected == 0
    assert story.path(PATH, SINK).is_free
    assert not story.path(PATH, "sink-2").is_free
    assert [(v.sink_id, v.state) for v in story.record("a").versions] == [
        (SINK, G),
        ("sink-2", C),
    ]
