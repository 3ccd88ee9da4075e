"""What commits added, or what the next one would, to be searched for keys: read from git's objects.

The rule that lives here: a commit added a key where its version of a file holds one that none of
its parents' versions of that file holds; it is told once, with the first commit. No diff is made,
so no filter, textconv or external program runs, and no attribute hides a file; nothing is fetched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import DEVNULL  # git is started by git_command

from reconciler.adapters.git_command import has_repository, run_git, started_git
from reconciler.adapters.git_source import GitSource
from reconciler.adapters.scanned_objects import (
    INCOMPLETE,
    RAW_FORM,
    Change,
    Commit,
    ObjectMissing,
    Objects,
    Told,
    changes,
    output_of,
    require_end,
)
from reconciler.credentials.leaks import Leak, Part, Unread, leaks_at
from reconciler.credentials.scanning import Sighting, masked, sightings
from reconciler.errors import SourceUnavailable, UsageError

COMMIT_NAME = "(commit message)"
_FILE_MODES = frozenset({"100644", "100755", "120000"})
"""Files and links, whose content is where they lead; a submodule is another repository."""


@dataclass(slots=True, kw_only=True)
class GitScan:
    """One look at a repository; what it could not read stands beside what it gives."""

    root: Path
    prefix: str | None = None
    files: int = 0
    commits: int = 0
    unread: list[Unread] = field(default_factory=list)
    _told: set[tuple[str, str, Part]] = field(default_factory=set)

    def range(self, name: str) -> Iterator[Leak]:
        """Search what the commits of `REV..REV` added, or all up to `REV`, oldest first.

        Raises:
            UsageError: it is no range.
            SourceUnavailable: no repository, no such revision, or it is not complete here.
        """
        before, after = _ends_of(name)
        self._require_repository("--range")
        wanted = [self._commit(after), *([f"^{self._commit(before)}"] if before else []), "--"]
        with ExitStack() as opened:
            listed = opened.enter_context(
                started_git(self.root, ["rev-list", "--reverse", *wanted], stdin=DEVNULL)
            )
            compared = opened.enter_context(
                started_git(
                    self.root,
                    ["diff-tree", "--stdin", "--root", "--always", "-c", *RAW_FORM],
                    stdin=output_of(listed),
                )
            )
            output_of(listed).close()
            yield from self._search(changes(output_of(compared)))
            require_end(listed, compared)

    def staged(self) -> Iterator[Leak]:
        """Search what the next commit would add.

        Raises:
            SourceUnavailable: no repository, or it is not complete here.
        """
        self._require_repository("--staged")
        asked = ["diff-index", "--cached", *RAW_FORM, self._tree_before(), "--"]
        with started_git(self.root, asked, stdin=DEVNULL) as compared:
            yield from self._search(changes(output_of(compared)))
            require_end(compared)

    def _require_repository(self, flag: str) -> None:
        if not has_repository(self.root):
            raise SourceUnavailable(
                f"{self.root} is not in a git repository",
                advice=f"run it in a repository, or without {flag}",
            )

    def _commit(self, name: str) -> str:
        return GitSource(self.root, (), name).revision().commit or name

    def _tree_before(self) -> str:
        """Give what the next commit is compared with: nothing, before the first one."""
        head = run_git(self.root, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
        if head.returncode != 0:
            head = run_git(self.root, ["hash-object", "-t", "tree", "--stdin"])
        return head.stdout.decode("ascii").strip()

    def _search(self, told: Iterator[Told]) -> Iterator[Leak]:
        commit: str | None = None
        with started_git(self.root, ["cat-file", "--batch"]) as process:
            objects = Objects(process)
            for one in told:
                match one:
                    case Commit():
                        commit = one.object_id
                        self.commits += 1
                        yield from self._once(self._message(objects, commit))
                    case Change() if one.mode in _FILE_MODES:
                        self.files += 1
                        yield from self._once(self._change(objects, one, commit))
                    case _:
                        continue

    def _once(self, leaks: Iterator[Leak]) -> Iterator[Leak]:
        """Leave out what an older commit added in the same place."""
        new = [k for k in leaks if (k.token.version_id, k.where.file, k.part) not in self._told]
        self._told.update((k.token.version_id, k.where.file, k.part) for k in new)
        yield from new

    def _message(self, objects: Objects, commit: str) -> Iterator[Leak]:
        """Search a commit's message, and the names in its head; lines are the message's."""
        text = b"".join(objects.pieces(commit))
        above = text.partition(b"\n\n")[0].count(b"\n") + 2
        found = (replace(s, line=max(1, s.line - above)) for s in sightings([text], self.prefix))
        return leaks_at(COMMIT_NAME, found, part=Part.COMMIT, commit=commit)

    def _change(self, objects: Objects, change: Change, commit: str | None) -> Iterator[Leak]:
        path = os.fsdecode(change.path)
        if not change.before:
            named = sightings([change.path], self.prefix)
            yield from leaks_at(path, named, part=Part.NAME, commit=commit)
        try:
            found = self._sightings(objects, change.object_id)
            old = {
                one.token.version_id
                for before in (change.before if found else ())
                for one in self._sightings(objects, before)
            }
        except ObjectMissing:
            self.unread.append(Unread(file=masked(path), reason=f"not here: {INCOMPLETE}"))
            return
        added = (one for one in found if one.token.version_id not in old)
        yield from leaks_at(path, added, commit=commit)

    def _sightings(self, objects: Objects, object_id: str) -> tuple[Sighting, ...]:
        return tuple(sightings(objects.pieces(object_id), self.prefix))


def _ends_of(name: str) -> tuple[str | None, str]:
    """Give from where on, and up to where; an end that is left out is HEAD."""
    before, dots, after = name.partition("..")
    if after.startswith("."):
        raise UsageError(
            f"{name!r} is no range.", advice="Write REV..REV, or REV for all up to it."
        )
    return (before or "HEAD", after or "HEAD") if dots else (None, name)
