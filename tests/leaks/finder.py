"""Finds any of thousands of secrets in any amount of bytes, in every dress that they may wear.

A secret is known by its 43 random digits; nothing that holds them is anything else. Candidates are
cut out by their alphabet, undressed, and looked up: the time does not grow with the secrets.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciler.model.token import SECRET_LENGTH

_PLAIN = re.compile(rb"[0-9A-Za-z]{43,}")
_HEX = re.compile(rb"[0-9A-Fa-f]{86,}")
_BASE64 = re.compile(rb"[0-9A-Za-z+/_-]{56,}")
_PERCENT = re.compile(rb"(?:%[0-9A-Fa-f]{2}){43,}")
_STANDARD = bytes.maketrans(b"-_", b"+/")


class Finder:
    """Knows secrets by their random part."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Take complete keys; what is no key is looked for as it stands."""
        self.parts = {_random_part(secret).encode() for secret in secrets}

    def dress_in(self, content: bytes) -> str | None:
        """Give the dress in which a secret stands in the content; None where none does."""
        return next((dress for dress, plain in _undressed(content) if self._is_in(plain)), None)

    def hidden(self, path: Path) -> str:
        """Give a path to be shown: a part of it that holds a secret is left out."""
        parts = (os.fsencode(part) for part in path.parts)
        return "/".join(
            "<a name with a secret>" if self.dress_in(part) else part.decode(errors="replace")
            for part in parts
        )

    def _is_in(self, plain: bytes) -> bool:
        return any(
            plain[start : start + SECRET_LENGTH] in self.parts
            for start in range(len(plain) - SECRET_LENGTH + 1)
        )


def may_hold_one(content: bytes) -> bool:
    """Whether anything in the content is as long as a secret in any dress."""
    return any(p.search(content) for p in (_PLAIN, _PERCENT, _HEX, _BASE64))


def _random_part(secret: str) -> str:
    parts = secret.split("_")
    return parts[3][:SECRET_LENGTH] if len(parts) == 4 else secret


def _undressed(content: bytes) -> Iterator[tuple[str, bytes]]:
    for found in _PLAIN.findall(content):
        yield "plain", found
    for found in _PERCENT.findall(content):
        yield "percent", bytes.fromhex(found.replace(b"%", b"").decode())
    for found in _HEX.findall(content):
        for start in (0, 1):
            even = found[start : start + (len(found) - start) // 2 * 2]
            yield from (("hex", plain) for plain in _PLAIN.findall(bytes.fromhex(even.decode())))
    for found in _BASE64.findall(content):
        for start in range(4):
            yield from (("base64", plain) for plain in _PLAIN.findall(_decoded(found[start:])))


def _decoded(text: bytes) -> bytes:
    whole = text[:-1] if len(text) % 4 == 1 else text
    try:
        return base64.b64decode(whole.translate(_STANDARD) + b"=" * (-len(whole) % 4))
    except binascii.Error:
        return b""
