"""Keys of other managers on every key store: seen whole where asked for, taken over by one write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.keys import KeyRecord, KeyStatus
from reconciler.model.secret_writes import BeginSecret, PathOverride
from reconciler.model.states import ForeignRecord
from reconciler.model.writes import UpdateKey
from tests.contracts.store_story import Story, address, note

OTHERS = "other-team"


@pytest.fixture
def others(story: Story) -> Story:
    """Give a run of another manager on the same store."""
    return Story(story.store, story.clock, manager=OTHERS)


def seen(story: Story, name: str = "a", *, whole: bool = True) -> ForeignRecord:
    """Give a foreign record as the story's manager sees it."""
    asked = frozenset({address(name)}) if whole else frozenset()
    observed = story.store.observe(story.manager, whole=asked)
    return next(f for f in observed.foreign if f.address == address(name))


def adopting(story: Story, record: KeyRecord, **changes: Any) -> UpdateKey:
    """Give the write that takes a record over."""
    write = story.updating(record, **changes)
    event = note("key-adopted", record.address, manager=story.manager)
    return replace(write, manager=story.manager, note=event)


def nobodys(story: Story, name: str) -> BeginSecret:
    """Give the start of a key that belongs to no manager, as an import by hand leaves it."""
    begin = story.creation(name)
    assert begin.new_key is not None
    unowned = replace(begin.new_key, manager=None)  # type: ignore[arg-type]  # as imported by hand
    return replace(begin, new_key=unowned)


def test_a_foreign_record_is_seen_whole_only_where_it_is_asked_for(
    story: Story, others: Story
) -> None:
    """With every version that it ever had; the others by name, manager and path."""
    others.create("a")
    others.create("b")
    owned = others.rotate("a")
    asked = seen(story)
    assert asked.record == owned
    assert (asked.manager, asked.sink_path, asked.is_busy) == (OTHERS, "payments/prod/a", False)
    assert seen(story, whole=False) == replace(asked, record=None)
    observed = story.store.observe(story.manager, whole=frozenset({address("a")}))
    assert [f.record is None for f in observed.foreign] == [False, True]
    assert observed.records == ()


def test_asking_for_an_own_or_an_absent_record_gives_nothing_foreign(story: Story) -> None:
    """What is this manager's stands among its records."""
    story.create("a")
    observed = story.store.observe(story.manager, whole=frozenset({address("a"), address("z")}))
    assert observed.foreign == ()
    assert observed.live.keys() == {address("a")}


def test_a_foreign_record_with_an_open_operation_is_busy(story: Story, others: Story) -> None:
    """Until the operation has come to its end."""
    begin = others.creation("a")
    others.done(begin)
    assert seen(story).is_busy
    others.done(others.confirmation(begin))
    assert not seen(story).is_busy


def test_an_adopted_key_is_the_new_managers_with_all_that_it_was(
    story: Story, others: Story
) -> None:
    """Id, versions, hold and path stay; the record's version rises, the former manager has none."""
    others.create("a")
    record = others.rotate("a")
    others.done(others.holding(record))
    before = others.record("a")
    story.done(adopting(story, before))
    after = story.record("a")
    assert after == replace(before, manager=story.manager, record_version=before.record_version + 1)
    assert others.observe().records == ()
    assert others.observe().foreign[0].manager == story.manager
    assert story.path("payments/prod/a").key_id == after.key_id


def test_an_adoption_may_change_fields_in_the_same_write(story: Story, others: Story) -> None:
    """As an update does."""
    record = others.create("a")
    story.done(adopting(story, record, owner="team-new"))
    assert story.record("a").fields == replace(record.fields, owner="team-new")


def test_what_the_key_replaced_comes_with_it(story: Story, others: Story) -> None:
    """The new manager's maintenance ends the secrets and destroys the copies that are left."""
    first = others.create("a")
    others.finish(others.reissue(first))
    story.done(adopting(story, others.record("a")))
    replaced = story.by_id(first.key_id)
    assert (replaced.manager, replaced.status) == (story.manager, KeyStatus.SUPERSEDED)
    assert others.observe().records == ()


def test_a_key_that_another_run_works_on_is_not_taken_from_it(story: Story, others: Story) -> None:
    """Its operation is that manager's to end; nothing of the write is done."""
    record = others.create("a")
    begin = others.rotation(record)
    others.done(begin)
    assert story.refusals(adopting(story, others.record("a"))) == ("operation-open",)
    others.done(others.confirmation(begin))
    story.done(adopting(story, others.record("a")))


def test_a_run_of_the_former_manager_changes_nothing_any_more(story: Story, others: Story) -> None:
    """What it had planned stands on a record that is another one now."""
    record = others.create("a")
    story.done(adopting(story, record))
    late = (others.updating(record, owner="late"), others.rotation(record), others.removing(record))
    assert others.refusals(*late) == ("record-changed",) * 3
    assert story.record("a").fields == record.fields


def test_of_two_managers_that_take_a_key_over_the_first_has_it(story: Story, others: Story) -> None:
    """Both saw the same record."""
    third = Story(story.store, story.clock, manager="third")
    record = others.create("a")
    story.done(adopting(story, record))
    assert third.refusals(adopting(third, record)) == ("record-changed",)
    assert story.record("a").manager == story.manager


def test_nobodys_key_is_taken_over_with_what_is_open_for_it(story: Story) -> None:
    """No run of any manager would ever end it; the adopting one's next run does."""
    begin = nobodys(story, "a")
    story.done(begin)
    found = seen(story)
    assert (found.manager, found.is_busy) == (None, True)
    assert found.record is not None
    story.done(adopting(story, found.record))
    assert [o.operation_id for o in story.observe().operations] == [begin.operation.operation_id]
    story.done(story.confirmation(begin))
    assert story.record("a").current is not None


def test_an_adopted_version_is_the_paths_last_one_from_then_on(story: Story) -> None:
    """Also where the operation came to nothing: what comes after it is sent against that number."""
    record = story.create("a")
    begin = story.rotation(record, expected=7, override=PathOverride.ADOPT)
    story.done(begin)
    row = story.path("payments/prod/a")
    assert (row.adopted_version, row.last_version) == (7, 7)
    story.done(story.closing(begin))
    story.done(story.rotation(story.record("a"), expected=7))
