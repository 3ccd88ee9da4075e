"""How manifests are quoted in messages: one line, printable, without anything secret.

Positions are turned into problems here. Lines are counted as YAML 1.1 counts them: NEL, LS and PS
break lines too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

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
    starts = _line_starts(text)
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


def line_of(text: str, line: int) -> str:
    """Give one line for people: redacted, printable, not too long."""
    return _shortened(printable(redacted(_raw_line(text, line).rstrip())), _LONGEST_LINE)


def _raw_line(text: str, line: int) -> str:
    """Give a line as it stands, without its break; empty where there is no such line."""
    starts = _line_starts(text)
    if not 0 < line <= len(starts):
        return ""
    end = starts[line] if line < len(starts) else len(text)
    return text[starts[line - 1] : end].rstrip("\n\r\x85\u2028\u2029")


@lru_cache(maxsize=2)
def _line_starts(text: str) -> tuple[int, ...]:
    """Give where lines begin; found once for a file, whose every line may hold a problem."""
    return (0, *(match.end() for match in _BREAK.finditer(text)))


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
    before = _raw_line(text, where.line)[: where.column - 1]
    return "" if looks_secret(before) else f"{printable(before)}[redacted]"


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
