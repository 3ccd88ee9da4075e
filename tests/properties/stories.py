"""Short stories, each of which one mutant does not survive; every line is one thing that happens."""

from __future__ import annotations

from datetime import timedelta

from reconciler.errors import CommitUnknown
from tests.fakes.sink import Fate
from tests.properties import edits
from tests.properties.stage import Stage

PATH = "payments/prod/a"
LEASE_OVER, OVERLAP_OVER = timedelta(minutes=1), timedelta(hours=2)
BEFORE_BEGIN, BEFORE_WRITE, AFTER_WRITE, BEFORE_CONFIRM = 0, 2, 3, 4
"""Moments of a run that makes one secret."""


def a_key_is_there(stage: Stage) -> None:
    """Declare one key and apply."""
    edits.declare(stage, "a", PATH)
    stage.finish(stage.apply())


def a_rotation_dies_with_its_write_under_way(stage: Stage) -> None:
    """The old secret is current, the new one on its way, its run dead."""
    a_key_is_there(stage)
    edits.rotate(stage, "a")
    stage.trouble_writes(Fate.DELAYED)
    stage.kill(stage.apply(), after=AFTER_WRITE)


def an_old_write_lands_after_its_overlap(stage: Stage) -> None:
    """Another run has made another secret; the first one has ended and then arrives."""
    a_rotation_dies_with_its_write_under_way(stage)
    stage.finish(stage.apply())
    stage.world.clock.advance(OVERLAP_OVER)
    stage.finish(stage.maintenance())
    stage.land()


def an_old_write_lands_under_its_successors_hands(stage: Stage) -> None:
    """It arrives between the attempt of the next run and its write."""
    a_rotation_dies_with_its_write_under_way(stage)
    worker = stage.apply()
    stage.suspend(worker, after=BEFORE_WRITE)
    stage.land()
    stage.finish(worker)


def a_rotation_is_followed_by_maintenance(stage: Stage) -> None:
    """Long before the overlap has passed."""
    a_key_is_there(stage)
    edits.rotate(stage, "a")
    stage.finish(stage.apply())
    stage.finish(stage.maintenance())


def a_secret_leaks_before_its_confirmation(stage: Stage) -> None:
    """It is in the sink, and its run still thinks well of it."""
    a_key_is_there(stage)
    edits.rotate(stage, "a")
    worker = stage.apply()
    stage.suspend(worker, after=BEFORE_CONFIRM)
    stage.leak("a")
    stage.finish(worker)


def a_run_wakes_up_after_its_lease(stage: Stage) -> None:
    """Nobody else was there, but its time is over."""
    a_key_is_there(stage)
    edits.rotate(stage, "a")
    worker = stage.apply()
    stage.suspend(worker, after=BEFORE_BEGIN)
    stage.world.clock.advance(LEASE_OVER)
    stage.finish(worker)


def a_path_is_left_emptied_and_taken_again(stage: Stage) -> None:
    """A write that the first owner sent is under way all the time."""
    a_rotation_dies_with_its_write_under_way(stage)
    stage.finish(stage.apply())
    edits.move(stage, "a", "payments/else")
    stage.finish(stage.apply())
    stage.world.clock.advance(OVERLAP_OVER)
    stage.finish(stage.maintenance())
    edits.declare(stage, "b", PATH)
    stage.finish(stage.apply())
    stage.land()


def an_answer_of_the_store_is_lost(stage: Stage) -> None:
    """The transaction was done."""
    a_key_is_there(stage)
    edits.rotate(stage, "a")
    stage.fail_store(CommitUnknown("no answer"), after=True)
    stage.finish(stage.apply())


def a_held_key_is_reissued(stage: Stage) -> None:
    """A hold is not got round."""
    a_key_is_there(stage)
    stage.hold("a")
    edits.reissue(stage, "a")
    stage.finish(stage.apply())


def a_rotation_dies_before_its_write(stage: Stage) -> None:
    """The next run finds the path as it was."""
    a_key_is_there(stage)
    edits.rotate(stage, "a")
    stage.kill(stage.apply(), after=BEFORE_WRITE)
    stage.finish(stage.apply())


def a_key_is_reissued(stage: Stage) -> None:
    """And the overlap passes."""
    a_key_is_there(stage)
    edits.reissue(stage, "a")
    stage.finish(stage.apply())
    stage.world.clock.advance(OVERLAP_OVER)


def somebody_deletes_a_path(stage: Stage) -> None:
    """With its version count; maintenance is to mend it."""
    a_key_is_there(stage)
    stage.delete(PATH)
