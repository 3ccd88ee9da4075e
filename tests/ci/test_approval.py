"""Whose word counts as an approval: the one comment that is kept up to date, for the merged head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from ci.approval import Asked, NotApproved, approved_digest, the_merged
from ci.note import Note, Run, Wanted, fitted, keep

HEAD = "1" * 40
SHOWN, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
MARKER = "<!-- keyrec:all -->"
ASKED = Asked(marker=MARKER, place="./keyrec.yaml", head=HEAD)


@dataclass
class FakeNotes:
    """The comments of the job's own account."""

    bodies: list[str] = field(default_factory=list)
    longest: int = 60_000

    def harmless(self, body: str) -> str:
        """Give it as it is."""
        return body

    def own(self) -> Iterator[Note]:
        """Give them, oldest first."""
        return (Note(number=n, body=body) for n, body in enumerate(self.bodies))

    def create(self, body: str) -> None:
        """Add one."""
        self.bodies.append(body)

    def update(self, number: int, body: str) -> None:
        """Change one."""
        self.bodies[number] = body

    def rest(self, attempt: int, asked: float | None = None) -> None:
        """Lose no time."""


def wanted(digest: str = SHOWN, head: str = HEAD, text: str = f"{MARKER}\n1 change") -> Wanted:
    """Give what a job that plans wants to show."""
    run = Run(head=head, code=2, digest=digest, place="./keyrec.yaml")
    return Wanted(text=text, run=run, is_quiet=False)


def body(digest: str = SHOWN, head: str = HEAD) -> str:
    """Give the comment that shows it."""
    return fitted(wanted(digest, head), MARKER, 60_000)


def test_the_comment_that_is_kept_counts_and_no_later_one() -> None:
    """What is written over at every push is what a reader sees; a copy below it says nothing."""
    notes = FakeNotes([body(OTHER)])
    assert keep(notes, wanted()) == "updated"
    notes.create(body(OTHER))
    assert approved_digest(notes, ASKED) == SHOWN


@pytest.mark.parametrize(
    ("text", "asked", "words"),
    [
        (body(head=""), Asked(marker=MARKER, place="./keyrec.yaml", head=""), "another commit"),
        (body(), Asked(marker="", place="./keyrec.yaml", head=HEAD), "no comment"),
        (body(), Asked(marker=MARKER, place="other/keyrec.yaml", head=HEAD), "no comment"),
        (f"{MARKER}\nwithout a last line", ASKED, "no comment"),
        (f"quoted:\n{body()}", ASKED, "no comment"),
        (f"{body()}\nand more", ASKED, "no comment"),
        (body(digest=""), ASKED, "no plan that could be applied"),
    ],
)
def test_anything_less_than_a_whole_comment_of_that_commit_is_none(
    text: str, asked: Asked, words: str
) -> None:
    """No commit is not the same commit as none, and no marker is none that fits."""
    with pytest.raises(NotApproved, match=words):
        approved_digest(FakeNotes([text]), asked)


def test_a_commit_is_the_merge_of_exactly_one_request() -> None:
    """Of two, nobody knows whose reviewers saw what."""
    assert the_merged([{"number": 12}], HEAD) == {"number": 12}
    for found in ([], [{"number": 12}, {"number": 13}]):
        with pytest.raises(NotApproved, match="not the merge of one"):
            the_merged(found, HEAD)
