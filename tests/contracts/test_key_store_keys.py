"""The contract of `KeyStore`: fields, names, paths, reissues, removals and holds of keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reconciler.model.journal import OperationState
from reconciler.model.keys import Hold, KeyStatus, Rotation, fields_fingerprint
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.writes import ReleaseKey
from tests.contracts.store_rigs import StoreRig
from tests.contracts.store_story import (
    ACTOR,
    OVERLAP,
    SINK,
    Story,
    address,
    note,
    retiring,
    revoking,
)

PATH = "payments/prod/a"


def test_an_update_keeps_what_only_a_new_secret_or_a_new_key_changes(story: Story) -> None:
    """Generation, reissue, expiration, environment and path stay, whatever was asked for."""
    record = story.create("a")
    update = story.updating(
        record,
        active=False,
        protected=True,
        owner=None,
        description=None,
        labels=(),
        scopes=(),
        allowlist=None,
        ranges=None,
        rotation=Rotation(generation=9, every=None, overlap=timedelta(minutes=90)),
        reissue=9,
        expiration=Expiration.NONE,
        environment="test",
        sink_path="payments/elsewhere",
    )
    story.done(update)
    updated = story.record("a")
    assert updated.fields == replace(
        update.fields,
        rotation=replace(update.fields.rotation, generation=1),
        reissue=1,
        expiration=Expiration.QUARTER,
        environment="prod",
        sink_path=PATH,
    )
    assert fields_fingerprint(updated.fields) != fields_fingerprint(record.fields)
    assert (updated.record_version, updated.expires_at) == (3, record.expires_at)
    assert updated.versions == record.versions


def test_a_deactivation_stops_what_the_key_replaced_and_an_activation_leaves_it_stopped(
    story: Story,
) -> None:
    """After a reissue the old secret works for its overlap, but never beside a stopped key."""
    old = story.create("a")
    story.finish(story.reissue(old))
    (version,) = old.versions

    story.done(story.updating(story.record("a"), active=False))
    stopped = story.store.presented(version.version_id)
    assert stopped is not None
    assert (stopped.record.key_id, stopped.record.fields.active) == (old.key_id, False)

    story.done(story.updating(story.record("a"), active=True))
    still = story.store.presented(version.version_id)
    assert still is not None
    assert not still.record.fields.active
    assert story.record("a").fields.active


def test_a_key_is_renamed_without_a_new_secret_where_its_path_stays(story: Story) -> None:
    """The update moves the address; the old one is free at once."""
    record = story.create("a")
    story.done(story.updating(record, name="b"))
    assert story.record("b").key_id == record.key_id
    assert set(story.observe().live) == {address("b")}
    story.done(story.creation("a", path="payments/prod/other"))


def test_later_writes_of_a_commit_see_the_earlier_ones(story: Story) -> None:
    """Two keys change places by way of a third name, in one transaction."""
    first, second = story.create("a"), story.create("b")
    story.done(
        story.updating(first, name="c"),
        story.updating(second, name="a"),
        replace(story.updating(first, name="b"), base=first.record_version + 1),
    )
    assert story.record("a").key_id == second.key_id
    assert story.record("b").key_id == first.key_id


def test_a_name_is_free_for_a_new_key_in_the_commit_that_removes_it(story: Story) -> None:
    """Removal and re-creation may be one transaction; the new key goes on at the old path."""
    record = story.create("a")
    story.done(story.removing(record), story.creation("a"))
    created = story.record("a")
    assert created.key_id != record.key_id
    assert (story.path(PATH).key_id, story.path(PATH).last_version) == (created.key_id, 1)


def test_a_renamed_key_leaves_its_path_with_its_last_version(story: Story) -> None:
    """The new name and path count from transaction A; the old path's row stays for ever."""
    record = story.create("a")
    begin = story.renaming(record, "b")
    story.done(begin)
    moved = story.record("b")
    assert (moved.key_id, moved.fields.sink_path) == (record.key_id, "payments/prod/b")
    assert moved.fields.rotation.generation == 1
    assert [v.state.value for v in moved.versions] == ["current", "provisional"]
    assert (story.path(PATH).is_free, story.path(PATH).last_version) == (True, 1)
    assert not story.path("payments/prod/b").is_free
    story.done(story.confirmation(begin))
    old, new = story.record("b").versions
    assert (old.state, old.sink_path) == (VersionState.RETIRING, PATH)
    assert (new.state, new.sink_path) == (VersionState.CURRENT, "payments/prod/b")


def test_a_key_that_takes_a_left_path_goes_on_from_its_last_version(story: Story) -> None:
    """The version count of a path never starts again."""
    record = story.create("a")
    story.rotate("a")
    story.finish(story.renaming(story.record("a"), "b"))
    begin = story.finish(story.creation("c", path=PATH))
    assert begin.expected == 2
    row = story.path(PATH)
    assert (row.key_id, row.is_free, row.last_version) == (begin.operation.key_id, False, 3)
    assert row.key_id != record.key_id


def test_a_changed_path_without_a_new_name_is_a_move_to_the_own_address(story: Story) -> None:
    """The key's own address is not taken by itself; it may come back to a path it left."""
    record = story.create("a")
    story.finish(story.renaming(record, "a", path="payments/prod/z"))
    assert story.record("a").fields.sink_path == "payments/prod/z"
    story.finish(story.renaming(story.record("a"), "a", path=PATH))
    assert not story.path(PATH).is_free
    assert story.path("payments/prod/z").is_free


def test_a_reissue_replaces_the_key_at_its_address_and_path(story: Story) -> None:
    """Ownership moves in transaction A, the old secret retires with transaction B."""
    old = story.create("a")
    story.advance(timedelta(days=10))
    begin = story.reissue(old, reissue=2)
    story.done(begin)
    new = story.record("a")
    assert new.key_id == begin.operation.key_id
    assert new.expires_at == story.clock.now() + timedelta(days=90)
    replaced = story.by_id(old.key_id)
    assert (replaced.status, replaced.superseded_by) == (KeyStatus.SUPERSEDED, new.key_id)
    assert replaced.record_version == old.record_version + 1
    assert replaced.versions[0].state is VersionState.CURRENT
    assert (story.path(PATH).key_id, begin.expected) == (new.key_id, 1)
    answer = story.done(story.confirmation(begin))
    ended = story.by_id(old.key_id)
    assert ended.versions[0].retire_at == answer.at + OVERLAP
    assert ended.fields.active
    assert [r.status for r in story.store.find(address("a"))] == [
        KeyStatus.LIVE,
        KeyStatus.SUPERSEDED,
    ]


def test_a_replaced_key_is_inactive_once_nothing_of_it_is_accepted(story: Story) -> None:
    """The old key of a reissue is deactivated after the overlap."""
    old = story.create("a")
    story.finish(story.reissue(old))
    story.advance(OVERLAP)
    story.done(retiring(old.versions[0].version_id))
    ended = story.by_id(old.key_id)
    assert not ended.fields.active
    assert fields_fingerprint(ended.fields) == fields_fingerprint(replace(old.fields, active=False))


def test_a_reissue_to_another_path_leaves_the_old_one(story: Story) -> None:
    """The path of the replaced key is free for others."""
    old = story.create("a")
    story.finish(story.reissue(old, path="payments/prod/a2"))
    assert story.path(PATH).is_free
    assert story.path("payments/prod/a2").key_id == story.record("a").key_id


def test_what_a_failed_reissue_replaced_retires_with_the_next_secret(story: Story) -> None:
    """No secret of a replaced key stays current because its successor's first try failed."""
    first = story.create("a")
    blocked = story.reissue(first)
    story.done(blocked)
    story.done(story.closing(blocked))
    second = story.record("a")
    again = story.reissue(second)
    story.done(again)
    assert story.by_id(first.key_id).superseded_by == again.operation.key_id
    answer = story.done(story.confirmation(again))
    for key_id in (first.key_id, second.key_id):
        (version,) = story.by_id(key_id).versions
        assert version.state is VersionState.RETIRING
        assert version.retire_at == answer.at + OVERLAP


def test_a_removed_key_is_over_at_once_and_leaves_a_tombstone(story: Story) -> None:
    """All versions end now, deadlines stay readable, the operation is abandoned, the path free."""
    story.create("a")
    story.rotate("a")
    begin = story.rotation(story.record("a"))
    story.done(begin)
    record = story.record("a")
    story.advance(timedelta(hours=1))
    answer = story.done(story.removing(record))
    observed = story.observe()
    assert observed.live == {}
    assert observed.removed == {address("a")}
    assert observed.operations == ()
    (tombstone,) = observed.records
    assert tombstone.status is KeyStatus.REMOVED
    assert tombstone.record_version == record.record_version + 1
    (found,) = story.store.find(address("a"))
    assert [v.state for v in found.versions] == [VersionState.RETIRED] * 3
    assert [v.retired_at for v in found.versions] == [answer.at] * 3
    assert found.versions[0].retire_at == record.versions[0].retire_at
    assert (story.path(PATH).is_free, story.path(PATH).last_version) == (True, 2)
    assert story.refusals(story.confirmation(begin)) == ("operation-closed",)


def test_a_tombstone_is_observed_until_its_copies_are_destroyed(story: Story) -> None:
    """A removed key without any copy in the sink is only remembered by its address."""
    begin = story.creation("a")
    story.done(begin)
    story.done(story.removing(story.record("a")))
    assert story.observe().records == ()
    assert story.observe().removed == {address("a")}


def test_removing_a_key_ends_those_that_it_replaced(story: Story) -> None:
    """Nothing of the address authenticates after its removal."""
    old = story.create("a")
    story.finish(story.reissue(old))
    story.done(story.removing(story.record("a")))
    ended = story.by_id(old.key_id)
    assert ended.versions[0].state is VersionState.RETIRED
    assert (ended.status, ended.fields.active) == (KeyStatus.SUPERSEDED, False)


def test_a_hold_needs_no_lease_and_leaves_the_record_version(story: Story) -> None:
    """An approved plan does not go stale by an emergency; a second hold keeps the first."""
    record = story.create("a")
    answer = story.done(story.holding(record, "first"), fenced=False)
    story.clock.advance(timedelta(minutes=1))
    story.done(story.holding(record, "second"), fenced=False)
    held = story.record("a")
    assert held == replace(record, hold=Hold(reason="first", by=ACTOR, since=answer.at))
    release = ReleaseKey(key_id=record.key_id, note=note("key-released", "payments/a"))
    story.done(release, fenced=False)
    assert story.record("a") == record
    assert story.commit(release, fenced=False).refusals[0] == "not-held"


def test_a_held_key_is_rotated_but_not_replaced_or_renamed(story: Story) -> None:
    """A leak may need a successor; everything else waits for the release."""
    record = story.create("a")
    story.done(story.holding(record), fenced=False)
    assert story.refusals(story.reissue(record), story.renaming(record, "b")) == ("held",) * 2
    story.done(story.rotation(record))


def test_a_replaced_key_can_be_held(store_rig: StoreRig) -> None:
    """Its last secret still works for the overlap, so an emergency may have to stop it."""
    story = store_rig.story()
    old = story.create("a")
    story.finish(story.reissue(old))
    story.done(story.holding(story.by_id(old.key_id)), fenced=False)
    assert story.by_id(old.key_id).hold is not None


def test_the_hold_of_a_removed_key_is_remembered_until_it_is_released(story: Story) -> None:
    """Removal and re-creation are no way around a hold."""
    record = story.create("a")
    story.done(story.holding(record), fenced=False)
    story.done(story.removing(record))
    assert story.observe().removed_held == {address("a")}
    release = ReleaseKey(key_id=record.key_id, note=note("key-released", "payments/a"))
    story.done(release, fenced=False)
    assert story.observe().removed_held == frozenset()
    assert story.observe().removed == {address("a")}


def test_only_the_newest_tombstone_says_whether_an_address_is_held(story: Story) -> None:
    """A hold that belonged to an earlier key of the name binds no later one."""
    first = story.create("a")
    story.done(story.holding(first), fenced=False)
    story.done(story.removing(first))
    story.advance(timedelta(hours=1))
    story.done(story.removing(story.create("a")))
    assert story.observe().removed_held == frozenset()


def test_a_leak_of_a_replaced_keys_last_version_deactivates_it(story: Story) -> None:
    """Nothing of it is accepted any more."""
    old = story.create("a")
    story.finish(story.reissue(old))
    story.done(revoking(old.versions[0].version_id), fenced=False)
    assert not story.by_id(old.key_id).fields.active


def test_a_blocked_creation_leaves_a_key_that_can_be_tried_again(story: Story) -> None:
    """After a stranger's write the path stays the key's, and a rotation may follow."""
    begin = story.creation("a")
    story.done(begin)
    story.done(story.closing(begin, (begin.version.version_id, VersionState.RETIRED)))
    assert story.record("a").current is None
    story.finish(story.rotation(story.record("a")))
    assert story.record("a").current is not None
    assert OperationState.OPEN not in {o.state for o in story.observe().operations}


def test_a_row_carries_the_fingerprint_of_what_the_program_last_wrote(story: Story) -> None:
    """Creation, update, rotation and rename each write it anew."""
    record = story.create("a")
    assert record.stored_fingerprint == fields_fingerprint(record.fields)
    story.done(story.updating(record, owner="somebody-else"))
    story.rotate("a")
    record = story.record("a")
    assert record.fields.owner == "somebody-else"
    assert record.stored_fingerprint == fields_fingerprint(record.fields)


def test_a_row_that_was_changed_by_hand_keeps_the_fingerprint_of_before(
    story: Story, store_rig: StoreRig
) -> None:
    """So it can be found; the next change by the program writes both anew."""
    record = story.create("a")
    store_rig.edit_owner(address("a"), "intruder")
    edited = story.record("a")
    assert edited.fields.owner == "intruder"
    assert edited.stored_fingerprint == record.stored_fingerprint
    assert edited.stored_fingerprint != fields_fingerprint(edited.fields)
    story.done(story.updating(edited, owner="team-a"))
    mended = story.record("a")
    assert mended.stored_fingerprint == fields_fingerprint(mended.fields)


def test_a_hold_of_a_replaced_key_stops_the_one_that_replaced_it(story: Story) -> None:
    """A reissue may come between the look at a key and its hold."""
    record = story.create("a")
    story.finish(story.reissue(record))
    story.done(story.holding(record), fenced=False)
    held = [
        r.hold.reason if r.hold else None for r in story.store.family(frozenset({record.key_id}))
    ]
    assert held == ["suspected leak"]
    hold = story.record("a").hold
    assert hold is not None
    assert hold.reason == "suspected leak"


def test_a_family_is_found_whatever_its_names(story: Story) -> None:
    """A key with all that it replaced, also before it was renamed; newest first."""
    first = story.create("a")
    story.finish(story.reissue(first))
    second = story.record("a")
    story.finish(story.reissue(second))
    story.finish(story.renaming(story.record("a"), "b"))
    newest = story.record("b")
    story.create("c")
    family = story.store.family(frozenset({newest.key_id}))
    assert [r.key_id for r in family] == [newest.key_id, second.key_id, first.key_id]
    assert [v.state.value for v in family[-1].versions]
    assert story.store.family(frozenset()) == ()


def test_what_a_key_has_replaced_does_not_outlive_it(story: Story) -> None:
    """Also where its own secret never arrives: the replaced one has no other end then."""
    old = story.create("a")
    begin = story.reissue(old, expiration=Expiration.HOUR)
    story.done(begin)
    assert story.by_id(old.key_id).expires_at == story.record("a").expires_at
    shorter = story.create("b", expiration=Expiration.HOUR)
    story.done(story.reissue(shorter, expiration=Expiration.WEEK))
    assert story.by_id(shorter.key_id).expires_at == shorter.expires_at


def test_what_may_land_late_on_a_path_is_what_abandoned_operations_sent(story: Story) -> None:
    """What was confirmed or blocked cannot land any more."""
    record = story.create("a")
    path = record.fields.sink_path
    assert story.store.late_attempts(SINK, path) == frozenset()
    story.done(story.rotation(record))
    story.done(story.removing(story.record("a")))
    assert story.store.late_attempts(SINK, path) == {1}
    assert story.store.late_attempts("another sink", path) == frozenset()
    blocked = story.creation("a")
    story.done(blocked)
    story.done(story.closing(blocked))
    assert story.store.late_attempts(SINK, path) == {1}
