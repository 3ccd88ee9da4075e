"""Mutants must die: each rule of the protocol, broken, is caught by what holds at every moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties import mutants, stories
from tests.properties.converging import converge
from tests.properties.machine import Life
from tests.properties.mutants import Mutant
from tests.properties.profiles import FIXED_STORIES
from tests.properties.stage import Stage

MUTANTS = (
    Mutant(
        patch=mutants.sink_ignores_the_expected_version,
        story=stories.an_old_write_lands_after_its_overlap,
        dies_of="the latest value at payments/prod/a does not work",
    ),
    Mutant(
        patch=mutants.resend_without_an_attempt,
        story=stories.an_old_write_lands_under_its_successors_hands,
        dies_of="a write without an attempt",
    ),
    Mutant(
        patch=mutants.retire_before_the_overlap,
        story=stories.a_rotation_is_followed_by_maintenance,
        dies_of="ended too early",
    ),
    Mutant(
        patch=mutants.confirm_what_is_not_provisional,
        story=stories.a_secret_leaks_before_its_confirmation,
        dies_of="a retired version came back",
    ),
    Mutant(
        patch=mutants.retire_the_interrupted_at_once,
        story=stories.an_old_write_lands_under_its_successors_hands,
        dies_of="the latest value at payments/prod/a does not work",
    ),
    Mutant(
        patch=mutants.trust_a_stale_epoch,
        story=stories.a_run_wakes_up_after_its_lease,
        dies_of="a run committed without its lease",
    ),
    Mutant(
        patch=mutants.destroy_with_the_count,
        story=stories.a_path_is_left_emptied_and_taken_again,
        dies_of="the latest value at payments/prod/a does not work",
    ),
    Mutant(
        patch=mutants.take_no_answer_for_a_no,
        story=stories.an_answer_of_the_store_is_lost,
        dies_of="a quiet run left something",
    ),
    Mutant(
        patch=mutants.write_before_the_store_knows,
        story=stories.a_key_is_there,
        dies_of="a write without an attempt",
    ),
    Mutant(
        patch=mutants.destroy_the_living,
        story=stories.a_rotation_is_followed_by_maintenance,
        dies_of="nothing can be read at payments/prod/a",
    ),
    Mutant(
        patch=mutants.replace_a_held_key,
        story=stories.a_held_key_is_reissued,
        dies_of="a held key was replaced",
    ),
    Mutant(
        patch=mutants.forget_the_overlap,
        story=stories.a_rotation_is_followed_by_maintenance,
        dies_of="ended too early",
    ),
    Mutant(
        patch=mutants.confirm_unseen,
        story=stories.a_rotation_dies_before_its_write,
        dies_of="another secret is recorded",
    ),
    Mutant(
        patch=mutants.let_the_replaced_live_on,
        story=stories.a_key_is_reissued,
        dies_of="an ended value of payments/prod/a works",
    ),
    Mutant(
        patch=mutants.trust_what_is_at_the_path,
        story=stories.somebody_deletes_a_path,
        dies_of="nothing can be read for payments/a",
    ),
)


def told(story: Callable[[Stage], None], *, readable: bool) -> Stage:
    """Play a story to the end of all troubles."""
    stage = Stage.opened(readable=readable)
    try:
        story(stage)
        stage.holding.look()
        converge(stage)
    finally:
        for worker in stage.standing:
            worker.kill()
    return stage


@pytest.mark.parametrize("readable", [False, True])
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_rule_is_caught(
    mutant: Mutant, readable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a story that the true code survives."""
    assert told(mutant.story, readable=readable).tally["converged"] == 1
    mutant.patch(monkeypatch)
    with pytest.raises(AssertionError, match=mutant.dies_of):
        told(mutant.story, readable=readable)


@pytest.mark.parametrize(
    "patch",
    [
        mutants.retire_before_the_overlap,
        mutants.trust_a_stale_epoch,
        mutants.write_before_the_store_knows,
        mutants.destroy_the_living,
        mutants.forget_the_overlap,
        mutants.confirm_unseen,
    ],
)
def test_the_machine_finds_broken_rules_by_itself(
    patch: mutants.Patch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its fixed stories; those that want a longer chain of accidents have a story of their own."""
    patch(monkeypatch)
    only_search = settings(FIXED_STORIES, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Life, settings=only_search)
