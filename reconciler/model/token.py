"""The text of a key: its grammar and its checksum.

Compatibility: `<prefix>_<environment>_<12 base62 version id>_<43 base62 secret><6 base62 CRC-32>`.
The checksum covers everything before it, so it binds prefix, environment and id. The form is
frozen for format 1: consumers, scanners and stored hashes depend on every byte of it; a new form
needs a new length. The id names the version, not the key, and is not secret: logs may carry it.
The secret part is 43 base62 digits, 256.03 bits. Last characters are the last four.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.secret import Secret

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 12
SECRET_LENGTH = 43
CHECKSUM_LENGTH = 6
LAST_CHARACTERS = 4

PREFIX_PATTERN = r"[a-z]{2,8}"
ENVIRONMENT_PATTERN = r"[a-z0-9]{1,16}"
TOKEN_PATTERN = rf"{PREFIX_PATTERN}_{ENVIRONMENT_PATTERN}_[0-9A-Za-z]{{12}}_[0-9A-Za-z]{{49}}"
"""Unanchored, for scanners; whether a match is ours is decided by its checksum."""
SHORTEST_TOKEN = 2 + 1 + 1 + 1 + ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH
"""Characters; nothing shorter matches."""

_TOKEN = re.compile(
    rf"(?P<prefix>{PREFIX_PATTERN})_(?P<environment>{ENVIRONMENT_PATTERN})"
    rf"_(?P<version_id>[0-9A-Za-z]{{{ID_LENGTH}}})"
    rf"_(?P<secret>[0-9A-Za-z]{{{SECRET_LENGTH}}})(?P<checksum>[0-9A-Za-z]{{{CHECKSUM_LENGTH}}})",
    re.ASCII,
)
_LONGEST = 8 + 1 + 16 + 1 + ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH


class TokenFault(StrEnum):
    """Why a presented text is not a key of ours, before anything is looked up."""

    MALFORMED = "malformed"
    CHECKSUM = "checksum"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedToken:
    """The parts of a well-formed key that are not secret."""

    prefix: str
    environment: str
    version_id: str
    last_characters: str


def base62(number: int, length: int) -> str:
    """Write a number in base 62, most significant digit first, padded with zeros.

    Raises:
        ValueError: the number is negative or needs more digits.
    """
    digits = []
    rest = number
    for _ in range(length):
        rest, digit = divmod(rest, 62)
        digits.append(ALPHABET[digit])
    if rest:
        raise ValueError(f"{length} base62 digits are too few")
    return "".join(reversed(digits))


def checksum(text: str) -> str:
    """Give the CRC-32 (ISO-HDLC, as zlib computes it) of the text, six base62 digits."""
    return base62(zlib.crc32(text.encode("ascii")), CHECKSUM_LENGTH)


def compose(*, prefix: str, environment: str, version_id: str, secret: str) -> Secret:
    """Put a complete key together; the parts must already be of the grammar."""
    body = f"{prefix}_{environment}_{version_id}_{secret}"
    return Secret(body + checksum(body))


def parse(text: str) -> ParsedToken | TokenFault:
    """Read a presented text; its secret part stays in the text and is not returned."""
    match = _TOKEN.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return TokenFault.MALFORMED
    if checksum(text[:-CHECKSUM_LENGTH]) != match["checksum"]:
        return TokenFault.CHECKSUM
    return ParsedToken(
        prefix=match["prefix"],
        environment=match["environment"],
        version_id=match["version_id"],
        last_characters=text[-LAST_CHARACTERS:],
    )


def last_characters(token: Secret) -> str:
    """Give the last four characters, which name a key to people (the console's field)."""
    return token.reveal()[-LAST_CHARACTERS:]
