"""YAML events to plain values: what no manifest may use is refused here, event by event.

Nothing recurses, so depth is a number that is checked, not a stack that overflows. What a plain
scalar stands for is decided in `scalars`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from reconciler.manifest.codes import Code
from reconciler.manifest.scalars import resolve
from reconciler.manifest.tree import (
    DROPPED,
    KEY_ENDS,
    UNREADABLE,
    Document,
    Mark,
    MarkedMapping,
    MarkedSequence,
    Unreadable,
    finished,
    marked_mapping,
    marked_sequence,
)

DEEPEST = 20


class EventParser(Protocol):
    """PyYAML's parsers, in C or in Python."""

    def get_event(self) -> Any:
        """Give the next event."""


Refuse = Callable[[Mark, Code, str, str], None]
"""Takes a mark, a code, a message and an advice."""


class TooDeep(Exception):
    """Reading stops here: what is nested deeper is not looked at."""


class DocumentBuilder:
    """Builds the documents of one file from its events."""

    def __init__(self, file: str, refuse: Refuse) -> None:
        """Take the file's name and what to call with each refusal."""
        self.documents: list[Document] = []
        self._file = file
        self._refuse = refuse
        self._stack: list[MarkedMapping | MarkedSequence] = []
        self._root: Any = None
        self._start: Mark | None = None
        self._last: Mark | None = None
        self._steps: dict[type, Callable[[Any], None]] = {
            ScalarEvent: self._scalar,
            MappingStartEvent: lambda event: self._open(event, marked_mapping()),
            SequenceStartEvent: lambda event: self._open(event, marked_sequence()),
            MappingEndEvent: self._close,
            SequenceEndEvent: self._close,
            AliasEvent: self._alias,
            DocumentStartEvent: self._begin,
            DocumentEndEvent: self._end,
            StreamStartEvent: lambda _event: None,
        }

    def run(self, parser: EventParser) -> None:
        """Read all events.

        Raises:
            TooDeep: something is nested too deep; the documents before it stand.
            yaml.YAMLError: the text is not YAML; the documents before it stand.
        """
        steps = self._steps
        try:
            while True:
                event = parser.get_event()
                if type(event) is StreamEndEvent:
                    return
                steps[type(event)](event)
        finally:
            self._steps = {}  # they lead back to this builder: without them it goes at once

    def _begin(self, _event: Any) -> None:
        self._stack.clear()
        self._root = self._start = self._last = None

    def _end(self, _event: Any) -> None:
        if self._root is None or self._start is None or self._last is None:
            return
        number = len(self.documents)
        whole = finished(self._file, number, self._root, start=self._start, last=self._last)
        self.documents.append(whole)

    def _scalar(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event)
        self._last = event.end_mark
        node = self._stack[-1] if self._stack else None
        if type(node) is MarkedMapping and node.pending is None:
            self._key(node, event)
            return
        value = event.value
        if event.tag is not None:
            value = UNREADABLE
        elif event.implicit[0]:
            value = resolve(value)
        if value is None and node is not None:
            value = self._refuse_null(node, event.start_mark)
        self._place(node, value, event.start_mark)

    def _key(self, node: MarkedMapping, event: Any) -> None:
        """Take the next key of a mapping, or drop it with its value where it is refused."""
        text = event.value
        node.key_mark = event.start_mark
        if text in node:
            first = node.marks[text][0].line + 1
            self._refuse(
                event.start_mark,
                Code.DUPLICATE_KEY,
                f"this key already stands at line {first}",
                "keep one of the two",
            )
            node.pending = DROPPED
        elif text == "<<" and event.implicit[0]:
            self._refuse(
                event.start_mark,
                Code.MERGE_KEY,
                "merge keys are not read",
                "write the fields out; what keys share belongs into the workspace's defaults",
            )
            node.pending = DROPPED
        else:
            node.pending = text

    def _place(self, node: MarkedMapping | MarkedSequence | None, value: Any, mark: Mark) -> None:
        """Put a value where it belongs: into the open mapping or sequence, or at the root."""
        if type(node) is MarkedMapping:
            key = node.pending
            node.pending = None
            if type(key) is str:
                node[key] = value
                node.marks[key] = (node.key_mark or mark, mark)
        elif type(node) is MarkedSequence:
            node.append(value)
            node.marks.append(mark)
        else:
            self._root, self._start = value, mark

    def _open(self, event: Any, value: MarkedMapping | MarkedSequence) -> None:
        mark = event.start_mark
        if len(self._stack) >= DEEPEST:
            self._refuse(
                mark,
                Code.TOO_DEEP,
                f"this is nested deeper than {DEEPEST} levels",
                "no manifest needs more than six levels; the rest of the file was not read",
            )
            raise TooDeep
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event)
        node = self._stack[-1] if self._stack else None
        if type(node) is MarkedMapping and node.pending is None:
            self._refuse_key(mark)
            node.pending = KEY_ENDS
        else:
            self._place(node, value, mark)
        self._stack.append(value)

    def _close(self, event: Any) -> None:
        if event.end_mark.column:
            self._last = event.end_mark
        self._stack.pop()
        node = self._stack[-1] if self._stack else None
        if type(node) is MarkedMapping and node.pending is KEY_ENDS:
            node.pending = DROPPED

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        self._last = event.end_mark
        node = self._stack[-1] if self._stack else None
        if type(node) is MarkedMapping and node.pending is None:
            self._refuse_key(mark)
            node.pending = DROPPED
            return
        if not (type(node) is MarkedMapping and node.pending is DROPPED):
            self._refuse(
                mark, Code.ALIAS, "aliases are not read", "write the value out where it is used"
            )
        self._place(node, UNREADABLE, mark)

    def _refuse_null(self, node: MarkedMapping | MarkedSequence, mark: Mark) -> Unreadable:
        """Refuse an empty value: absent and empty are not the same, least of all in allowlists."""
        if type(node) is MarkedMapping:
            if node.pending is DROPPED:
                return UNREADABLE
            mark = node.key_mark or mark
        self._refuse(
            mark,
            Code.EMPTY_VALUE,
            "there is no value here",
            "write a value, or take the whole line out",
        )
        return UNREADABLE

    def _refuse_key(self, mark: Mark) -> None:
        self._refuse(
            mark,
            Code.KEY_NOT_TEXT,
            "only plain text can be a key",
            "quote the key, or quote the value where {…} or […] was meant as text",
        )

    def _refuse_properties(self, event: Any) -> None:
        """Refuse an anchor, a tag, or both."""
        if event.anchor is not None:
            self._refuse(
                event.start_mark,
                Code.ANCHOR,
                "anchors are not read",
                "take the & and its name out, and write the value out where it is used; "
                "quote a text that starts with &",
            )
        if event.tag is not None:
            self._refuse(
                event.start_mark,
                Code.TAG,
                "tags are not read",
                "take the tag out; quote a text that starts with !",
            )
