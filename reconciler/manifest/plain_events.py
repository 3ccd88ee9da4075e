"""The short way through a file in which nothing is unusual: one loop over the parser's events.

The rule that lives here: only what is certainly right is read. At the first thing that might be
refused (an anchor, a tag, an alias, a key that stands twice or is no text, an empty value, deep
nesting) the reading is given up, and `events` reads the file again and says what is wrong. Both
give the same documents; a property test holds that.
"""

from __future__ import annotations

from typing import Any

from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.manifest.events import DEEPEST, EventParser
from reconciler.manifest.scalars import resolve
from reconciler.manifest.tree import (
    Document,
    Mark,
    MarkedMapping,
    MarkedSequence,
    finished,
    marked_mapping,
    marked_sequence,
)


class Unusual(Exception):
    """Something that has to be looked at closely."""


def read_plain(file: str, parser: EventParser) -> list[Document]:  # noqa: C901, PLR0912, PLR0915 - one loop: a call for each of thirty events would cost more than what it does
    """Read all documents of a file.

    Raises:
        Unusual: it has to be read by `events.DocumentBuilder`.
        yaml.YAMLError: the text is not YAML.
    """
    documents: list[Document] = []
    stack: list[Any] = []
    node: Any = None
    root: Any = None
    start: Mark | None = None
    last: Any = None
    get = parser.get_event
    while True:
        event = get()
        kind = type(event)
        if kind is ScalarEvent:
            if event.anchor is not None or event.tag is not None:
                raise Unusual
            last, mark, value = event.end_mark, event.start_mark, event.value
            is_key = type(node) is MarkedMapping and node.pending is None
            if is_key:
                if value in node or value == "<<":
                    raise Unusual
                node.pending, node.key_mark = value, mark
                continue
            if event.implicit[0]:
                value = resolve(value)
                if value is None:
                    if node is None:
                        continue
                    raise Unusual
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            is_odd_key = type(node) is MarkedMapping and node.pending is None
            if event.anchor is not None or event.tag is not None or is_odd_key:
                raise Unusual
            if len(stack) >= DEEPEST:
                raise Unusual
            value = marked_mapping() if kind is MappingStartEvent else marked_sequence()
            mark = event.start_mark
            stack.append(node)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            if event.end_mark.column:
                last = event.end_mark
            node = stack.pop()
            continue
        elif kind is DocumentEndEvent:
            if root is not None and start is not None:
                documents.append(finished(file, len(documents), root, start=start, last=last))
            node = root = start = last = None
            continue
        elif kind is StreamEndEvent:
            return documents
        elif kind is AliasEvent:
            raise Unusual
        else:
            continue
        if type(node) is MarkedMapping:
            waiting: Any = node.pending  # a key of text: all else was unusual
            node.pending = None
            node[waiting] = value
            node.marks[waiting] = (node.key_mark or mark, mark)
        elif type(node) is MarkedSequence:
            node.append(value)
            node.marks.append(mark)
        else:
            root, start = value, mark
        if kind is not ScalarEvent:
            node = value
