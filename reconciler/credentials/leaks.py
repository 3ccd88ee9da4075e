"""What a scan found: keys where none should be, whose they are, and what could not be read.

The rule that lives here: what a found version still opens. A stopped key's version is not ended:
it would open again with the key. No value here holds a secret, in a file's name neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.credentials.scanning import Sighting, masked
from reconciler.errors import ExitCode
from reconciler.model.keys import KeyAddress, KeyStatus
from reconciler.model.source import SourceRef
from reconciler.model.token import ParsedToken
from reconciler.ports import StoredVersion


class Part(StrEnum):
    """Which part of a place holds a key."""

    CONTENT = "content"
    NAME = "name"
    """The name of a file or folder."""
    COMMIT = "commit"
    """The message of a commit, or the names in its head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A key that stands where it was found."""

    where: SourceRef
    token: ParsedToken
    part: Part = Part.CONTENT
    commit: str | None = None
    """The commit that added it; None outside of a git range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What could not be looked at, or not to its end, and why."""

    file: str
    reason: str


class Standing(StrEnum):
    """What a found version still opens."""

    ACCEPTED = "accepted"
    STOPPED = "stopped"
    """Its key is inactive, held or expired; the version itself has not ended."""
    ENDED = "ended"
    """Nothing, for good."""
    UNKNOWN = "unknown"
    """The store knows no such version: another installation's, or a text that was made up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundVersion:
    """A version that was found somewhere, as the store knows it."""

    version_id: str
    standing: Standing
    address: KeyAddress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """All that one scan found."""

    leaks: tuple[Leak, ...] = ()
    unread: tuple[Unread, ...] = ()
    files: int = 0
    """How many were looked at, each version of one in a range."""
    commits: int = 0
    versions: tuple[FoundVersion, ...] | None = None
    """What the store says of each found version; None where it was not asked."""

    @property
    def version_ids(self) -> tuple[str, ...]:
        """Give the versions that were found, each once."""
        return tuple(dict.fromkeys(leak.token.version_id for leak in self.leaks))

    @property
    def exit_code(self) -> ExitCode:
        """Give 2 where a key was found, else 1 where not all could be looked at."""
        if self.leaks:
            return ExitCode.CHANGES
        return ExitCode.ERROR if self.unread else ExitCode.DONE


def leaks_at(
    file: str,
    seen: Iterable[Sighting],
    *,
    part: Part = Part.CONTENT,
    commit: str | None = None,
) -> Iterator[Leak]:
    """Give what is seen in one place, as it is seen; a key in the file's name is left out of it."""
    for one in seen:
        where = SourceRef(file=masked(file), line=one.line, column=one.column)
        yield Leak(where=where, token=one.token, part=part, commit=commit)


def found_version(version_id: str, stored: StoredVersion | None, now: datetime) -> FoundVersion:
    """Say whose a found version is, and what it still opens, by the store's clock."""
    if stored is None:
        return FoundVersion(version_id=version_id, standing=Standing.UNKNOWN)
    return FoundVersion(
        version_id=version_id,
        standing=_standing(stored, now),
        address=stored.record.address,
    )


def _standing(stored: StoredVersion, now: datetime) -> Standing:
    record, version = stored.record, stored.version
    is_over = version.leaked or record.status is KeyStatus.REMOVED
    if is_over or not version.is_accepted(now):
        return Standing.ENDED
    is_stopped = record.hold is not None or not record.is_open(now)
    return Standing.STOPPED if is_stopped else Standing.ACCEPTED
