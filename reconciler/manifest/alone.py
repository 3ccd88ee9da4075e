"""Each file judged by itself: here, in another process, or as it is remembered.

What depends on other files (defaults, networks, scopes, names) is judged by `judging`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Final, NamedTuple

from reconciler.manifest.aids import Aids
from reconciler.manifest.assembly import Declaration
from reconciler.manifest.declared import declared_key
from reconciler.manifest.free_text import secret_faults
from reconciler.manifest.reading import read_file
from reconciler.manifest.remembered import Memory, read_again, written
from reconciler.manifest.schema import judge
from reconciler.manifest.schema_keys import ApiKeyWire
from reconciler.manifest.sharing import LEAST, Arrivals, Begun, Sharing, met
from reconciler.manifest.snippets import problems_of, source_at
from reconciler.manifest.tree import Document, Fault, Path, holds, place
from reconciler.model.source import FieldPlace, Problem
from reconciler.ports import ManifestFile

_AT_ONCE = 4 * 1024 * 1024
"""Bytes of files that are asked for together."""

PLACED_FIELDS: Final[dict[str, Path]] = {
    ".".join(path): path
    for path in (
        ("metadata", "previousName"),
        ("spec", "environment"),
        ("spec", "expiration"),
        ("spec", "protected"),
        ("spec", "reissue"),
        ("spec", "rotation", "generation"),
        ("spec", "secret", "path"),
        ("spec", "secret", "adopt"),
    )
}
"""Fields of a key whose places travel with it, because planning may refuse a change of them."""
_PLACED_IN = {
    part: [(name, path[1], path) for name, path in PLACED_FIELDS.items() if path[0] == part]
    for part in ("metadata", "spec")
}


class JudgedFile(NamedTuple):
    """What one file says by itself."""

    declarations: Sequence[Declaration]
    problems: Sequence[Problem]
    content: bytes | None
    """The same written down, where it is already."""


def judged_alone(files: Sequence[ManifestFile], aids: Aids) -> list[JudgedFile]:
    """Read all documents and judge each alone; the files come in order of path."""
    if aids.memory is not None:
        return _judged_or_known(files, aids.memory, aids.sharing)
    return _judged(files, aids.sharing, come=_judged_elsewhere)


@contextmanager
def read_ahead(files: Sequence[ManifestFile], aids: Aids) -> Iterator[Aids]:
    """Let another process begin to read; the aids that are given find it, within the context. The
    files come in order of path.
    """
    other = _lent(files, aids.sharing) if aids.memory is None else None
    if other is None:
        yield aids
        return
    with other as arrivals:
        yield replace(aids, sharing=Begun(files, arrivals))


def in_order(files: Iterable[ManifestFile]) -> list[ManifestFile]:
    """Sort files by their paths."""
    return sorted(files, key=lambda file: file.path)


def _lent(
    files: Sequence[ManifestFile], sharing: Sharing | None
) -> AbstractContextManager[Arrivals] | None:
    """Give another process that reads them too; None where there is none, or they are few."""
    if sharing is None or sum(map(_size, files)) < LEAST:
        return None
    return sharing.backwards(files, _said)


def _judged(
    files: Sequence[ManifestFile],
    sharing: Sharing | None,
    come: Callable[[ManifestFile, bytes | None], JudgedFile],
) -> list[JudgedFile]:
    other = _lent(files, sharing)
    if other is None:
        return [_judge_file(file) for file in files]
    with other as arrivals:
        return met(files, _size, arrivals, here=_judge_file, come=come)


def _judged_or_known(
    files: Sequence[ManifestFile], memory: Memory, sharing: Sharing | None
) -> list[JudgedFile]:
    """Judge those files of whose bytes nothing is known, and remember what they say."""
    judged: list[JudgedFile] = []
    for some in _batches(files):
        batch = [(_digest(file), file) for file in some]
        known = memory.known(list(dict(batch)))
        found = [_known(known.get(digest), file) for digest, file in batch]
        unknown = [place for place, one in enumerate(found) if one is None]
        new = _judged([batch[place][1] for place in unknown], sharing, come=_judged_before)
        said = zip((batch[place][0] for place in unknown), map(_written, new), strict=True)
        memory.keep({digest: content for digest, content in said if content is not None})
        rest = iter(new)
        whole = (next(rest) if one is None else one for one in found)
        judged += [one._replace(content=None) for one in whole]
    return judged


def _batches(files: Iterable[ManifestFile]) -> Iterator[list[ManifestFile]]:
    """Give the files in batches of so many bytes, so that little is held of what they say."""
    batch: list[ManifestFile] = []
    size = 0
    for file in files:
        batch.append(file)
        size += len(file.content)
        if size >= _AT_ONCE:
            yield batch
            batch, size = [], 0
    yield batch


def _known(content: bytes | None, file: ManifestFile) -> JudgedFile | None:
    """Give what was written down of a file of these bytes; None where nothing was, or it cannot be
    read.
    """
    declarations = None if content is None else read_again(content, file.path)
    return None if declarations is None else JudgedFile(declarations, (), content)


def _judged_before(file: ManifestFile, content: bytes | None) -> JudgedFile:
    """Give what another process found in a file; where it wrote nothing down, judge it here."""
    return _known(content, file) or _judge_file(file)


def _judged_elsewhere(file: ManifestFile, content: bytes | None) -> JudgedFile:
    """Do the same, and hold no more of it than what it says."""
    return _judged_before(file, content)._replace(content=None)


def _judge_file(file: ManifestFile) -> JudgedFile:
    reading = read_file(file)
    declarations: list[Declaration] = []
    problems = list(reading.problems)
    for document in reading.documents:
        declaration, faults = _judge_document(document, reading.text)
        declarations.append(declaration)
        problems += problems_of(document, faults, reading.text)
    return JudgedFile(declarations, problems, None)


def _said(file: ManifestFile) -> bytes | None:
    """Judge a file and write down what it says; None where that cannot be written down."""
    return _written(_judge_file(file))


def _written(judged: JudgedFile) -> bytes | None:
    if judged.content is not None:
        return judged.content
    return None if judged.problems else written(judged.declarations)


def _size(file: ManifestFile) -> int:
    return len(file.content)


def _digest(file: ManifestFile) -> bytes:
    """Tell a file's bytes from any others."""
    return hashlib.blake2b(file.content, digest_size=32).digest()


def _judge_document(document: Document, text: str) -> tuple[Declaration, tuple[Fault, ...]]:
    judged = judge(document)
    refused = tuple(fault.path for fault in judged.faults)
    is_key = isinstance(judged.wire, ApiKeyWire)
    declaration = Declaration(
        refused_fields=refused,
        source=source_at(document, (), at_key=False),
        ordinal=document.ordinal,
        identity=judged.identity,
        wire=declared_key(judged.wire) if isinstance(judged.wire, ApiKeyWire) else judged.wire,
        places=_placed(document) if is_key else (),
    )
    return declaration, (*judged.faults, *secret_faults(document.tree, text))


def _placed(document: Document) -> tuple[FieldPlace, ...]:
    found: list[FieldPlace] = []
    for part, fields in _PLACED_IN.items():
        there = document.tree.get(part, ())
        found += [
            (name, *place(document, path, at_key=False))
            for name, step, path in fields
            if step in there and (len(path) == 2 or holds(document.tree, path))
        ]
    return tuple(found)
