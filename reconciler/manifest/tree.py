"""What a document is before the schema has judged it: plain values that know where they stand.

Mappings and sequences are `dict` and `list` with the parser's marks beside them, so that positions
cost nothing while all is well. A `Fault` names a place by its path; `place` finds its position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from reconciler.manifest.codes import Code

Path: TypeAlias = "tuple[str | int, ...]"


class Mark(Protocol):
    """A position as the parser counts it, from 0."""

    line: int
    column: int


class MarkedMapping(dict[str, Any]):
    """A mapping; for each key the marks of the key and of its value. Made by `marked_mapping`."""

    __slots__ = ("key_mark", "marks", "pending")

    marks: dict[str, tuple[Mark, Mark]]
    pending: str | _Awaiting | None
    """The key that waits for its value."""
    key_mark: Mark | None


class MarkedSequence(list[Any]):
    """A sequence with the marks of its items. Made by `marked_sequence`."""

    __slots__ = ("marks",)

    marks: list[Mark]


def marked_mapping() -> MarkedMapping:
    """Give an empty mapping; without an initialiser, which would cost every document its share."""
    made = MarkedMapping()
    made.marks = {}
    made.pending = made.key_mark = None
    return made


def marked_sequence() -> MarkedSequence:
    """Give an empty sequence."""
    made = MarkedSequence()
    made.marks = []
    return made


class _Awaiting:
    """What a mapping waits for instead of a key's value."""

    __slots__ = ()


KEY_ENDS: Final = _Awaiting()
"""The end of a key that is no scalar."""
DROPPED: Final = _Awaiting()
"""A value that is not kept, because its key was refused."""


class Unreadable:
    """Stands where something was refused; the schema says nothing more about it."""

    __slots__ = ()


UNREADABLE: Final = Unreadable()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document of a file."""

    file: str
    ordinal: int
    """Counts the documents of a file that are not empty, from 0."""
    tree: Any
    line: int
    """Where its content starts, from 1."""
    column: int
    end_line: int


def finished(file: str, ordinal: int, tree: Any, *, start: Mark, last: Mark) -> Document:
    """Put a document together whose content starts and ends at these marks."""
    return Document(
        file=file,
        ordinal=ordinal,
        tree=tree,
        line=start.line + 1,
        column=start.column + 1,
        # a block scalar ends at the start of the line after it
        end_line=last.line + 1 if last.column else max(last.line, 1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One reason to refuse a document, at a path in it."""

    path: Path
    code: Code
    message: str
    advice: str = ""
    at_key: bool = False
    """Whether the key itself is at fault, not its value."""


def place(document: Document, path: Sequence[str | int], *, at_key: bool) -> tuple[int, int]:
    """Find the line and column of a path, from 1; where it is absent, those of its parent.

    A container and an empty value are found at their key, everything else at the value.
    """
    node, line, column = document.tree, document.line, document.column
    for step in path:
        found = _marks(node, step)
        if found is None:
            break
        key_mark, value_mark = found
        node = node[step]
        named = at_key or node is None or isinstance(node, (dict, list))
        mark = key_mark if named else value_mark
        line, column = mark.line + 1, mark.column + 1
    return line, column


def holds(tree: object, path: Path) -> bool:
    """Whether there is something at a path."""
    node: Any = tree
    for step in path:
        if not isinstance(node, dict) or step not in node:
            return False
        node = node[step]
    return True


def _marks(node: object, step: str | int) -> tuple[Mark, Mark] | None:
    if isinstance(node, MarkedMapping) and isinstance(step, str):
        return node.marks.get(step)
    if isinstance(node, MarkedSequence) and isinstance(step, int) and step < len(node):
        return node.marks[step], node.marks[step]
    return None
