"""Manifests from the working tree: every `.yaml` and `.yml` below the configured places.

Symbolic links are followed while they stay inside of the root. The revision comes from git where
the root is in a repository: the commit, and whether anything at the places differs from it; what
a link leads to elsewhere in the repository is not looked at.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.adapters.git_command import has_git, has_repository, run_git
from reconciler.adapters.manifest_paths import (
    SUFFIXES,
    checked_name,
    checked_places,
    is_manifest,
)
from reconciler.errors import SourceUnavailable
from reconciler.manifest.files import LARGEST_FILE
from reconciler.model.source import Revision
from reconciler.ports import ManifestFile

_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)


class DirectorySource:
    """Reads manifests as they stand in a folder now."""

    def __init__(self, root: Path, places: Sequence[str]) -> None:
        """Take the root, to which all paths are relative, and the folders and files below it."""
        self._root = root
        self._places = checked_places([_below(root, place) for place in places])

    def files(self) -> tuple[ManifestFile, ...]:
        """Give all manifest files, sorted by path.

        Raises:
            SourceUnavailable: a place is not there, cannot be read, or leads out of the root.
        """
        found: dict[str, str] = {}
        try:
            inside = _real(self._root)
            for place in self._places:
                _refuse_outside(self._root / place, inside, place)
                for path, at in _walk(str(self._root / place), place, inside, ()):
                    found[checked_name(path)] = at
            return tuple(_read(path, found[path]) for path in sorted(found))
        except OSError as error:
            raise _unavailable(error, self._root) from None

    def revision(self) -> Revision:
        """Give the commit and whether manifests differ from it; no commit outside of git.

        Raises:
            SourceUnavailable: git refuses to work here.
        """
        if not has_git() or not has_repository(self._root):
            return Revision()
        inside = run_git(self._root, ["rev-parse", "--is-inside-work-tree"])
        if inside.returncode != 0 or inside.stdout.strip() != b"true":
            return Revision()
        head = run_git(self._root, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
        if head.returncode != 0:
            return Revision(commit=None, dirty=True)
        return Revision(commit=head.stdout.decode("ascii").strip(), dirty=self._is_dirty())

    def content_id(self) -> None:
        """Only reading them tells: files change under one's hands."""

    def _is_dirty(self) -> bool:
        """Whether a manifest was changed, added, removed or is ignored by git."""
        prefix = _decoded(run_git(self._root, ["rev-parse", "--show-prefix"]).stdout).strip("\n")
        options = ["--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored"]
        answer = run_git(self._root, ["status", *options, "--", *self._places])
        if answer.returncode != 0:
            raise SourceUnavailable(
                "git cannot say whether the manifests were changed",
                advice=f"run git status in {self._root}",
            )
        entries = _decoded(answer.stdout).split("\0")
        changed = [entry[3:].removeprefix(prefix) for entry in entries if entry]
        return any(is_manifest(path, place) for path in changed for place in self._places)


def _decoded(output: bytes) -> str:
    return output.decode("utf-8", errors="surrogateescape")


def _below(root: Path, place: str) -> str:
    """Give an absolute place relative to the root, where it is below it."""
    path = Path(place)
    if path.is_absolute() and path.is_relative_to(root):
        return str(path.relative_to(root))
    return place


def _real(path: Path) -> Path:
    """Follow all links; an OSError where one leads nowhere or in a circle."""
    return Path(os.path.realpath(path, strict=True))


def _walk(at: str, name: str, inside: Path, above: tuple[Path, ...]) -> Iterator[tuple[str, str]]:
    """Give the manifests below a place by their names, each with where it is; a link to a folder
    that it stands in ends there.
    """
    if not Path(at).is_dir():
        yield name, at
        return
    real = _real(Path(at))
    if real in above:
        return
    with os.scandir(at) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        is_folder = entry.is_dir()
        if entry.name.startswith(".") or not (is_folder or entry.name.endswith(SUFFIXES)):
            continue
        path = entry.name if name == "." else f"{name}/{entry.name}"
        if entry.is_symlink():
            _refuse_outside(Path(entry.path), inside, path)
        if is_folder:
            yield from _walk(entry.path, path, inside, (*above, real))
        else:
            yield path, entry.path


def _refuse_outside(at: Path, inside: Path, name: str) -> None:
    """Refuse a place or a link that leads out of the root."""
    if not _real(at).is_relative_to(inside):
        raise SourceUnavailable(
            f"{name} leads out of the folder of keyrec.yaml",
            advice="keep manifests inside of it, or take the link away",
        )


def _read(path: str, at: str) -> ManifestFile:
    """Read a file, of one that is too large only so much that it is seen to be.

    A pipe is opened without waiting for whoever may write to it, and refused.
    """
    opened = os.open(at, _READING)
    try:
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode):
            raise SourceUnavailable(
                f"{path} is not a file", advice="keep only files of manifests there"
            )
        content = os.read(opened, min(status.st_size, LARGEST_FILE) + 1)
        while len(content) <= LARGEST_FILE and len(content) != status.st_size:
            more = os.read(opened, LARGEST_FILE)
            if not more:
                break
            content += more  # it has grown, or the system gave it in parts
    finally:
        os.close(opened)
    return ManifestFile(path=path, content=content)


def _unavailable(error: OSError, root: Path) -> SourceUnavailable:
    """Say which path cannot be read, relative to the root where it is below it."""
    path = str(error.filename or root)
    shown = os.path.relpath(path, root) if path != str(root) else path
    if isinstance(error, FileNotFoundError):
        return SourceUnavailable(
            f"there is no {shown}",
            advice="make the folder, or name another one under manifests in keyrec.yaml",
        )
    reason = (error.strerror or "it cannot be read").lower()
    return SourceUnavailable(f"{shown} cannot be read: {reason}", advice="check its permissions")
