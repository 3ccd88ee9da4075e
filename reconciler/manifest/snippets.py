"""How manifests are quoted in messages: one line, printable, without anything secret.

Positions are turned into problems here. Lines are counted as YAML 1.1 counts them: NEL, LS and PS
break lines too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.manifest.codes import Code
from reconciler.manifest.secret_text import looks_secret, redacted
from reconciler.manifest.tree import Document, Fault, place
from reconciler.model.source import Problem, SourceRef

UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    "|[\u202a-\u202e\u2066-\u2069]"
)
"""What YAML forbids, and the marks that make a line read in another order than it is."""

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_LONGEST_LINE = 160
_LONGEST_QUOTE = 60


def position(text: str, offset: int) -> tuple[int, int]:
    """Give line and column, from 1, of an offset into the text."""
    line, start = 1, 0
    for match in _BREAK.finditer(text, 0, offset):
        line, start = line + 1, match.end()
    return line, offset - start + 1


def line_of(text: str, line: int) -> str:
    """Give one line for people: redacted, printable, not too long."""
    lines = _BREAK.split(text)
    raw = lines[line - 1] if 0 < line <= len(lines) else ""
    return _shortened(printable(redacted(raw.rstrip())), _LONGEST_LINE)


def printable(text: str) -> str:
    """Give the text with everything that cannot be seen written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    """Write a tab or a line break as a space, everything else by its number."""
    return " " if character in "\t\n\r" else f"\\u{ord(character):04x}"


def quoted(value: object) -> str:
    """Write a value for a message as YAML would, redacted and shortened."""
    match value:
        case True | False:
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return f'"{shown(value)}"'
        case dict():
            return "a mapping"
        case _:
            return "a list"


def shown(text: str) -> str:
    """Give a text as it may stand in a message: redacted, printable, short."""
    return _shortened(printable(redacted(text)), _LONGEST_QUOTE)


def problem(*, where: SourceRef, code: Code, message: str, advice: str, snippet: str) -> Problem:
    """Put a problem together."""
    return Problem(where=where, code=code.value, message=message, advice=advice, snippet=snippet)


def problems_of(document: Document, faults: Iterable[Fault], text: str) -> tuple[Problem, ...]:
    """Give the faults of one document their positions and lines."""
    return tuple(_problem_of(document, fault, text) for fault in faults)


def source_at(document: Document, path: tuple[str | int, ...], *, at_key: bool) -> SourceRef:
    """Give the place of a path in a document."""
    line, column = place(document, path, at_key=at_key)
    return SourceRef(
        file=document.file, line=line, column=column, end_line=max(document.end_line, line)
    )


def _problem_of(document: Document, fault: Fault, text: str) -> Problem:
    where = source_at(document, fault.path, at_key=fault.at_key)
    snippet = line_of(text, where.line)
    if fault.code is Code.SECRET_LIKE:
        snippet = _without_value(text, where)
    return problem(
        where=where, code=fault.code, message=fault.message, advice=fault.advice, snippet=snippet
    )


def _without_value(text: str, where: SourceRef) -> str:
    """Show only what stands before a suspected secret, and nothing where that is suspect too."""
    before = _BREAK.split(text)[where.line - 1][: where.column - 1]
    return "" if looks_secret(before) else f"{printable(before)}[redacted]"


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
