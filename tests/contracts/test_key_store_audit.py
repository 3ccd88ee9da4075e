"""The contract of `KeyStore`: the audit chain."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

from reconciler.model.anchor import EndedFor
from reconciler.model.audit import GENESIS, AuditEvent, AuditNote, event_hash
from reconciler.model.lifetime import VersionState
from reconciler.model.secret_writes import BeginSecret, CommitAttempt
from reconciler.model.workspaces import Workspace
from reconciler.model.writes import RecordEvent
from reconciler.ports import KeyStore
from tests.contracts.store_rigs import StoreRig
from tests.contracts.store_story import ACTOR, Story, note, putting, revoking


def broken_links(events: list[AuditEvent]) -> list[int]:
    """Give the sequence numbers of events that are not bound to the one before."""
    previous = [GENESIS, *(event.hash for event in events)]
    return [
        event.sequence
        for number, (event, before) in enumerate(zip(events, previous, strict=False), start=1)
        if event.sequence != number
        or event.previous_hash != before
        or event_hash(replace(event, hash="")) != event.hash
    ]


def assert_chain_holds(store: KeyStore) -> list[AuditEvent]:
    """Compute every hash anew, and compare the end with what is observed."""
    events = list(store.events())
    assert broken_links(events) == []
    observed = store.observe("any")
    assert (observed.audit_sequence, observed.audit_head) == (len(events), events[-1].hash)
    assert store.audit_head() == (len(events), events[-1].hash)
    return events


def test_the_chain_holds_over_a_whole_life(story: Story) -> None:
    """Every write that was done left one event, bound to all before it."""
    record = story.create("a")
    story.rotate("a")
    story.finish(story.renaming(story.record("a"), "b"))
    story.finish(story.reissue(story.record("b")))
    story.done(story.holding(record), fenced=False)
    story.done(revoking(story.record("b").versions[0].version_id), fenced=False)
    story.store.end_lease(story.manager, actor="local:bob")
    story.take_lease()
    answer = story.done(story.removing(story.record("b")), story.creation("c"))
    events = assert_chain_holds(story.store)
    assert (events[-1].sequence, events[-1].hash) == (answer.audit_sequence, answer.audit_head)
    assert [event.note.event for event in events] == [
        "store-initialised",
        *("key-created", "secret-confirmed"),
        *("secret-begun", "secret-confirmed"),
        *("key-renamed", "secret-confirmed"),
        *("key-reissued", "secret-confirmed"),
        *("key-held", "version-leaked", "lease-ended", "key-removed", "key-created"),
    ]


def test_the_head_of_an_empty_chain_is_its_origin(store_rig: StoreRig) -> None:
    """Sequence 0 and the hash that the first event will be bound to."""
    assert store_rig.migrated().audit_head() == (0, GENESIS)


def test_an_event_says_who_why_and_by_which_plan(story: Story) -> None:
    """Nothing that a commit or a note says is lost."""
    said = AuditNote(
        event="workspace-put",
        address="workspace/w",
        reason="“quoted”, 100 %, \\ and \n",
        source=note("x", "y").source,
        detail=(("b", "2"), ("a", "1")),
    )
    answer = story.done(replace(putting(Workspace(name="w"), None), note=said))
    event = list(story.store.events())[-1]
    assert event == replace(event, at=answer.at, actor=ACTOR, run_id="run-1", note=said)
    assert (event.revision, event.plan_digest) == ("1a2b3c4", "sha256:9f2c")
    assert_chain_holds(story.store)


def test_an_emergency_is_audited_without_a_run(story: Story) -> None:
    """Who held the key is known although no lease was taken."""
    record = story.create("a")
    story.done(story.holding(record), fenced=False)
    assert list(story.store.events())[-1].run_id is None


def test_an_attempt_leaves_no_event(story: Story) -> None:
    """The journal itself remembers attempts."""
    begin = story.creation("a")
    before = story.done(begin)
    after = story.done(
        CommitAttempt(
            operation_id=begin.operation.operation_id,
            version_id=begin.version.version_id,
            expected=0,
        )
    )
    assert (after.audit_sequence, after.audit_head) == (before.audit_sequence, before.audit_head)


def test_a_history_follows_a_key_through_its_names(story: Story) -> None:
    """Under the new name all of its life is found; under the old one what happened there."""
    story.create("a")
    story.finish(story.renaming(story.record("a"), "b"))
    story.create("a")
    named = [e.note.event for e in story.store.history("payments/b")]
    assert named == ["key-created", "secret-confirmed", "key-renamed", "secret-confirmed"]
    earlier = [e.note.event for e in story.store.history("payments/a")]
    assert earlier == ["key-created", "key-created", "secret-confirmed"]
    assert [e.note.event for e in story.store.history("policy/default")] == ["store-initialised"]
    assert story.store.history("payments/never") == ()


def test_a_long_chain_is_read_in_order_to_its_end(story: Story) -> None:
    """However many events there are."""
    story.done(*(putting(Workspace(name=f"w{n}"), None) for n in range(2500)))
    assert len(assert_chain_holds(story.store)) == 2501


def test_the_chain_holds_under_many_writers_at_once(store_rig: StoreRig) -> None:
    """Sequences have no gaps and no twins, whoever comes first."""
    stories = [store_rig.story(manager=f"m{n}", run_id=f"run-{n}") for n in range(4)]
    start = threading.Barrier(4)

    def run(number: int) -> None:
        start.wait()
        for turn in range(5):
            body = Workspace(name=f"w-{number}-{turn}")
            stories[number].done(putting(body, None), story_creation(stories[number], turn))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = assert_chain_holds(store_rig.open())
    assert len(events) == 1 + 4 * 5 * 2


def story_creation(story: Story, turn: int) -> BeginSecret:
    """Give the start of a key whose name no other manager uses."""
    return story.creation(f"{story.manager}-{turn}")


def test_an_event_is_found_by_its_number(story: Story) -> None:
    """Its hash alone; none where there is no such event."""
    story.create("a")
    for event in story.store.events():
        assert story.store.event_hash(event.sequence) == event.hash
    sequence, _ = story.store.audit_head()
    assert story.store.event_hash(sequence + 1) is None
    assert story.store.event_hash(0) is None


def test_a_remark_is_an_event_and_nothing_else(story: Story) -> None:
    """No row changes; it stands in the chain under its address."""
    story.create("a")
    before = story.observe()
    remark = note("acknowledgement-begun", "audit/anchor", anchorSequence="7")
    answer = story.done(RecordEvent(note=remark))
    after = story.observe()
    assert after.records == before.records
    assert answer.audit_sequence == before.audit_sequence + 1
    assert [e.note for e in story.store.history("audit/anchor")] == [remark]


def test_what_was_ended_for_a_leak_or_a_removal_is_listed_newest_first(story: Story) -> None:
    """Of every key, since an instant; secrets that were replaced in good order are not."""
    story.create("a")
    story.rotate("a")
    leaked = story.create("b").versions[0].version_id
    removed = story.create("c").versions[0].version_id
    start = story.clock.now()
    story.done(revoking(leaked), fenced=False)
    story.advance(timedelta(hours=1))
    later = story.clock.now()
    story.done(story.removing(story.record("c")))
    listed = story.store.ended_versions(start)
    assert [(e.version_id, e.why) for e in listed] == [
        (removed, EndedFor.REMOVAL),
        (leaked, EndedFor.LEAK),
    ]
    assert [e.removed_key is not None for e in listed] == [True, False]
    assert listed[0].at == later
    assert [e.version_id for e in story.store.ended_versions(later)] == [removed]


def test_a_secret_that_is_ended_again_for_another_reason_is_not_called_leaked(
    story: Story,
) -> None:
    """Whoever presents a leaked one learns nothing; of a removed one the reason may be told."""
    version = story.create("a").versions[0].version_id
    story.done(replace(revoking(version), leaked=False), fenced=False)
    ended = story.by_id(story.record("a").key_id).versions[0]
    assert (ended.state, ended.leaked) == (VersionState.RETIRED, False)
    story.done(revoking(version), fenced=False)
    assert story.record("a").versions[0].leaked
    story.done(replace(revoking(version), leaked=False), fenced=False)
    assert story.record("a").versions[0].leaked


def test_the_leaked_secret_of_a_removed_key_is_listed_as_of_one(story: Story) -> None:
    """The normal end of an incident: leaked, rotated, removed; and what it had replaced with it."""
    start = story.clock.now()
    first = story.create("a")
    story.done(revoking(first.versions[0].version_id), fenced=False)
    story.rotate("a")
    story.finish(story.reissue(story.record("a")))
    story.finish(story.reissue(story.record("a")))
    story.done(story.removing(story.record("a")))
    listed = story.store.ended_versions(start)
    assert {e.why for e in listed} == {EndedFor.LEAK, EndedFor.REMOVAL}
    assert all(e.removed_key is not None for e in listed)
    assert first.key_id in {e.removed_key for e in listed}
