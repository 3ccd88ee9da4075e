"""What looks like a secret, and how a text is shown without repeating one.

The rule that lives here: our own token format, by shape alone, wherever it stands; the identity
that opens what age encrypted, which is easily taken for a recipient; and words of free text that
were drawn rather than written. Hexadecimal words are not suspected: commit ids, image digests and
UUIDs belong into descriptions and labels.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

from reconciler.model.token import TOKEN_PATTERN

REDACTED = "[redacted]"

_IDENTITY = "AGE-SECRET-KEY-"
_TOKEN = re.compile(rf"{TOKEN_PATTERN}|{_IDENTITY}[0-9A-Z]{{8,}}")
_WORD = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_LINK = re.compile(r"https?://[^\s?#@]+(?!\S*@)")
_SIGNS = re.compile(r"[^A-Za-z0-9]+")
_PLAIN_PART = re.compile(r"[A-Z]?[a-z]*|[A-Z]+|[0-9]+")
_SHORTEST = 20
_LEAST_ENTROPY = 4.0
_LEAST_CHANGES_MIXED = 0.42
_LEAST_CHANGES_PLAIN = 0.2


def find_tokens(text: str) -> tuple[re.Match[str], ...]:
    """Find all keys by shape, whether or not their checksums hold, and all age identities."""
    return tuple(_TOKEN.finditer(text)) if "_" in text or _IDENTITY in text else ()


def looks_secret(text: str) -> bool:
    """Whether a free text holds our own token format or a word that looks drawn by chance.

    The path of a link is not judged: document ids look drawn and are no secrets.
    """
    if len(text) < _SHORTEST:
        return False
    if find_tokens(text):
        return True
    return any(_is_drawn(word) for word in _WORD.findall(_LINK.sub(" ", text)))


def redacted(text: str) -> str:
    """Give the text with everything that looks like a secret replaced."""
    without_tokens = _TOKEN.sub(REDACTED, text)
    return _WORD.sub(lambda m: REDACTED if _is_drawn(m[0]) else m[0], without_tokens)


def _is_drawn(word: str) -> bool:
    """Whether digits and letters are mixed as chance mixes them, with at least 4 bits each.

    People change between digits, small and capital letters at the ends of words; chance does it
    at more than half of all places in base 62 and at two of five in base 32 or 36. Parts between
    signs that are plain words or numbers are people's.
    """
    rest = "".join(p for p in _SIGNS.split(word) if _PLAIN_PART.fullmatch(p) is None)
    kinds = [_kind(character) for character in rest]
    if len(rest) < _SHORTEST or "digit" not in kinds or _entropy(rest) < _LEAST_ENTROPY:
        return False
    changes = sum(a != b for a, b in pairwise(kinds)) / (len(kinds) - 1)
    least = _LEAST_CHANGES_MIXED if {"small", "capital"} <= set(kinds) else _LEAST_CHANGES_PLAIN
    return changes >= least


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    return "small" if character.islower() else "capital"


def _entropy(word: str) -> float:
    """Give Shannon's entropy of the word's own characters, in bits per character."""
    total = len(word)
    return -sum(n / total * math.log2(n / total) for n in Counter(word).values())
