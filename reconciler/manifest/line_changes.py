"""Where in a file a wanted field stands, and how its line reads afterwards.

The rule that lives here: a change is only given where reading the changed file again gives the same
documents with nothing but the wanted field changed. Where the text is written in a way that this
does not know, there is none; the sentence of the advice stands without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.manifest.reading import read_file
from reconciler.manifest.tree import Document, MarkedMapping, MarkedSequence, holds, place
from reconciler.model.line_change import LineChange, WantedField
from reconciler.model.source import SourceRef
from reconciler.ports import ManifestFile

_SCALAR = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s,\[\]{}#]+")
_OTHER_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
"""What else breaks lines for YAML 1.1."""
_FLOW = {"{": "}", "[": "]"}


def line_change(
    files: Iterable[ManifestFile], source: SourceRef, wanted: WantedField
) -> LineChange | None:
    """Give the change of the document at `source`; None where none is known to be right."""
    file = next((f for f in files if f.path == source.file), None)
    if file is None:
        return None
    reading = read_file(file)
    starts = (source.line, source.column)
    document = next((d for d in reading.documents if (d.line, d.column) == starts), None)
    if reading.problems or document is None or _OTHER_BREAK.search(reading.text):
        return None
    lines = [line.rstrip("\r") for line in reading.text.split("\n")]
    change = _Page(document=document, lines=lines).change(wanted)
    if change is None or not _is_right(file, change, document, wanted):
        return None
    return change


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A document and the lines of its file."""

    document: Document
    lines: list[str]

    def change(self, wanted: WantedField) -> LineChange | None:
        """Give the change; whether it is right is not asked here."""
        if wanted.is_entry:
            if holds(self.document.tree, wanted.path):
                return self._added(wanted.path, (wanted.text,), wanted.text)
            entries = (*wanted.beside, wanted.text)
            listed = f"{wanted.path[-1]}: [{', '.join(entries)}]"
            block = (f"{wanted.path[-1]}:", *(f"  - {entry}" for entry in entries))
            return self._added(wanted.path[:-1], block, listed)
        return self._set(wanted.path, wanted.text)

    def _set(self, path: tuple[str, ...], text: str) -> LineChange | None:
        *parent, name = path
        if holds(self.document.tree, path):
            return self._replaced(path, text)
        if holds(self.document.tree, tuple(parent)):
            return self._added(tuple(parent), (f"{name}: {text}",), f"{name}: {text}")
        *above, container = parent
        block = (f"{container}:", f"  {name}: {text}")
        return self._added(tuple(above), block, f"{container}: {{{name}: {text}}}")

    def _replaced(self, path: tuple[str, ...], text: str) -> LineChange:
        """Write another scalar in place of the one that stands there."""
        line, column = place(self.document, path, at_key=False)
        before = self.lines[line - 1]
        rest = _SCALAR.sub(lambda _: text, before[column - 1 :], count=1)
        after = f"{before[: column - 1]}{rest}"
        return LineChange(where=self._at(line, column), before=before, after=(after,))

    def _added(
        self, container: tuple[str, ...], block: tuple[str, ...], flow: str
    ) -> LineChange | None:
        """Put something first into a container, in the style in which that is written."""
        line, column = place(self.document, container, at_key=True)
        before = self.lines[line - 1]
        opening = re.compile(r"[^:\s]+:\s*([{\[]?)\s*").match(before, column - 1)
        if opening is None:
            return None
        if opening[1]:
            rest = before[opening.end() :]
            comma = "" if rest.startswith(_FLOW[opening[1]]) else ", "
            after = f"{before[: opening.end()]}{flow}{comma}{rest}"
            return LineChange(where=self._at(line, column), before=before, after=(after,))
        return self._above_first(container, block)

    def _above_first(self, container: tuple[str, ...], block: tuple[str, ...]) -> LineChange | None:
        """Put lines above the first ones of a container in block style."""
        node = self.document.tree
        for step in container:
            node = node[step]
        first = next(_first_marks(node), None)
        if first is None:
            return None
        standing = self.lines[first]
        indent = standing[: len(standing) - len(standing.lstrip())]
        dash = "- " if isinstance(node, MarkedSequence) else ""
        after = tuple(f"{indent}{dash}{line}" for line in block)
        return LineChange(where=self._at(first + 1, len(indent) + 1), before=None, after=after)

    def _at(self, line: int, column: int) -> SourceRef:
        return SourceRef(file=self.document.file, line=line, column=column)


def _first_marks(node: Any) -> Iterator[int]:
    """Give the lines, from 0, on which the parts of a container begin."""
    if isinstance(node, MarkedMapping):
        yield from (key.line for key, _ in node.marks.values())
    if isinstance(node, MarkedSequence):
        yield from (mark.line for mark in node.marks)


def _is_right(
    file: ManifestFile, change: LineChange, document: Document, wanted: WantedField
) -> bool:
    """Whether the changed file says what is wanted, and all else as before."""
    lines = file.content.decode("utf-8", errors="surrogateescape").split("\n")
    at = change.where.line - 1
    lines[at : at if change.before is None else at + 1] = change.after
    content = "\n".join(lines).encode("utf-8", errors="surrogateescape")
    then = read_file(ManifestFile(path=file.path, content=content))
    if then.problems:
        return False
    before = [_plain(d.tree) for d in read_file(file).documents]
    before[document.ordinal] = _with(before[document.ordinal], wanted)
    return before == [_plain(d.tree) for d in then.documents]


def _with(tree: Any, wanted: WantedField) -> Any:
    """Give a document with the wanted field, as plain values."""
    *parent, name = wanted.path
    node = tree
    for step in parent:
        node = node.setdefault(step, {})
    if wanted.is_entry:
        standing = node.get(name)
        node[name] = (
            [*map(_value, wanted.beside), _value(wanted.text)]
            if standing is None
            else [_value(wanted.text), *standing]
        )
    else:
        node[name] = _value(wanted.text)
    return tree


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _value(text: str) -> Any:
    """Read one scalar, or a reference to a network, as a document has it."""
    reading = read_file(ManifestFile(path="", content=f"value: {text}\n".encode()))
    return None if reading.problems else _plain(reading.documents[0].tree)["value"]
