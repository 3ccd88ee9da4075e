"""Every document of every file judged, alone and together, with all problems in order.

Positions cost nothing while all is well: a document's tree is dropped once it is judged, and a
file is read again where a rule across documents refuses something in it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.manifest.assembly import Assembly, Declaration, Known, assemble
from reconciler.manifest.declared import declared_key
from reconciler.manifest.free_text import secret_faults
from reconciler.manifest.reading import read_file
from reconciler.manifest.remembered import Memory, read_again, written
from reconciler.manifest.rules import Found, judge_together
from reconciler.manifest.schema import judge
from reconciler.manifest.schema_keys import ApiKeyWire
from reconciler.manifest.snippets import problems_of, source_at
from reconciler.manifest.tree import Document, Fault, Path, holds, place
from reconciler.model.source import FieldPlace, Problem, SourceRef
from reconciler.ports import ManifestFile

_AT_ONCE = 2000
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


def judge_files(
    files: Sequence[ManifestFile], known: Known | None, memory: Memory | None = None
) -> Judgement:
    """Read and judge all files; they come in order of path. What `memory` holds of a file stands
    for reading it.
    """
    declarations, problems = _judge_each(files) if memory is None else _judge_new(files, memory)
    assembly = assemble(tuple(declarations), known)
    problems += _place(files, judge_together(assembly))
    return Judgement(assembly=assembly, problems=tuple(sorted(set(problems))))


def problems_alone(files: Sequence[ManifestFile]) -> tuple[Problem, ...]:
    """Give what is wrong with each document by itself, whatever stands beside it."""
    return tuple(sorted(set(_judge_each(files)[1])))


def _judge_each(files: Sequence[ManifestFile]) -> tuple[list[Declaration], list[Problem]]:
    """Read all documents and judge each alone."""
    declarations: list[Declaration] = []
    problems: list[Problem] = []
    for file in files:
        found, wrong = _judge_file(file)
        declarations += found
        problems += wrong
    return declarations, problems


def _judge_file(file: ManifestFile) -> tuple[list[Declaration], list[Problem]]:
    reading = read_file(file)
    declarations: list[Declaration] = []
    problems = list(reading.problems)
    for document in reading.documents:
        declaration, faults = _judge_document(document, reading.text)
        declarations.append(declaration)
        problems += problems_of(document, faults, reading.text)
    return declarations, problems


def _judge_new(
    files: Sequence[ManifestFile], memory: Memory
) -> tuple[list[Declaration], list[Problem]]:
    """Judge those files of whose bytes nothing is known, and remember what they say."""
    declarations: list[Declaration] = []
    problems: list[Problem] = []
    for start in range(0, len(files), _AT_ONCE):
        batch = [(_digest(file), file) for file in files[start : start + _AT_ONCE]]
        known, new = memory.known(list(dict(batch))), {}
        for digest, file in batch:
            found = read_again(known[digest], file.path) if digest in known else None
            if found is None:
                judged, wrong = _judge_file(file)
                said = None if wrong else written(judged)
                if said is not None:
                    new[digest] = said
                declarations += judged
                problems += wrong
            else:
                declarations += found
        memory.keep(new)
    return declarations, problems


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
