"""The one form of JSON that commands write.

Compatibility: sorted keys, two spaces, pure ASCII (so no text in it can steer a terminal), a line
break at the end: the same values give the same bytes. A minor version adds, a major one breaks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from reconciler.errors import ExitCode
from reconciler.model.source import SourceRef

FORMAT_VERSION = "1.1"


def json_text(document: Mapping[str, object]) -> str:
    """Write a document."""
    return ascii_json(document)


def ascii_json(value: object) -> str:
    """Write any value; `##[` and DEL only occur inside strings and are escaped there."""
    text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False)
    return text.replace("##", "#\\u0023").replace("\x7f", "\\u007f") + "\n"


def json_parts(document: Mapping[str, object]) -> Iterator[str]:
    """Write a document part by part, in the bytes of `json_text`: a list in it that is given as an
    iterator is never there as a whole.
    """
    begin = "{\n  "
    for name in sorted(document):
        value = document[name]
        yield f"{begin}{_indented(name, '')}: "
        if isinstance(value, Iterator):
            yield from _list_parts(value)
        else:
            yield _indented(value, "  ")
        begin = ",\n  "
    yield "\n}\n"


def _list_parts(items: Iterator[object]) -> Iterator[str]:
    begin, end = "[\n    ", "[]"
    for item in items:
        yield f"{begin}{_indented(item, '    ')}"
        begin, end = ",\n    ", "\n  ]"
    yield end


def _indented(value: object, margin: str) -> str:
    return ascii_json(value)[:-1].replace("\n", f"\n{margin}")


def exit_words(code: ExitCode) -> dict[str, object]:
    """Give an exit code as number and as word."""
    return {"exit_code": int(code), "exit": code.name.lower()}


def source_document(source: SourceRef | None) -> dict[str, object] | None:
    """Give a place in a manifest."""
    if source is None:
        return None
    return {
        "file": source.file,
        "line": source.line,
        "column": source.column,
        "end_line": source.end_line,
    }
