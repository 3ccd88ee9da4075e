"""The contract of `KeyStore`: last uses of all versions, and what verifiers saw beside them."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from reconciler.model.keys import KeyRecord, KeyVersion
from reconciler.model.uses import (
    MARKS_LAST,
    MOST_MARKS,
    SILENT_AFTER,
    UseKind,
    UseMark,
    UseReport,
)
from reconciler.model.writes import RecordDestroyed
from tests.contracts.store_rigs import StoreRig
from tests.contracts.store_story import OVERLAP, Story, address, note, retiring, revoking

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ORIGIN, SCOPE, DENIED = UseKind.ORIGIN, UseKind.SCOPE, UseKind.DENIED
HOME = "203.0.113.7"


def current(record: KeyRecord) -> KeyVersion:
    """Give the current version of a key."""
    assert record.current is not None
    return record.current


def mark(
    version_id: str,
    at: datetime,
    subject: str = HOME,
    *,
    kind: UseKind = ORIGIN,
    times: int = 1,
) -> UseMark:
    """Give one thing that was seen of a version."""
    return UseMark(version_id=version_id, kind=kind, subject=subject, last_at=at, times=times)


def report(story: Story, *marks: UseMark, reporter: str = "gateway-1") -> None:
    """Report marks, as complete up to now."""
    until = story.clock.now()
    story.store.report_uses(UseReport(reporter=reporter, uses=(), until=until, marks=marks))


def used(story: Story, *version_ids: str) -> datetime:
    """Report that these versions were used just now; the moment."""
    now = story.clock.now()
    uses = tuple((version_id, now) for version_id in version_ids)
    story.store.report_uses(UseReport(reporter="gateway-1", uses=uses, until=now))
    return now


def destroyed(version_id: str) -> RecordDestroyed:
    """Note that the copy of a version is gone."""
    said = note("copy-destroyed", "payments/a", version=version_id)
    return RecordDestroyed(version_id=version_id, note=said)


def kept(story: Story, *version_ids: str) -> tuple[UseMark, ...]:
    """Give what the store says was seen of versions."""
    return story.store.use_marks(frozenset(version_ids))


def test_every_version_that_is_given_has_its_last_use(story: Story) -> None:
    """By observe, find and family alike; what was never used has none."""
    story.create("a")
    replaced = current(story.record("a")).version_id
    story.rotate("a")
    record = story.create("b")
    now = used(story, replaced, current(record).version_id)
    observed = story.observe().live
    for given in (
        observed[address("a")],
        story.store.find(address("a"))[0],
        story.store.family(frozenset({observed[address("a")].key_id}))[0],
    ):
        assert {v.version_id: v.last_used_at for v in given.versions} == {
            replaced: now,
            current(given).version_id: None,
        }
    assert current(observed[address("b")]).last_used_at == now


def test_the_last_use_of_an_ended_version_is_still_known(story: Story) -> None:
    """Also where it is the only one that a key has left."""
    version_id = current(story.create("a")).version_id
    now = used(story, version_id)
    story.done(revoking(version_id), fenced=False)
    (ended,) = story.record("a").versions
    assert (ended.last_used_at, ended.retired_at) == (now, now)


def test_marks_come_back_as_they_were_reported(story: Story) -> None:
    """Origins, scopes and denials; by version, newest first; the observed state has them too."""
    first, second = (current(story.create(name)).version_id for name in "ab")
    now = story.clock.now()
    told = (
        mark(first, now - MINUTE, times=3),
        mark(first, now, "Webhooks:read", kind=SCOPE, times=3),
        mark(first, now - HOUR, "address-not-allowed 192.0.2.9", kind=DENIED),
        mark(second, now, "2001:db8::7"),
    )
    report(story, *told)
    by_version = {first: (told[1], told[0], told[2]), second: (told[3],)}
    assert kept(story, first, second) == tuple(
        m for version_id in sorted(by_version) for m in by_version[version_id]
    )
    assert kept(story, second) == (told[3],)
    assert kept(story) == kept(story, "made-up") == ()
    assert dict(story.observe().marks) == by_version


def test_marks_of_other_managers_keys_are_not_observed(store_rig: StoreRig) -> None:
    """A plan sees what is its own; whoever asks by id is answered."""
    story = store_rig.story()
    theirs = current(store_rig.story(manager="other", run_id="run-2").create("z")).version_id
    seen = mark(theirs, story.clock.now())
    report(story, seen)
    assert theirs not in story.observe().marks
    assert kept(story, theirs) == (seen,)


def test_marks_of_a_retired_version_without_a_copy_are_not_observed(story: Story) -> None:
    """They are read where the whole key is looked at."""
    story.create("a")
    replaced = current(story.record("a")).version_id
    story.rotate("a")
    report(story, mark(replaced, story.clock.now()))
    assert set(story.observe().marks) == {replaced}
    story.advance(OVERLAP)
    story.done(retiring(replaced))
    story.done(destroyed(replaced))
    assert set(story.observe().marks) == set()
    assert len(kept(story, replaced)) == 1


def test_counts_add_up_within_an_hour_and_start_anew_in_a_later_one(story: Story) -> None:
    """Whoever reports, and in whatever order."""
    version_id = current(story.create("a")).version_id
    story.advance(HOUR - timedelta(minutes=story.clock.now().minute))
    early = story.clock.now()
    report(story, mark(version_id, early, times=2))
    story.advance(20 * MINUTE)
    report(story, mark(version_id, story.clock.now(), times=3), reporter="gateway-2")
    assert [m.times for m in kept(story, version_id)] == [5]
    story.advance(HOUR)
    late = story.clock.now()
    report(story, mark(version_id, late, times=7))
    report(story, mark(version_id, early, times=100), reporter="gateway-2")
    assert kept(story, version_id) == (mark(version_id, late, times=7),)


def test_what_is_made_up_or_cannot_be_shown_is_not_kept(story: Story) -> None:
    """Unknown versions, long subjects, control characters; the rest of the report stands."""
    version_id = current(story.create("a")).version_id
    now = story.clock.now()
    good = mark(version_id, now)
    bad = (mark(version_id, now, subject) for subject in ("", "x" * 201, "a\x1b[2J", "a\nb"))
    report(story, mark("made-up", now), *bad, good)
    assert kept(story, version_id, "made-up") == (good,)


def test_a_verifier_whose_clock_is_fast_marks_no_time_that_has_not_come(story: Story) -> None:
    """Its marks are of now."""
    version_id = current(story.create("a")).version_id
    report(story, mark(version_id, story.clock.now() + SILENT_AFTER))
    assert kept(story, version_id) == (mark(version_id, story.clock.now()),)


def test_of_each_kind_the_newest_few_are_kept(story: Story) -> None:
    """A key that is called from everywhere does not fill the store."""
    version_id = current(story.create("a")).version_id
    start = story.clock.now()
    story.advance(3 * HOUR)
    scope = mark(version_id, start, "Webhooks:read", kind=SCOPE)
    origins = [mark(version_id, start + n * MINUTE, f"192.0.2.{n}") for n in range(100)]
    report(story, *origins[50:], scope)
    report(story, *origins[:50], reporter="gateway-2")
    assert kept(story, version_id) == (*reversed(origins[-MOST_MARKS:]), scope)


def test_old_marks_go_when_their_version_is_reported_again(story: Story) -> None:
    """Where somebody called from in spring says nothing in autumn."""
    version_id = current(story.create("a")).version_id
    report(story, mark(version_id, story.clock.now(), "192.0.2.1"))
    story.advance(MARKS_LAST + MINUTE)
    new = mark(version_id, story.clock.now())
    report(story, new)
    assert kept(story, version_id) == (new,)


def test_uses_are_known_since_reports_go_on_without_a_gap(story: Story) -> None:
    """A process that begins within a day of another goes on with what that one began."""
    assert story.observe().uses_since is None
    began = story.clock.now()
    report(story, reporter="pod-1")
    for number in (1, 2, 3):
        story.advance(SILENT_AFTER)
        report(story, reporter=f"pod-{number}")
        assert story.observe().uses_since == began


def test_after_a_gap_uses_are_known_anew(story: Story) -> None:
    """Of the time in which nobody listened nothing is known, also where the same one comes back."""
    report(story)
    story.advance(SILENT_AFTER + MINUTE)
    report(story)
    again = story.clock.now()
    assert story.observe().uses_since == again
    late = UseReport(reporter="late", uses=(), until=again - 9 * SILENT_AFTER)
    story.store.report_uses(late)
    late = UseReport(reporter="gateway-1", uses=(), until=again - 9 * SILENT_AFTER)
    story.store.report_uses(late)
    assert (story.observe().uses_since, story.observe().uses_until) == (again, again)


@pytest.mark.parametrize("names", ["ab", "abcdefgh"])
def test_reporters_at_once_lose_nothing_and_wait_in_no_circle(
    store_rig: StoreRig, names: str
) -> None:
    """Each names the versions in another order; every count arrives."""
    story, crews, rounds = store_rig.story(), 4, 8
    ids = [current(story.create(name)).version_id for name in names]
    now, start = story.clock.now(), threading.Barrier(crews)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        store, order = store_rig.open(), ids if number % 2 else ids[::-1]
        start.wait()
        try:
            for _ in range(rounds):
                marks = tuple(
                    seen
                    for v in order
                    for seen in (mark(v, now), mark(v, now, f"192.0.2.{number}"))
                )
                uses = tuple((v, now) for v in order)
                said = UseReport(reporter=f"gateway-{number}", uses=uses, until=now, marks=marks)
                store.report_uses(said)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(crews)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for version_id in ids:
        times = {m.subject: m.times for m in kept(story, version_id)}
        assert times == {HOME: crews * rounds} | {f"192.0.2.{n}": rounds for n in range(crews)}


def test_a_report_with_marks_changes_no_key_and_is_no_event(story: Story) -> None:
    """Plans do not go stale because a secret is used."""
    version_id = current(story.create("a")).version_id
    before = story.observe()
    report(story, mark(version_id, story.clock.now()))
    after = story.observe()
    assert (after.audit_sequence, after.audit_head) == (before.audit_sequence, before.audit_head)
    assert after.records == before.records
