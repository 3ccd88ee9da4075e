"""The audit anchor over runs: written at the end, compared before anything is judged; and what a
platform admin does about a store that came back from an older copy.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from reconciler.apply.acknowledging import ADDRESS, Answer
from reconciler.apply.anchor import AnchorKeeper
from reconciler.apply.auditing import verify_audit
from reconciler.apply.outcome import ApplyReport
from reconciler.apply.run import run_acknowledgement
from reconciler.errors import (
    Refused,
    SinkOutcomeUnknown,
    SinkUnavailable,
    StoreBehindAnchor,
)
from reconciler.model.anchor import Anchor, AnchorFault, read_anchor
from reconciler.model.keys import RESTORED_HOLD, KeyAddress
from reconciler.model.policy import Prune
from reconciler.planning.selection import Selection
from tests.apply.test_emergency import doors
from tests.apply.watching import Crash, assert_settled
from tests.fakes.store_state import State
from tests.fakes.world import ADMIN, MANAGER, World, policy, removal, spec

A = KeyAddress(workspace="payments", name="a")
PATH = "payments/prod/a"
HOUR = timedelta(hours=1)


def remembered(world: World) -> Anchor:
    """Give what the sink remembers."""
    anchor = read_anchor(world.sink.read_anchor()[1])
    assert anchor is not None
    return anchor


def copy_of(world: World) -> State:
    """Copy the store, as a backup does."""
    return world.store.state.copy()


def restored() -> tuple[World, str, str]:
    """Give a world whose store came back from before a leak and a rotation; the leaked secret, and
    the one that stands at the path now.
    """
    world = World.seeded()
    world.apply(spec("a"), spec("b"))
    leaked = world.sink.secret_at(PATH)
    backup = copy_of(world)
    world.clock.advance(HOUR)
    doors(world).end_leaked(A)
    world.maintain()
    newest = world.sink.secret_at(PATH)
    assert leaked is not None
    assert newest is not None
    world.store.state = backup
    return world, leaked, newest


def acknowledge(
    world: World, answer: Answer = Answer.ROTATE_ALL, principal: str = ADMIN
) -> ApplyReport | None:
    """Acknowledge what the sink remembers."""
    request = world.run_request(principal=principal)
    return run_acknowledgement(world.doors(), request, answer, world.watch())


def test_a_run_that_committed_something_lets_the_sink_remember_it() -> None:
    """Number and hash of the last event, and which store it is."""
    world = World.seeded()
    world.apply(spec("a"))
    anchor = remembered(world)
    assert (anchor.head.sequence, anchor.head.hash) == world.store.audit_head()
    assert anchor.store_id == world.store.observe(MANAGER).store_id
    assert anchor.written_at == world.clock.now()
    assert anchor.ended == ()


def test_a_run_that_committed_nothing_writes_nothing() -> None:
    """The anchor's own versions are not used up by runs that have nothing to do."""
    world = World.seeded()
    world.apply(spec("a"))
    before = world.sink.read_anchor()
    world.apply(spec("a"))
    assert world.sink.read_anchor() == before


def test_a_run_with_nothing_to_do_writes_what_a_killed_one_could_not() -> None:
    """Else a store from before the last events would not be noticed until something changes."""
    world = World.seeded()
    world.apply(spec("a"))

    def kill(moment: str, _: str) -> None:
        if moment == "anchor":
            raise Crash

    world.sink.interrupt = kill
    with pytest.raises(Crash):
        world.apply(removal("a"))
    world.sink.interrupt = lambda moment, place: None
    assert remembered(world).head.sequence < world.store.audit_head()[0]
    world.clock.advance(HOUR)
    assert world.apply(removal("a")).outcomes == ()
    anchor = remembered(world)
    assert (anchor.head.sequence, anchor.head.hash) == world.store.audit_head()
    assert [e.why.value for e in anchor.ended] == ["removal"]


def test_a_run_with_nothing_to_do_writes_what_came_without_a_run() -> None:
    """An emergency stop asks no sink; the next run tells it."""
    world = World.seeded()
    world.apply(spec("a"))
    doors(world).hold(A, "suspicious")
    world.apply(spec("a"))
    assert remembered(world).head.sequence == world.store.audit_head()[0]


def test_the_sink_remembers_which_secrets_were_ended_for_a_leak_or_a_removal() -> None:
    """For thirty days; replaced ones are no secret's business."""
    world = World.seeded()
    world.apply(spec("a"), spec("b"))
    leaked = world.record("a").versions[0].version_id
    gone = world.record("b").versions[0].version_id
    doors(world).end_leaked(A)
    world.clock.advance(HOUR)
    world.apply(spec("a"), removal("b"))
    assert [(e.version_id, e.why.value) for e in remembered(world).ended] == [
        (gone, "removal"),
        (leaked, "leak"),
    ]
    world.clock.advance(timedelta(days=30))
    world.apply(spec("a", owner="x"), removal("b"))
    assert [e.version_id for e in remembered(world).ended] == [gone]


@pytest.mark.parametrize("method", ["read_anchor", "identity"])
def test_a_sink_that_cannot_be_asked_stops_nothing_that_needs_no_secret(method: str) -> None:
    """The report says what was not compared; the next run writes the anchor."""
    world = World.seeded()
    world.apply(spec("a"))
    before = world.sink.read_anchor()
    world.sink.fail_next(method, SinkUnavailable("sealed"))
    report = world.apply(spec("a", active=False))
    assert (report.exit_code, len(report.warnings)) == (0, 1)
    assert "could not be compared: sealed" in report.warnings[0]
    assert world.sink.read_anchor() == before
    assert world.apply(spec("a")).warnings == ()
    assert (remembered(world).head.sequence, remembered(world).head.hash) == (
        world.store.audit_head()
    )


def test_an_anchor_that_cannot_be_written_is_a_warning() -> None:
    """What was applied is applied."""
    world = World.seeded()
    world.sink.fail_next("write_anchor", SinkUnavailable("rate limited"))
    report = world.apply(spec("a"))
    assert report.exit_code == 0
    assert report.warnings == ("the audit anchor was not written: rate limited",)


def test_an_anchor_whose_answer_is_lost_is_looked_at_and_written_again() -> None:
    """Bounded; an anchor that is never known to stand is a warning."""
    world = World.seeded()
    unknown = SinkOutcomeUnknown("no answer")
    world.sink.fail_next("write_anchor", unknown)
    assert world.apply(spec("a")).warnings == ()
    world.sink.fail_next("write_anchor", *[unknown] * 4)
    (warning,) = world.apply(spec("a", owner="x")).warnings
    assert "other runs write it all the time" in warning


def test_a_later_word_of_another_run_stands() -> None:
    """Two managers share one anchor: whoever comes second finds the first one's events in its own."""
    world = World.seeded()
    world.apply(spec("a"))
    other = copy_of(world)
    world.apply(spec("a", owner="x"))
    newest = remembered(world)
    world.store.state = other
    with pytest.raises(StoreBehindAnchor):
        world.apply(spec("a", owner="y"))
    assert remembered(world) == newest


def test_a_store_that_came_back_from_an_older_copy_applies_nothing() -> None:
    """Nothing is judged or touched, by an apply, by maintenance, by a rotation."""
    world, leaked, _ = restored()
    assert world.authenticates(leaked), "this is why"
    commits = len(world.store.commits)
    runs: tuple[Callable[[], ApplyReport], ...] = (
        lambda: world.apply(spec("a", owner="x")),
        world.maintain,
        lambda: world.rotate("b"),
    )
    for run in runs:
        with pytest.raises(StoreBehindAnchor) as caught:
            run()
        assert caught.value.exit_code == 5
        assert "restored from an older copy" in caught.value.message
        assert "audit acknowledge" in caught.value.advice
    assert len(world.store.commits) == commits


def test_emergency_stops_do_not_ask_the_sink() -> None:
    """A restored store can be made safe before anything is acknowledged."""
    world, leaked, _ = restored()
    doors(world).hold(A, "restored")
    assert not world.authenticates(leaked)


def test_a_store_that_was_restored_and_went_on_is_found_too() -> None:
    """It holds another event at the place that the sink remembers."""
    world, _, _ = restored()
    for number in range(9):
        doors(world).hold(A, f"{number}")
        doors(world).release(A)
    with pytest.raises(StoreBehindAnchor, match="is not the one that the sink remembers"):
        world.maintain()


def test_a_new_store_on_a_used_sink_is_refused() -> None:
    """Another store wrote what the sink remembers."""
    world = World.seeded()
    world.apply(spec("a"))
    other = World.seeded()
    text = world.sink.read_anchor()[1].replace(remembered(world).store_id, "another store")
    other.sink.write_anchor(text, expected=other.sink.read_anchor()[0])
    with pytest.raises(StoreBehindAnchor, match="another store"):
        other.apply(spec("a"))


def test_what_is_no_anchor_is_refused_and_not_written_over() -> None:
    """Somebody else's value, or one of a newer program."""
    world = World.seeded()
    world.sink.write_anchor("?", expected=world.sink.read_anchor()[0])
    with pytest.raises(StoreBehindAnchor, match="no anchor that this program knows"):
        world.apply(spec("a"))
    assert world.sink.read_anchor()[1] == "?"


def test_an_acknowledgement_ends_again_what_was_ended_and_renews_everything() -> None:
    """The leaked secret first; then each key gets a new one, at the version where its path is."""
    world, leaked, newest = restored()
    assert not world.authenticates(newest), "its hash was forgotten"
    report = acknowledge(world)
    assert report is not None
    assert report.exit_code == 0
    assert not world.authenticates(leaked)
    assert not world.authenticates(newest)
    assert world.authenticates(world.sink.secret_at(PATH))
    assert world.authenticates(world.sink.secret_at("payments/prod/b"))
    assert world.sink.version_at(PATH) == 3
    assert_settled(world)
    assert world.apply(spec("a"), spec("b")).exit_code == 0
    assert [e.note.event for e in world.store.history(ADDRESS)] == [
        "secret-ended-again",
        "acknowledgement-begun",
        "audit-acknowledged",
    ]


def test_a_restored_store_can_be_accepted_as_it_is() -> None:
    """The listed secrets are ended all the same; the key without one gets it at once."""
    world, leaked, _ = restored()
    report = acknowledge(world, Answer.ACCEPT)
    assert report is not None
    assert [(o.address, o.status.value) for o in report.outcomes] == [("payments/a", "applied")]
    assert not world.authenticates(leaked)
    assert world.authenticates(world.sink.secret_at(PATH))
    assert world.authenticates(world.sink.secret_at("payments/prod/b"))
    assert world.maintain().exit_code == 0
    assert_settled(world)


def test_the_sink_goes_on_remembering_what_only_it_knew() -> None:
    """The same copy may be restored once more."""
    world, _, _ = restored()
    before = {e.version_id for e in remembered(world).ended}
    acknowledge(world)
    assert before <= {e.version_id for e in remembered(world).ended}


def test_a_removed_key_gets_no_new_secret() -> None:
    """It lives again in the restored store, without a secret; its KeyRemoval ends it once more."""
    world = World.seeded()
    world.apply(spec("a"), spec("b"))
    text = world.sink.secret_at(PATH)
    backup = copy_of(world)
    world.apply(removal("a"), spec("b"))
    world.store.state = backup
    acknowledge(world)
    assert not world.authenticates(text)
    assert world.sink.version_at(PATH) == 1
    assert world.apply(removal("a"), spec("b")).exit_code == 0
    assert A not in world.store.observe(MANAGER).live


def test_maintenance_brings_no_removed_key_back() -> None:
    """It is on hold until manifests are applied; another restore finds it in the anchor still."""
    world = World.seeded()
    world.apply(spec("a"), spec("b"))
    backup = copy_of(world)
    world.apply(removal("a"), spec("b"))
    world.store.state = backup
    listed = {e.version_id for e in remembered(world).ended}
    acknowledge(world, Answer.ACCEPT)
    world.maintain()
    world.apply(spec("b", owner="x"), removal("c"), selection=Selection(targets=("payments/b",)))
    assert not world.authenticates(world.sink.secret_at(PATH))
    assert listed <= {e.version_id for e in remembered(world).ended}
    assert world.apply(removal("a"), spec("b", owner="x")).exit_code == 0
    assert A not in world.store.observe(MANAGER).live


def test_what_a_removed_key_had_replaced_is_remembered() -> None:
    """Its last secrets ended with it, and an older copy has them alive."""
    world = World.seeded()
    world.apply(spec("a"))
    old = world.sink.secret_at(PATH)
    backup = copy_of(world)
    world.apply(spec("a", reissue=2))
    assert world.authenticates(old)
    world.apply(removal("a"))
    world.store.state = backup
    assert world.authenticates(old)
    acknowledge(world, Answer.ACCEPT)
    assert not world.authenticates(old)


def test_a_run_forgets_nothing_that_only_the_sink_knew() -> None:
    """For as long as it is to be remembered."""
    world, _, _ = restored()
    before = {e.version_id for e in remembered(world).ended}
    acknowledge(world)
    world.apply(spec("a"), spec("b"), spec("c"))
    assert before <= {e.version_id for e in remembered(world).ended}
    world.clock.advance(timedelta(days=31))
    world.apply(spec("a"), spec("b"), spec("c"), spec("d"))
    assert remembered(world).ended == ()


def test_where_only_the_anchor_could_not_be_set_no_key_is_renewed_twice() -> None:
    """Nor is anything said twice; apply refuses until it is set."""
    world, _, _ = restored()
    world.clock.advance(HOUR)
    world.sink.fail_next("write_anchor", SinkUnavailable("sealed"))
    with pytest.raises(SinkUnavailable):
        acknowledge(world)
    sent = len(world.sink.sent)
    world.clock.advance(HOUR)
    report = acknowledge(world)
    assert report is not None
    assert (report.outcomes, len(world.sink.sent)) == ((), sent)
    told = [
        e.note.event for e in world.store.history(ADDRESS) if e.note.event != "secret-ended-again"
    ]
    assert told == ["acknowledgement-begun", "audit-acknowledged"]
    assert remembered(world).head.sequence == world.store.audit_head()[0]


def test_only_a_platform_admin_acknowledges() -> None:
    """An admin of a workspace does not see what others have lost."""
    world, leaked, _ = restored()
    with pytest.raises(Refused, match="no platform admin"):
        acknowledge(world, principal="local:bob")
    assert world.authenticates(leaked)


def test_where_nothing_was_lost_there_is_nothing_to_acknowledge() -> None:
    """Nothing is committed."""
    world = World.seeded()
    world.apply(spec("a"))
    commits = len(world.store.commits)
    assert acknowledge(world) is None
    assert len(world.store.commits) == commits


def test_an_acknowledgement_that_was_killed_goes_on() -> None:
    """At any effect: apply refuses until it is done, and no key is renewed twice after it began."""
    for moment in range(40):
        world, leaked, _ = restored()
        if not killed(world, moment):
            return
        world.clock.advance(timedelta(minutes=1))
        if remembered(world).head.sequence > world.store.audit_head()[0]:
            with pytest.raises(StoreBehindAnchor):
                world.maintain()
        acknowledge(world)
        assert not world.authenticates(leaked)
        assert_settled(world)
        assert world.authenticates(world.sink.secret_at("payments/prod/b"))
        assert world.maintain().exit_code == 0
    pytest.fail("the run never came to its end")


def killed(world: World, moment: int) -> bool:
    """Acknowledge and be killed at that effect; whether it was."""
    seen = 0

    def see(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen > moment:
            raise Crash

    commit = world.store.commit

    def committing(asked: object) -> object:
        see()
        answer = commit(asked)  # type: ignore[arg-type]  # passed on
        see()
        return answer

    world.sink.interrupt = see
    world.store.commit = committing  # type: ignore[method-assign, assignment]  # the watcher
    try:
        acknowledge(world)
    except Crash:
        return True
    finally:
        world.sink.interrupt = lambda *_: None
        world.store.commit = commit  # type: ignore[method-assign]  # as before
    return False


def test_a_verification_names_what_the_anchor_knows() -> None:
    """The chain of a restored store is whole in itself."""
    world, _, _ = restored()
    found = verify_audit(world.store, world.sink, manager=MANAGER, kept=())
    assert found.fault is None
    assert found.anchor_fault is AnchorFault.BEHIND
    assert not found.is_whole
    world.sink.fail_next("read_anchor", SinkUnavailable("sealed"))
    unasked = verify_audit(world.store, world.sink, manager=MANAGER, kept=())
    assert (unasked.is_whole, unasked.anchor_trouble) == (True, "sealed")
    assert verify_audit(world.store, None, manager=MANAGER, kept=()).is_whole


def test_a_run_that_ends_between_two_looks_is_no_store_that_came_back() -> None:
    """The store was observed, another run wrote it and the anchor, then the anchor is read."""
    world = World.seeded()
    world.apply(spec("a"))
    observed = world.store.observe(MANAGER)
    world.apply(spec("a"), spec("b"))
    assert remembered(world).head.sequence > observed.audit_sequence
    keeper = AnchorKeeper(store=world.store, sink=world.sink, observed=observed)

    keeper.compare()

    assert keeper.trouble is None


def test_a_key_that_leaked_and_was_removed_does_not_come_back() -> None:
    """The normal end of an incident; what the copy has alive of it is known by the key."""
    for answer in Answer:
        world = World.seeded()
        world.apply(spec("a"), spec("b"))
        backup = copy_of(world)
        doors(world).end_leaked(A)
        world.maintain()
        world.apply(removal("a"), spec("b"))
        world.store.state = backup
        acknowledge(world, answer)
        world.maintain()
        assert not world.authenticates(world.sink.secret_at(PATH))
        assert world.record("a").hold is not None


def test_a_key_that_was_rotated_and_removed_does_not_come_back() -> None:
    """Its secret in the copy was ended by a rotation, which no anchor lists."""
    world = World.seeded()
    world.apply(spec("a"))
    old = world.sink.secret_at(PATH)
    backup = copy_of(world)
    world.apply(spec("a", generation=2))
    world.clock.advance(timedelta(days=2))
    world.maintain()
    world.apply(removal("a"))
    world.store.state = backup
    assert world.authenticates(old), "this is why"
    acknowledge(world, Answer.ACCEPT)
    assert not world.authenticates(old)


def test_pruning_removes_again_what_an_acknowledgement_has_stopped() -> None:
    """A person had removed it; its hold was to last until manifests are applied."""
    world = World.seeded(stored=policy(prune=Prune.REMOVE))
    world.apply(spec("a"), spec("b"))
    backup = copy_of(world)
    world.apply(spec("b"))
    world.store.state = backup
    acknowledge(world, Answer.ACCEPT)
    assert world.apply(spec("b")).exit_code == 0
    assert A not in world.store.observe(MANAGER).live


def test_nobody_else_gives_the_reason_of_such_a_hold() -> None:
    """It would let pruning pass a person's own hold."""
    world = World.seeded()
    world.apply(spec("a"))
    with pytest.raises(Refused, match="an acknowledgement"):
        doors(world).hold(A, RESTORED_HOLD)


@pytest.mark.parametrize("method", ["read_anchor", "identity"])
def test_where_the_anchor_cannot_be_compared_no_secret_is_made(method: str) -> None:
    """One passing error is enough to miss a restored store; what needs no secret goes on."""
    world, _, _ = restored()
    sent = len(world.sink.sent)
    world.sink.fail_next(method, SinkUnavailable("one bad moment"))
    report = world.apply(spec("a", generation=2), spec("b", active=False), spec("c"))
    assert len(world.sink.sent) == sent
    assert {(o.address, o.status.value) for o in report.outcomes} == {
        ("payments/a", "failed"),
        ("payments/b", "applied"),
        ("payments/c", "failed"),
    }
    with pytest.raises(StoreBehindAnchor):
        world.apply(spec("a", generation=2), spec("b", active=False), spec("c"))


def test_renewing_everything_leaves_what_is_readably_a_strangers_and_goes_on() -> None:
    """Nor does a path that cannot be looked at keep the others from being renewed."""
    world, _, _ = restored()
    world.sink.readable = True
    world.sink.stranger_writes("payments/prod/b")
    report = acknowledge(world)
    assert report is not None
    assert {(o.address, o.status.value) for o in report.outcomes} == {
        ("payments/a", "applied"),
        ("payments/b", "blocked"),
    }
    assert world.sink.secret_at("payments/prod/b") is None
    assert world.apply(spec("a"), spec("b", owner="x")).exit_code == 0, "a person can decide now"


def test_a_path_that_cannot_be_looked_at_leaves_the_acknowledgement_undone() -> None:
    """The other keys are renewed; running it again does the rest."""
    world, _, _ = restored()
    world.sink.fail_next("observe", SinkUnavailable("a bad moment"))
    report = acknowledge(world)
    assert report is not None
    assert sorted(o.status.value for o in report.outcomes) == ["applied", "failed"]
    with pytest.raises(StoreBehindAnchor):
        world.maintain()
    again = acknowledge(world)
    assert again is not None
    assert [o.status.value for o in again.outcomes] == ["applied"]
    assert world.maintain().exit_code == 0
