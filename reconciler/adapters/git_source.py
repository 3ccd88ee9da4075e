"""Manifests from a git revision, read from git's objects: no checkout, no working tree.

The files are those that `directory_source` would find in a checkout of the revision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git_command import has_repository, run_git
from reconciler.adapters.manifest_paths import checked_name, checked_places, is_manifest
from reconciler.errors import SourceUnavailable
from reconciler.manifest.files import LARGEST_FILE
from reconciler.model.source import Revision
from reconciler.ports import ManifestFile

_LINK = "120000"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One file or folder of a tree."""

    path: str
    kind: str
    mode: str
    object_id: str


class GitSource:
    """Reads manifests as one commit holds them."""

    def __init__(self, root: Path, places: Sequence[str], revision: str) -> None:
        """Take the root, to which all paths are relative, the places below it, the revision."""
        self._root = root
        self._places = checked_places(places)
        self._name = revision
        self._commit: str | None = None

    def files(self) -> tuple[ManifestFile, ...]:
        """Give all manifest files of the revision, sorted by path.

        Raises:
            SourceUnavailable: no repository, no such revision, no such place in it, or a link.
        """
        blobs: dict[str, _Entry] = {}
        for place in self._places:
            found = [entry for entry in self._entries("-r", [place]) if entry.kind == "blob"]
            if not found:
                raise SourceUnavailable(
                    f"there is no {place} at revision {self._name}",
                    advice="name another folder under manifests in keyrec.yaml, "
                    "or another revision",
                )
            blobs.update({b.path: b for b in found if is_manifest(b.path, place)})
        ordered = [_plain(blobs[path]) for path in sorted(blobs)]
        self._refuse_large(ordered)
        contents = self._contents([blob.object_id for blob in ordered])
        return tuple(
            ManifestFile(path=checked_name(blob.path), content=content)
            for blob, content in zip(ordered, contents, strict=True)
        )

    def revision(self) -> Revision:
        """Give the commit; it cannot differ from itself.

        Raises:
            SourceUnavailable: no repository, or no such revision.
        """
        return Revision(commit=self._resolved(), dirty=False)

    def content_id(self) -> str | None:
        """Give modes and ids of trees and files at the places: a file and a link may have one id.

        None where `files` will refuse a place, and where `.`, which no tree names, is not alone.
        """
        found = self._entries("-t", self._places)  # -t: a place may hold another one
        if self._places != (".",):
            there = {entry.path: entry for entry in found if _is_place(entry)}
            if not there.keys() >= set(self._places):
                return None
            found = [there[place] for place in self._places]
        told = (f"{entry.mode} {entry.object_id} {entry.path}" for entry in found)
        return "\0".join((*self._places, "", *told)) if found else None

    def _resolved(self) -> str:
        """Find the commit once; a branch that moves meanwhile does not matter."""
        if self._commit is None:
            self._commit = self._resolve()
        return self._commit

    def _resolve(self) -> str:
        name = self._name
        if not name or name.startswith("-") or not name.isprintable():
            raise SourceUnavailable(
                f"{name!a} is not a revision", advice="name a commit, a branch or a tag"
            )
        if not has_repository(self._root):
            raise SourceUnavailable(
                f"{self._root} is not in a git repository",
                advice="run it in a repository, or without --revision",
            )
        asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
        answer = run_git(self._root, asked)
        if answer.returncode != 0:
            raise SourceUnavailable(
                f"there is no revision {name}",
                advice="fetch it first, or name another commit, branch or tag",
            )
        return answer.stdout.decode("ascii").strip()

    def _entries(self, how: str, places: Sequence[str]) -> list[_Entry]:
        """List what stands at places or (`-r`) all below them, by paths relative to the root."""
        where = [] if "." in places else ["--", *places]
        answer = run_git(self._root, ["ls-tree", how, "-z", self._resolved(), *where])
        if answer.returncode != 0:
            raise SourceUnavailable(
                f"git cannot list revision {self._name}", advice="run git fsck, or fetch it again"
            )
        return list(_parse_tree(answer.stdout))

    def _refuse_large(self, blobs: Sequence[_Entry]) -> None:
        """Ask for sizes before anything is read; what is missing is told by the reading."""
        asked = "".join(f"{blob.object_id}\n" for blob in blobs).encode("ascii")
        told = run_git(self._root, ["cat-file", "--batch-check=%(objectsize)"], stdin=asked)
        for blob, size in zip(blobs, told.stdout.split(b"\n"), strict=False):
            if size.isdigit() and int(size) > LARGEST_FILE:
                raise SourceUnavailable(
                    f"{checked_name(blob.path)} at revision {self._name} is too large",
                    advice="a manifest file holds at most 1 MiB: split it",
                )

    def _contents(self, object_ids: Sequence[str]) -> Iterator[bytes]:
        """Read all blobs in one run of git."""
        asked = "".join(f"{object_id}\n" for object_id in object_ids).encode("ascii")
        output = run_git(self._root, ["cat-file", "--batch"], stdin=asked).stdout if asked else b""
        offset = 0
        for object_id in object_ids:
            end = output.find(b"\n", offset)
            header = output[offset:end].split(b" ")
            if end < 0 or len(header) != 3 or header[1] != b"blob":
                raise SourceUnavailable(
                    f"revision {self._name} is not complete here: {object_id} is missing",
                    advice="fetch it in full, without --filter",
                )
            size = int(header[2])
            yield output[end + 1 : end + 1 + size]
            offset = end + 1 + size + 1


def _parse_tree(output: bytes) -> Iterator[_Entry]:
    """Read entries of mode, type, id and path."""
    for entry in output.split(b"\0"):
        if entry:
            head, _, path = entry.partition(b"\t")
            mode, kind, object_id = head.decode("ascii").split(" ")
            name = path.decode("utf-8", errors="surrogateescape")
            yield _Entry(path=name, kind=kind, mode=mode, object_id=object_id)


def _is_place(entry: _Entry) -> bool:
    """Whether it is a file or a folder, not a link or a submodule."""
    return entry.kind in {"blob", "tree"} and entry.mode != _LINK


def _plain(blob: _Entry) -> _Entry:
    """Refuse a link: its content is a path, and nothing is followed outside of a checkout."""
    if blob.mode == _LINK:
        raise SourceUnavailable(
            f"{blob.path} is a symbolic link, which is not followed in a git revision",
            advice="put the file itself there",
        )
    return blob
