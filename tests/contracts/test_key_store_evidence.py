"""The contract of `KeyStore`: secrets that wait for evidence, reports of uses, overridden paths."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.model.keys import KeyRecord, KeyVersion, Rotation
from reconciler.model.lifetime import Expiration, Retirement, VersionState
from reconciler.model.secret_writes import PathOverride
from reconciler.model.uses import SILENT_AFTER, UseReport
from tests.contracts.store_story import OVERLAP, Story, retiring

PATH = "payments/prod/a"
PATIENT = Rotation(overlap=OVERLAP, retire=Retirement.WHEN_UNUSED)
MINUTE = timedelta(minutes=1)
RETIRING, RETIRED = VersionState.RETIRING, VersionState.RETIRED


def older(record: KeyRecord) -> KeyVersion:
    """Give the replaced version of a key that was rotated once."""
    (version,) = [v for v in record.versions if v.state is not VersionState.CURRENT]
    return version


def report(story: Story, *uses: tuple[str, datetime], reporter: str = "gateway-1") -> datetime:
    """Say that all uses up to this moment are these; the moment."""
    until = story.clock.now()
    story.store.report_uses(UseReport(reporter=reporter, uses=uses, until=until))
    return until


def test_the_way_to_retire_is_kept_with_the_key(story: Story) -> None:
    """Both ways come back as they were written, and an update changes them."""
    assert story.create("a").fields.rotation.retire is Retirement.AFTER_OVERLAP
    patient = story.create("b", rotation=PATIENT)
    assert patient.fields.rotation == PATIENT
    story.done(story.updating(patient, rotation=Rotation(overlap=OVERLAP)))
    assert story.record("b").fields.rotation.retire is Retirement.AFTER_OVERLAP


def test_a_version_that_waits_for_evidence_has_its_overlap_and_no_deadline(story: Story) -> None:
    """It is accepted until a plan says that it may end, whatever the clock says."""
    story.create("a", rotation=PATIENT)
    replaced_at = story.clock.now()
    waiting = older(story.rotate("a"))
    assert (waiting.state, waiting.retire_at) == (RETIRING, None)
    assert waiting.overlap_until == replaced_at + OVERLAP
    assert waiting.is_accepted(replaced_at + 9 * OVERLAP)


def test_a_version_that_was_never_confirmed_has_a_deadline_all_the_same(story: Story) -> None:
    """Nobody is known to hold it, so there may never be evidence."""
    story.create("a", rotation=PATIENT)
    begin = story.rotation(story.record("a"))
    story.done(begin)
    story.done(story.closing(begin))
    left = older(story.record("a"))
    assert (left.retire_at, left.overlap_until) == (story.clock.now() + OVERLAP, None)


def test_no_evidence_ends_a_version_before_its_overlap(story: Story) -> None:
    """The store refuses it, whoever asks; afterwards it takes the plan's word."""
    story.create("a", rotation=PATIENT)
    waiting = older(story.rotate("a")).version_id
    story.advance(OVERLAP - MINUTE)
    assert story.refusals(retiring(waiting)) == ("not-due",)
    story.advance(MINUTE)
    assert story.refusals(retiring(waiting)) == (None,)
    assert older(story.record("a")).state is RETIRED


def test_the_overlap_of_a_waiting_version_ends_with_the_key(story: Story) -> None:
    """An expired key has no secret that waits."""
    created_at = story.clock.now()
    story.create("a", rotation=PATIENT, expiration=Expiration.HOUR)
    assert older(story.rotate("a")).overlap_until == created_at + timedelta(hours=1)


def test_uses_are_read_for_what_waits_for_evidence(story: Story) -> None:
    """The last use of a waiting version, and up to when all uses are known."""
    story.create("a", rotation=PATIENT)
    waiting = older(story.rotate("a")).version_id
    assert story.observe().uses_until is None
    assert older(story.record("a")).last_used_at is None
    used = story.clock.now()
    story.advance(MINUTE)
    until = report(story, (waiting, used))
    assert older(story.record("a")).last_used_at == used
    assert story.observe().uses_until == until


def test_a_use_never_goes_back_in_time(story: Story) -> None:
    """Reports of two verifiers may arrive in any order."""
    story.create("a", rotation=PATIENT)
    waiting = older(story.rotate("a")).version_id
    early = story.clock.now()
    story.advance(MINUTE)
    late = story.clock.now()
    report(story, (waiting, late), reporter="gateway-1")
    report(story, (waiting, early), reporter="gateway-2")
    assert older(story.record("a")).last_used_at == late


def test_a_report_of_the_past_takes_nothing_back(story: Story) -> None:
    """A reporter's word only moves on."""
    newest = report(story)
    story.store.report_uses(UseReport(reporter="gateway-1", uses=(), until=newest - MINUTE))
    assert story.observe().uses_until == newest


def test_uses_of_unknown_versions_are_left_out(story: Story) -> None:
    """What somebody makes up is not kept."""
    story.create("a", rotation=PATIENT)
    waiting = older(story.rotate("a")).version_id
    now = story.clock.now()
    report(story, ("made-up", now), (waiting, now))
    assert older(story.record("a")).last_used_at == now


def test_nothing_is_known_past_the_slowest_reporter_that_still_works(story: Story) -> None:
    """One that has been silent for a day is taken to be gone."""
    slow = report(story, reporter="gateway-1")
    story.advance(MINUTE)
    fast = report(story, reporter="gateway-2")
    assert story.observe().uses_until == slow
    story.advance(SILENT_AFTER)
    newest = report(story, reporter="gateway-2")
    assert story.observe().uses_until == newest != fast


def test_a_report_changes_no_key_and_is_no_event(story: Story) -> None:
    """Plans do not go stale because a secret is used."""
    story.create("a", rotation=PATIENT)
    waiting = older(story.rotate("a")).version_id
    before = story.observe()
    report(story, (waiting, story.clock.now()))
    after = story.observe()
    assert (after.audit_sequence, after.audit_head) == (before.audit_sequence, before.audit_head)
    assert [r.record_version for r in after.records] == [r.record_version for r in before.records]


@pytest.mark.parametrize("override", PathOverride)
def test_an_overridden_path_is_attempted_at_the_version_found(
    story: Story, override: PathOverride
) -> None:
    """What is recorded of it is not asked; the confirmation sets it."""
    record = story.create("a")
    begin = story.rotation(record, expected=7, override=override)
    story.done(begin)
    (operation,) = story.observe().operations
    assert [a.expected for a in operation.attempts] == [7]
    story.done(story.confirmation(begin))
    assert story.path(PATH).last_version == 8


def test_without_an_override_a_path_at_another_version_is_refused(story: Story) -> None:
    """Whoever planned with an older number plans again."""
    record = story.create("a")
    assert story.refusals(story.rotation(record, expected=7)) == ("record-changed",)


def test_an_adoption_is_remembered_with_the_path(story: Story) -> None:
    """Of a new path too; a repair and an ordinary rotation leave it as it is."""
    story.create("a")
    assert story.path(PATH).adopted_version is None
    adopting = replace(
        story.creation("b", expected=3),
        override=PathOverride.ADOPT,
    )
    story.finish(adopting)
    assert story.path("payments/prod/b").adopted_version == 3
    story.rotate("b")
    story.finish(story.rotation(story.record("b"), expected=9, override=PathOverride.REPAIR))
    assert story.path("payments/prod/b").adopted_version == 3


@pytest.mark.parametrize("rotation", [Rotation(overlap=OVERLAP), PATIENT], ids=["plain", "patient"])
def test_a_repair_keeps_replaced_versions_alive_until_it_is_confirmed(
    story: Story, rotation: Rotation
) -> None:
    """One of them may be what consumers read just now; then each gets its overlap anew."""
    story.create("a", rotation=rotation)
    replaced = older(story.rotate("a")).version_id
    story.advance(OVERLAP - MINUTE)
    begin = story.rotation(story.record("a"), override=PathOverride.REPAIR)
    story.done(begin)
    story.advance(OVERLAP)
    kept = {v.version_id: v for v in story.record("a").versions}[replaced]
    assert kept.is_accepted(story.clock.now())
    assert story.refusals(retiring(replaced)) == ("not-due",)
    story.done(story.confirmation(begin))
    ends = {v.version_id: v for v in story.record("a").versions}[replaced]
    until = story.clock.now() + OVERLAP
    patient = rotation.retire is Retirement.WHEN_UNUSED
    assert ends.retire_at == (None if patient else until)
    assert ends.overlap_until == (until if patient else None)


def test_a_repair_that_comes_to_nothing_gives_replaced_versions_their_overlap_back(
    story: Story,
) -> None:
    """Nothing waits for an operation that is closed."""
    story.create("a")
    replaced = older(story.rotate("a")).version_id
    begin = story.rotation(story.record("a"), override=PathOverride.REPAIR)
    story.done(begin)
    story.done(story.closing(begin))
    ends = {v.version_id: v for v in story.record("a").versions}[replaced]
    assert (ends.state, ends.retire_at) == (RETIRING, story.clock.now() + OVERLAP)


def test_a_repair_brings_no_version_back_whose_overlap_has_passed(story: Story) -> None:
    """Its acceptance ended by the clock; whoever can roll a path back cannot revive it."""
    story.create("a")
    replaced = older(story.rotate("a")).version_id
    story.advance(OVERLAP)
    begin = story.rotation(story.record("a"), override=PathOverride.REPAIR)
    story.done(begin)
    versions = {v.version_id: v for v in story.record("a").versions}
    assert not versions[replaced].is_accepted(story.clock.now())
    story.done(story.confirmation(begin))
    versions = {v.version_id: v for v in story.record("a").versions}
    assert versions[replaced].retire_at == story.clock.now()


def test_a_repair_brings_no_retired_version_back(story: Story) -> None:
    """Retired is final."""
    story.create("a")
    replaced = older(story.rotate("a")).version_id
    story.advance(OVERLAP)
    story.done(retiring(replaced))
    begin = story.rotation(story.record("a"), override=PathOverride.REPAIR)
    story.done(begin)
    story.done(story.confirmation(begin))
    states = {v.version_id: v.state for v in story.record("a").versions}
    assert states[replaced] is RETIRED


def test_a_verifier_whose_clock_is_fast_does_not_speak_for_the_future(story: Story) -> None:
    """Neither its word nor its uses reach past the database's time."""
    story.create("a", rotation=PATIENT)
    waiting = older(story.rotate("a"))
    now = report(story, reporter="honest")
    fast = now + 3 * SILENT_AFTER
    uses = ((waiting.version_id, fast),)
    story.store.report_uses(UseReport(reporter="fast", uses=uses, until=fast))
    assert story.observe().uses_until == now
    assert older(story.record("a")).last_used_at == now
