"""Finding keys in bytes that come in pieces: each exactly once, at its line and column.

The rule that lives here: what stands before `_<id>_<secret>` is looked for backwards, and every
prefix that fits is tried, so that a key is found behind any other text; the checksum alone judges.
UTF-16 and UTF-32 are bytes with NULs between. Nothing here gives a secret away: a sighting holds
what may be logged. Not here: where bytes come from, and whose a found key is.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.model.token import (
    CHECKSUM_LENGTH,
    ENVIRONMENT_PATTERN,
    ID_LENGTH,
    PREFIX_PATTERN,
    SECRET_LENGTH,
    ParsedToken,
    parse,
)

REDACTED = "[redacted]"

_LONGEST_HEAD = 8 + 1 + 16
"""Characters of prefix, `_` and environment."""
_LONGEST = _LONGEST_HEAD + 1 + ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH
_SHORTEST_PREFIX = 2
_HEAD = re.compile(rf"({PREFIX_PATTERN})_({ENVIRONMENT_PATTERN})\Z".encode())
_SHAPE = re.compile(
    rf"({PREFIX_PATTERN}_{ENVIRONMENT_PATTERN}_[0-9A-Za-z]{{{ID_LENGTH}}}_)"
    rf"[0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}}"
)
_NO_CHARACTERS = bytes((0, *range(0x80, 0xC0), 0xFE, 0xFF))
"""Bytes that begin no character: NULs of UTF-16, continuations of UTF-8, byte order marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A key that stands somewhere, by what of it may be said; both counts begin with 1."""

    token: ParsedToken
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Width:
    """How wide a character of the text stands: 1 byte, or 2 or 4 with NULs between."""

    bytes_each: int
    tail: re.Pattern[bytes]
    """From the sign before the version id to the last character of the checksum."""
    sign: bytes

    def sightings(self, window: bytes, prefix: str | None) -> Iterator[_Found]:
        """Give the keys that stand whole in the window."""
        if self.sign not in window:
            return
        for tail in self.tail.finditer(window):
            start = tail.start()
            behind = window[max(0, start - _LONGEST_HEAD * self.bytes_each) : start]
            head = behind[len(behind) % self.bytes_each :: self.bytes_each]
            token = _token_of(head, tail[0][:: self.bytes_each], prefix)
            if token is not None:
                length = len(token.prefix) + 1 + len(token.environment)
                yield _Found(token=token, start=start - length * self.bytes_each, end=tail.end())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    token: ParsedToken
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Line and column of one byte of a text."""

    line: int = 1
    column: int = 1

    def after(self, text: bytes) -> _Place:
        """Give the place behind this text, which begins here."""
        lines = text.count(b"\n")
        rest = text[text.rfind(b"\n") + 1 :] if lines else text
        width = len(rest.translate(None, _NO_CHARACTERS))
        return _Place(line=self.line + lines, column=width + (1 if lines else self.column))


def _width(bytes_each: int) -> _Width:
    gap = rb"\0" * (bytes_each - 1)
    digit = rb"[0-9A-Za-z]" + gap
    count = SECRET_LENGTH + CHECKSUM_LENGTH - 1
    tail = b"_%b(?:%b){%d}_%b(?:%b){%d}[0-9A-Za-z]" % (gap, digit, ID_LENGTH, gap, digit, count)
    return _Width(
        bytes_each=bytes_each, tail=re.compile(tail), sign=b"_" + b"\0" * (bytes_each - 1)
    )


_WIDTHS = (_width(1), _width(2), _width(4))
_KEPT = _LONGEST * max(w.bytes_each for w in _WIDTHS) - 1
"""So much of what was seen may be the beginning of a key that goes on in the next piece."""


def sightings(pieces: Iterable[bytes], prefix: str | None = None) -> Iterator[Sighting]:
    """Give every key of a text that comes in pieces of any size, in order within a piece.

    `prefix` leaves out keys of other issuers. Memory holds one piece, and a key's length more.
    """
    window, place = b"", _Place()
    for piece in pieces:
        seen = window[-_KEPT:]
        place = place.after(window[: len(window) - len(seen)])
        window = seen + piece
        if place == _Place() and not seen and window.startswith(BOM_UTF8):
            place = _Place(column=0)
        yield from _placed(_found(window, len(seen), prefix), window, place)


def _found(window: bytes, seen: int, prefix: str | None) -> list[_Found]:
    """Find the keys of a window that end behind what was seen with the piece before."""
    every = (found for width in _WIDTHS for found in width.sightings(window, prefix))
    return sorted((f for f in every if f.end > seen), key=lambda f: f.start)


def _placed(found: list[_Found], window: bytes, place: _Place) -> Iterator[Sighting]:
    """Say at which line and column; lines are counted only where something was found."""
    at = 0
    for one in found:
        place, at = place.after(window[at : one.start]), one.start
        yield Sighting(token=one.token, line=place.line, column=place.column)


def _token_of(head: bytes, tail: bytes, prefix: str | None) -> ParsedToken | None:
    """Give the key that ends in this tail: the longest prefix by which its checksum fits."""
    before = _HEAD.search(head)
    if before is None:
        return None
    letters, environment = before.groups()
    rest = b"_" + environment + tail
    for length in range(len(letters), _SHORTEST_PREFIX - 1, -1):
        token = parse((letters[-length:] + rest).decode("ascii"))
        if isinstance(token, ParsedToken) and prefix in {None, token.prefix}:
            return token
    return None


def masked(text: str) -> str:
    """Give a text with the secret part of whatever looks like a key left out."""
    return _SHAPE.sub(rf"\1{REDACTED}", text)
