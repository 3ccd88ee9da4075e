"""Every document of every file judged, alone and together, with all problems in order.

Positions cost nothing while all is well: a document's tree is dropped once it is judged, and a
file is read again where a rule across documents refuses something in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.manifest.aids import UNAIDED, Aids
from reconciler.manifest.alone import judged_alone
from reconciler.manifest.assembly import Assembly, Declaration, Known, assemble
from reconciler.manifest.reading import read_file
from reconciler.manifest.rules import Found, judge_together
from reconciler.manifest.snippets import problems_of, source_at
from reconciler.manifest.tree import Path
from reconciler.model.source import Problem, SourceRef
from reconciler.ports import ManifestFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All documents of all files, and everything that is wrong with them."""

    assembly: Assembly
    problems: tuple[Problem, ...]
    """Sorted by position, each once."""


def judge_files(
    files: Sequence[ManifestFile],
    known: Known | None,
    aids: Aids = UNAIDED,
) -> Judgement:
    """Read and judge all files; they come in order of path. What is remembered of a file stands for
    reading it.
    """
    declarations, problems = _alone(files, aids)
    assembly = assemble(declarations, known)
    problems += _place(files, judge_together(assembly))
    return Judgement(assembly=assembly, problems=tuple(sorted(set(problems))))


def _alone(
    files: Sequence[ManifestFile], aids: Aids
) -> tuple[tuple[Declaration, ...], list[Problem]]:
    judged = judged_alone(files, aids)
    problems = [problem for one in judged for problem in one.problems]
    return tuple(d for one in judged for d in one.declarations), problems


def problems_alone(files: Sequence[ManifestFile]) -> tuple[Problem, ...]:
    """Give what is wrong with each document by itself, whatever stands beside it."""
    return tuple(sorted(set(_alone(files, UNAIDED)[1])))


def locate(files: Iterable[ManifestFile], source: SourceRef, path: Path) -> SourceRef:
    """Find a field of the document that starts at `source`, by reading its file once more.

    For the places that do not travel with a key (`alone.PLACED_FIELDS` do), such as
    `("spec", "scopes", "Webhooks")`. Where the field is absent, its nearest parent is found; where
    the document is not there any more, `source` stays.
    """
    file = next((f for f in files if f.path == source.file), None)
    for document in () if file is None else read_file(file).documents:
        if (document.line, document.column) == (source.line, source.column):
            return source_at(document, path, at_key=False)
    return source


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
