"""Every document of every file judged, alone and together, with all problems in order.

Positions cost nothing while all is well: a document's tree is dropped once it is judged, and a
file is read again where a rule across documents refuses something in it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from reconciler.manifest.aids import UNAIDED, Aids
from reconciler.manifest.assembly import Assembly, Declaration, Known, assemble
from reconciler.manifest.declared import declared_key
from reconciler.manifest.free_text import secret_faults
from reconciler.manifest.reading import read_file
from reconciler.manifest.remembered import Memory, read_again, written
from reconciler.manifest.rules import Found, judge_together
from reconciler.manifest.schema import judge
from reconciler.manifest.schema_keys import ApiKeyWire
from reconciler.manifest.sharing import LEAST, Begun, Sharing, met
from reconciler.manifest.snippets import problems_of, source_at
from reconciler.manifest.tree import Document, Fault, Path, holds, place
from reconciler.model.source import FieldPlace, Problem, SourceRef
from reconciler.ports import ManifestFile

_AT_ONCE = 10_000
"""Files that are asked for together."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All documents of all files, and everything that is wrong with them."""

    assembly: Assembly
    problems: tuple[Problem, ...]
    """Sorted by position, each once."""


class _JudgedFile(NamedTuple):
    """What one file says by itself."""

    declarations: Sequence[Declaration]
    problems: Sequence[Problem]
    content: bytes | None
    """The same written down, where it is already."""


def judge_files(
    files: Sequence[ManifestFile],
    known: Known | None,
    aids: Aids = UNAIDED,
) -> Judgement:
    """Read and judge all files; they come in order of path. What is remembered of a file stands for
    reading it.
    """
    sharing, memory = aids.sharing, aids.memory
    judged = _judge_each(files, sharing) if memory is None else _judge_new(files, memory, sharing)
    assembly = assemble(tuple(d for one in judged for d in one.declarations), known)
    problems = [problem for one in judged for problem in one.problems]
    problems += _place(files, judge_together(assembly))
    return Judgement(assembly=assembly, problems=tuple(sorted(set(problems))))


def problems_alone(files: Sequence[ManifestFile]) -> tuple[Problem, ...]:
    """Give what is wrong with each document by itself, whatever stands beside it."""
    return tuple(sorted({problem for one in _judge_each(files) for problem in one.problems}))


@contextmanager
def read_ahead(files: Iterable[ManifestFile], aids: Aids) -> Iterator[Aids]:
    """Let another process begin to read; the aids that are given find it, within the context."""
    ordered = in_order(files)
    is_asked = aids.sharing is not None and aids.memory is None and _is_much(ordered)
    other = aids.sharing.backwards(ordered, _said) if aids.sharing and is_asked else None
    if other is None:
        yield aids
        return
    with other as arrivals:
        yield replace(aids, sharing=Begun(ordered, arrivals))


def in_order(files: Iterable[ManifestFile]) -> list[ManifestFile]:
    """Sort files by their paths."""
    return sorted(files, key=lambda file: file.path)


def _is_much(files: Iterable[ManifestFile]) -> bool:
    return sum(len(file.content) for file in files) >= LEAST


def _judge_each(files: Sequence[ManifestFile], sharing: Sharing | None = None) -> list[_JudgedFile]:
    """Read all documents and judge each alone."""
    is_asked = sharing is not None and _is_much(files)
    other = sharing.backwards(files, _said) if sharing and is_asked else None
    if other is None:
        return [_judge_file(file) for file in files]
    with other as arrivals:
        return met(files, _size, arrivals, here=_judge_file, come=_judged_before)


def _judge_new(
    files: Sequence[ManifestFile], memory: Memory, sharing: Sharing | None
) -> list[_JudgedFile]:
    """Judge those files of whose bytes nothing is known, and remember what they say."""
    judged: list[_JudgedFile] = []
    for start in range(0, len(files), _AT_ONCE):
        batch = [(_digest(file), file) for file in files[start : start + _AT_ONCE]]
        known = memory.known(list(dict(batch)))
        found = [_known(known.get(digest), file) for digest, file in batch]
        unknown = [place for place, one in enumerate(found) if one is None]
        new = _judge_each([batch[place][1] for place in unknown], sharing)
        said = zip((batch[place][0] for place in unknown), map(_written, new), strict=True)
        memory.keep({digest: content for digest, content in said if content is not None})
        rest = iter(new)
        judged += [next(rest) if one is None else one for one in found]
    return judged


def _known(content: bytes | None, file: ManifestFile) -> _JudgedFile | None:
    """Give what was written down of a file of these bytes; None where nothing was, or it cannot be
    read.
    """
    declarations = None if content is None else read_again(content, file.path)
    return None if declarations is None else _JudgedFile(declarations, (), content)


def _judged_before(file: ManifestFile, content: bytes | None) -> _JudgedFile:
    """Give what another process found in a file; where it wrote nothing down, judge it here."""
    return _known(content, file) or _judge_file(file)


def _judge_file(file: ManifestFile) -> _JudgedFile:
    reading = read_file(file)
    declarations: list[Declaration] = []
    problems = list(reading.problems)
    for document in reading.documents:
        declaration, faults = _judge_document(document, reading.text)
        declarations.append(declaration)
        problems += problems_of(document, faults, reading.text)
    return _JudgedFile(declarations, problems, None)


def _said(file: ManifestFile) -> bytes | None:
    """Judge a file and write down what it says; None where that cannot be written down."""
    return _written(_judge_file(file))


def _written(judged: _JudgedFile) -> bytes | None:
    if judged.content is not None:
        return judged.content
    return None if judged.problems else written(judged.declarations)


def _size(file: ManifestFile) -> int:
    return len(file.content)


def _digest(file: ManifestFile) -> bytes:
    """Tell a file's bytes from any others."""
    return hashlib.blake2b(file.content, digest_size=32).digest()


def locate(files: Iterable[ManifestFile], source: SourceRef, path: Path) -> SourceRef:
    """Find a field of the document that starts at `source`, by reading its file once more.

    For the places that do not travel with a key (`PLACED_FIELDS` do), such as
    `("spec", "scopes", "Webhooks")`. Where the field is absent, its nearest parent is found; where
    the document is not there any more, `source` stays.
    """
    file = next((f for f in files if f.path == source.file), None)
    for document in () if file is None else read_file(file).documents:
        if (document.line, document.column) == (source.line, source.column):
            return source_at(document, path, at_key=False)
    return source


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


def _is_about(path: Path, refused: Path) -> bool:
    """Whether a fault is of a field that is refused already, or of what holds it."""
    shorter = min(len(path), len(refused))
    return path[:shorter] == refused[:shorter]


def _place(files: Sequence[ManifestFile], found: Iterable[Found]) -> Iterator[Problem]:
    """Give faults between documents their positions, reading each file concerned once more."""
    by_file: dict[str, list[Found]] = defaultdict(list)
    for declaration, fault in found:
        if any(_is_about(fault.path, refused) for refused in declaration.refused_fields):
            continue
        by_file[declaration.source.file].append((declaration, fault))
    for file in files:
        if file.path in by_file:
            reading = read_file(file)
            for declaration, fault in by_file[file.path]:
                document = reading.documents[declaration.ordinal]
                yield from problems_of(document, (fault,), reading.text)
