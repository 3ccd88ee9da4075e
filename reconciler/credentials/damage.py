"""What happened to a copied value that is no key any more: a list of signs, the first one counts.

A kind of damage is all that is said of such a value: no part of it, no length. What does not live
here: what a key looks like (`model/token.py`), what is advised (`credentials/proof.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reconciler.model.keys import KeyRecord
from reconciler.model.token import (
    ENVIRONMENT_PATTERN,
    ID_LENGTH,
    PREFIX_PATTERN,
    TOKEN_PATTERN,
    ParsedToken,
    TokenFault,
    parse,
)


class DamageKind(StrEnum):
    """How a value is damaged; the values are the sentences that are shown."""

    LINE_BREAK = "a line break stands in the value"
    QUOTES = "quotes stand around the value, or in it"
    SURROUNDED = "other text stands before the key"
    SPACES = "spaces stand in the value"
    FOREIGN = "the value holds characters that no key has"
    TOO_LONG = "the value is too long: something stands behind the key"
    CUT_OFF = "the value is cut off: its end is missing"
    BEHEADED = "the value is cut off: its beginning is missing, or was changed"
    ALTERED = "the checksum does not fit: a character was changed, swapped or left out"
    FORMLESS = "the value does not have the form of a key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A damaged value, without the value."""

    kind: DamageKind
    meant: KeyRecord | None = None
    """The key whose version id still stands in it, where the store knows it."""


_DIGITS = "[0-9A-Za-z]"
_HEAD = rf"{PREFIX_PATTERN}_{ENVIRONMENT_PATTERN}_{_DIGITS}{{{ID_LENGTH}}}"
_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_QUOTE = re.compile("[\"'`\u2018\u2019\u201a-\u201f\u00ab\u00bb\u2039\u203a]")
_FOREIGN = re.compile(r"[^0-9A-Za-z_]")
_WHOLE = re.compile(TOKEN_PATTERN, re.ASCII)
_TOO_LONG = re.compile(rf"{_HEAD}_{_DIGITS}{{49}}.+", re.ASCII | re.DOTALL)
_CUT_OFF = re.compile(rf"{_HEAD}(?:_{_DIGITS}{{0,48}})?", re.ASCII)
_STUMP = re.compile(
    rf"{PREFIX_PATTERN}_(?:{ENVIRONMENT_PATTERN}(?:_{_DIGITS}{{0,{ID_LENGTH}}})?)?", re.ASCII
)
_BEHEADED = re.compile(rf"(?:{_DIGITS}{{0,16}}_){{0,3}}{_DIGITS}{{49}}", re.ASCII)
_HINT = re.compile(
    rf"{PREFIX_PATTERN}_{ENVIRONMENT_PATTERN}_(?P<id>{_DIGITS}{{{ID_LENGTH}}})(?!{_DIGITS})",
    re.ASCII,
)


def _is_surrounded(text: str) -> bool:
    first = next((m for m in _WHOLE.finditer(text) if is_whole(m[0])), None)
    return first is not None and first.start() > 0


SIGNS: Final[tuple[tuple[DamageKind, Callable[[str], object]], ...]] = (
    (DamageKind.LINE_BREAK, _BREAK.search),
    (DamageKind.QUOTES, _QUOTE.search),
    (DamageKind.SURROUNDED, _is_surrounded),
    (DamageKind.SPACES, lambda text: any(character.isspace() for character in text)),
    (DamageKind.FOREIGN, _FOREIGN.search),
    (DamageKind.TOO_LONG, _TOO_LONG.fullmatch),
    (DamageKind.CUT_OFF, _CUT_OFF.fullmatch),
    (DamageKind.CUT_OFF, _STUMP.fullmatch),
    (DamageKind.BEHEADED, _BEHEADED.fullmatch),
)
"""What is looked for in a text that is not of the grammar, in this order."""


def is_whole(text: str) -> bool:
    """Whether the text is a complete key with the right checksum."""
    return isinstance(parse(text), ParsedToken)


def damage_of(text: str) -> DamageKind | None:
    """Say what is wrong with the form of a text; None where it is a complete key."""
    token = parse(text)
    if isinstance(token, ParsedToken):
        return None
    if token is TokenFault.CHECKSUM:
        return DamageKind.ALTERED
    return next((kind for kind, is_so in SIGNS if is_so(text)), DamageKind.FORMLESS)


def hinted_id(text: str) -> str | None:
    """Give what may be a version id in a damaged text, to be looked up and never to be shown."""
    hint = _HINT.search(text)
    return None if hint is None else hint["id"]
