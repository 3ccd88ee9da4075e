"""Foreign text in Markdown: shown as it is, never obeyed.

Sources: CommonMark 0.31 (backslash escapes, code spans), GitHub Flavored Markdown (tables,
autolinks). Hosts turn mentions, issue numbers and addresses into links and messages to people;
nothing of that happens within code spans, so whatever could be one stands in a span.
"""

from __future__ import annotations

import re

from reconciler.render.style import escape

_SYNTAX = re.compile(r"([\\`*_\[\]<>|~!$])")
"""What means something within a line; text of others never begins one."""
_RISKY = re.compile(r"@|#|://|www\.|\bGH-\d|&|!\d|:[\w+-]+:", re.IGNORECASE)
"""Mentions, numbers of issues and merge requests, addresses, entities, names of emoji."""
_SPACES = re.compile(r"( +)")


def code(text: str, *, in_table: bool = False) -> str:
    """Give a text as a code span."""
    return _span(_shown(text, in_table=in_table))


def _span(shown: str) -> str:
    if not shown.strip():
        return "(empty)"
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def prose(text: str, *, in_table: bool = False) -> str:
    """Give a sentence that may hold foreign words, for the middle of a line: what has a meaning in
    Markdown is escaped, what could be a link or a mention stands in a code span.
    """
    return "".join(_word(part) for part in _SPACES.split(_shown(text, in_table=in_table)))


def _shown(text: str, *, in_table: bool) -> str:
    """Escape controls; in a table also bars, which end a cell even within a code span, and which
    readers do not agree how to keep from it.
    """
    shown = escape(text)
    return shown.replace("|", r"\x7c") if in_table else shown


def _word(word: str) -> str:
    if _RISKY.search(word):
        return _span(word)
    return _SYNTAX.sub(r"\\\1", word)
