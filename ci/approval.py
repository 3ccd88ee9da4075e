"""Which plan was approved: what the comment of the merged request shows for its last commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ci.keyrec_program import Ended
from ci.note import COMMIT, DIGEST, Notes, kept


class NotApproved(Exception):
    """Nothing says that this plan was reviewed, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose approval is looked for."""

    marker: str
    place: str
    head: str
    """The last commit of the merged branch."""


def the_merged(requests: Iterable[Mapping[str, Any]], commit: str) -> Mapping[str, Any]:
    """Give the one request that the commit is the merge of.

    Raises:
        NotApproved: there is none, or more than one.
    """
    found = list(requests)
    if len(found) != 1:
        raise NotApproved(f"the commit {commit[:12]} is not the merge of one request")
    return found[0]


def approved_digest(notes: Notes, asked: Asked) -> str:
    """Give the digest that was shown for the last commit of the merged request.

    Raises:
        NotApproved: there is no such comment, or it shows another commit or no plan.
        ApiTrouble: the forge did not let us look.
    """
    note = kept(notes, asked.marker, asked.place) if asked.marker else None
    run = note.run if note else None
    if run is None:
        raise NotApproved("the merged request has no comment of a plan for this configuration")
    if run.head != asked.head or not COMMIT.fullmatch(run.head):
        raise NotApproved("the comment of the merged request shows the plan of another commit")
    if run.code not in {Ended.DONE, Ended.CHANGES} or not DIGEST.fullmatch(run.digest):
        raise NotApproved("the comment of the merged request shows no plan that could be applied")
    return run.digest
