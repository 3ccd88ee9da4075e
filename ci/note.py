"""The one comment of a plan on a pull or merge request: found by its marker, kept up to date.

The first line is keyrec's marker, one for each set of environments. The last line is ours and
holds what an apply after the merge asks for: which commit was planned, with which result. Only
comments of the job's own account count, whatever anybody else writes into theirs.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ci.http_api import ATTEMPTS, ApiTrouble, asked_wait, is_passing

MARKER = re.compile(r"<!-- keyrec:[A-Za-z0-9+_.-]{1,1000} -->")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_RUN = re.compile(
    r"<!-- keyrec-run head=(?P<head>[0-9a-f]*) code=(?P<code>[0-9]{1,3})"
    r" digest=(?P<digest>[0-9a-z:]*) place=(?P<place>[A-Za-z0-9_.~%/-]*) -->"
)
_CUT = "\n\n… the rest did not fit; the job's summary and its artifact have the whole plan.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Which plan a comment shows."""

    head: str
    """The last commit of the request's own branch."""
    code: int
    digest: str
    place: str
    """Folder and configuration, so that two of one repository are told apart."""

    def __str__(self) -> str:
        """Give the last line of a comment."""
        head = self.head if COMMIT.fullmatch(self.head) else ""
        digest = self.digest if DIGEST.fullmatch(self.digest) else ""
        return (
            f"<!-- keyrec-run head={head} code={self.code} digest={digest}"
            f" place={_quoted(self.place)} -->"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One comment of the job's own account."""

    number: int
    body: str

    @property
    def marker(self) -> str:
        """Give the marker in its first line, empty where there is none."""
        first = self.body.partition("\n")[0].strip()
        return first if MARKER.fullmatch(first) else ""

    @property
    def run(self) -> Run | None:
        """Give what its last line says."""
        found = _RUN.fullmatch(self.body.rstrip().rpartition("\n")[2])
        if found is None:
            return None
        return Run(
            head=found["head"],
            code=int(found["code"]),
            digest=found["digest"],
            place=urllib.parse.unquote(found["place"]),
        )


class Notes(Protocol):
    """The comments of one request."""

    @property
    def longest(self) -> int:
        """Give how many characters a comment may have."""

    def harmless(self, body: str) -> str:
        """Give a body that is text to the forge and no command."""

    def own(self) -> Iterator[Note]:
        """Give those of the job's own account, oldest first; raises ApiTrouble."""

    def create(self, body: str) -> None:
        """Make one; raises ApiTrouble."""

    def update(self, number: int, body: str) -> None:
        """Change one; raises ApiTrouble."""

    def rest(self, attempt: int, asked: float | None = None) -> None:
        """Wait before another attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the comment should say."""

    text: str
    """keyrec's Markdown with the marker in its first line; without one where no plan came out."""
    run: Run
    is_quiet: bool
    """Whether there is nothing to say, so that no comment is made for it."""

    @property
    def marker(self) -> str:
        """Give the marker, empty where no plan came out."""
        return Note(number=0, body=self.text).marker


def keep(notes: Notes, wanted: Wanted) -> str:
    """Bring the comment up to date; what was done, in one word.

    Raises:
        ApiTrouble: the forge did not let us.
    """
    for attempt in range(ATTEMPTS):
        there = kept(notes, wanted.marker, wanted.run.place)
        if there is None and (wanted.is_quiet or not wanted.marker):
            return "none"
        try:
            return _written(notes, wanted, there)
        except ApiTrouble as trouble:
            # Whether it was made is not known: look again before another one is made.
            if not is_passing(trouble) or attempt == ATTEMPTS - 1:
                raise
            notes.rest(attempt, asked_wait(trouble))
    raise AssertionError("unreachable")


def _written(notes: Notes, wanted: Wanted, there: Note | None) -> str:
    marker = there.marker if there else wanted.marker
    body = notes.harmless(fitted(wanted, marker, notes.longest))
    if there is None:
        notes.create(body)
        return "created"
    if there.body.replace("\r\n", "\n").rstrip() == body.rstrip():
        return "unchanged"
    notes.update(there.number, body)
    return "updated"


def fitted(wanted: Wanted, marker: str, longest: int) -> str:
    """Give the whole comment, cut where the forge would refuse it; first and last line stay."""
    text = wanted.text.strip("\n")
    if not wanted.marker:
        text = f"{marker}\n{text}"
    last = f"\n\n{wanted.run}\n"
    if len(text) + len(last) > longest:
        text = text[: longest - len(last) - len(_CUT)] + _CUT
    return text + last


def kept(notes: Notes, marker: str, place: str) -> Note | None:
    """Give the comment that is kept up to date, the first that fits: later ones say nothing.

    Without a marker, any that shows a plan of this place.

    Raises:
        ApiTrouble: the forge did not let us look.
    """
    return next((note for note in notes.own() if _fits(note, marker, place)), None)


def _fits(note: Note, marker: str, place: str) -> bool:
    run = note.run
    if not marker:
        return bool(note.marker) and run is not None and run.place == place
    return note.marker == marker and (run is None or run.place == place)


def _quoted(text: str) -> str:
    return urllib.parse.quote(text).replace("--", "%2D%2D")
