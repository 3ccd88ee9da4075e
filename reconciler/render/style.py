"""How text may look, and how foreign text is kept from looking like anything else.

Every text that comes from manifests, the store or a person goes through `escape`: control
characters, terminal sequences and marks that reorder a line are shown, never interpreted. Colour
is added here alone, around text that stands without it: it is never the only signal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_AT_ONCE = 1000
_JOB_COMMAND = re.compile(r"##(?=[a-zA-Z]*\[)")


class Tint(StrEnum):
    """The parameters of the terminal's SGR sequences in use."""

    BOLD = "1"
    DIM = "2"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    BLUE = "34"
    MAGENTA = "35"
    CYAN = "36"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What the place of the output can show."""

    color: bool = False
    width: int | None = None
    """Columns of the terminal, None where there is none. Lines are never wrapped to it."""

    def paint(self, text: str, *tints: Tint) -> str:
        """Give the text in these tints; as it is where there is no colour."""
        if not self.color or not text or not tints:
            return text
        return f"\x1b[{';'.join(tints)}m{text}\x1b[0m"


PLAIN = Style()


def escape(text: str) -> str:
    """Show a foreign text on one line: whatever is not printable stands as its escape.

    That covers C0 and C1 controls (so every ANSI sequence), line breaks of all kinds, bidi and
    zero-width marks, and spaces that only look like one. Job-log commands (`##[…]`), which some
    CI systems obey anywhere in a line, lose their second sign to an escape.
    """
    shown = text if text.isprintable() else "".join(map(_shown, text))
    return _JOB_COMMAND.sub(r"#\\x23", shown) if "##" in shown else shown


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x100:
        return _SHORT.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def joined(lines: Iterable[str]) -> str:
    """Put finished lines together, each with its line break; nothing for no lines.

    A line that begins with `::`, which job logs obey as a command, loses its first colon to an
    escape; within a line the sign means nothing and stays.
    """
    return "".join(line_parts(lines))


def line_parts(lines: Iterable[str]) -> Iterator[str]:
    """Give what `joined` puts together, many lines at a time."""
    listed = iter(lines)
    while part := list(islice(listed, _AT_ONCE)):
        yield "".join(f"{_disarmed(line)}\n" for line in part)


def _disarmed(line: str) -> str:
    rest = line.lstrip()
    if not rest.startswith("::"):
        return line
    return f"{line[: len(line) - len(rest)]}\\x3a{rest[1:]}"


def columns(text: str) -> int:
    """Give how many columns of a terminal an escaped text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns_of, text))


def _columns_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def padded(text: str, width: int) -> str:
    """Give the text filled up with spaces to that many columns."""
    return text + " " * max(0, width - columns(text))
