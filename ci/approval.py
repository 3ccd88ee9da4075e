"""Which plan was approved: what the comment of the merged request shows for its last commit."""

from __future__ import annotations

from dataclasses import dataclass

from ci.keyrec_program import Ended
from ci.note import DIGEST, Notes


class NotApproved(Exception):
    """Nothing says that this plan was reviewed, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose approval is looked for."""

    marker: str
    place: str
    head: str
    """The last commit of the merged branch."""


def approved_digest(notes: Notes, asked: Asked) -> str:
    """Give the digest that was shown for the last commit of the merged request.

    Raises:
        NotApproved: there is no such comment, or it shows another commit or no plan.
        ApiTrouble: the forge did not let us look.
    """
    runs = [
        note.run
        for note in notes.own()
        if note.run and note.marker == asked.marker and note.run.place == asked.place
    ]
    if not runs:
        raise NotApproved("the merged request has no comment of a plan for this configuration")
    run = runs[-1]
    if run.head != asked.head:
        raise NotApproved("the comment of the merged request shows the plan of another commit")
    if run.code not in {Ended.DONE, Ended.CHANGES} or not DIGEST.fullmatch(run.digest):
        raise NotApproved("the comment of the merged request shows no plan that could be applied")
    return run.digest
