"""What a field that is no free text may hold: times, ranges, numbers, flags, closed sets of words.

Each reader takes what stands in the manifest and gives the model's own value, or refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, TypeAlias

from pydantic import PlainValidator, WithJsonSchema

from reconciler.manifest.closest import listed, suggestion
from reconciler.manifest.codes import Code
from reconciler.manifest.ranges import read_range
from reconciler.manifest.refusal import refuse
from reconciler.manifest.schema_texts import text_schema, whole
from reconciler.manifest.snippets import quoted
from reconciler.model.allowlist import RangeRefused
from reconciler.model.keys import RemovalReason
from reconciler.model.lifetime import Expiration, Retirement, parse_duration
from reconciler.model.policy import (
    AuthorizationMode,
    HashProfile,
    Prune,
    SigningAlgorithm,
    SinkKind,
)
from reconciler.model.severity import Severity

DURATION_PATTERN = "[1-9][0-9]{0,5}[mhd]"


def _expiration(value: object) -> Expiration:
    found = _EXPIRATIONS.get(str(value))
    if found is None:
        choices = listed(Expiration)
        refuse(
            Code.BAD_EXPIRATION, f"{quoted(value)} is not an expiration", f"choose one of {choices}"
        )
    return found


_EXPIRATIONS = {e.value: e for e in Expiration}


ExpirationField: TypeAlias = Annotated[
    Expiration,
    PlainValidator(_expiration),
    text_schema(enum=[e.value for e in Expiration]),
]


def _duration(value: object) -> timedelta:
    mend = "write a whole number and one of m, h, d, such as 24h or 30d"
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError:
        refuse(Code.BAD_DURATION, f"{quoted(value)} is not a duration", mend)


Duration: TypeAlias = Annotated[
    timedelta,
    PlainValidator(_duration),
    text_schema(pattern=whole(DURATION_PATTERN), examples=["24h", "30d"]),
]


_NO_RANGE = RangeRefused(
    message="this is not an address or a range",
    advice="write an address such as 203.0.113.7 or a range such as 203.0.113.0/24",
)


def range_value(value: object) -> str:
    """Take an address or range, in its canonical form."""
    found = read_range(value) if isinstance(value, str) else _NO_RANGE
    if isinstance(found, RangeRefused):
        message = found.message
        named = message if message.startswith(f"{value} ") else f"{quoted(value)}: {message}"
        refuse(Code.BAD_RANGE, named, found.advice)
    return found


RANGE_SCHEMA: dict[str, Any] = {
    "type": "string",
    "title": "Address or range",
    "pattern": "^[0-9a-fA-F:.]+(/(0|[1-9][0-9]{0,2}))?$",
    "examples": ["203.0.113.0/24", "203.0.113.7", "2001:db8:40::/48"],
}

Range: TypeAlias = Annotated[str, PlainValidator(range_value), WithJsonSchema(RANGE_SCHEMA)]


def _count(least: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        mend = f"write digits alone, without quotes and leading zeros, such as {max(least, 2)}"
        # above nine digits the stores' integers end
        if type(value) is not int or not least <= value <= 999_999_999:
            refuse(Code.BAD_NUMBER, f"{quoted(value)} is not a whole number from {least}", mend)
        return value

    return read


Counter: TypeAlias = Annotated[
    int,
    PlainValidator(_count(1)),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 999_999_999}),
]
"""A whole number from 1."""

Amount: TypeAlias = Annotated[
    int,
    PlainValidator(_count(0)),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 999_999_999}),
]
"""A whole number from 0."""

_SHARE = re.compile(r"[01]|0\.[0-9]{1,6}|1\.0{1,6}", re.ASCII)


def _share(value: object) -> float:
    """Read a decimal from 0 to 1; a plain `0.2` is text to the reader, so text it may be."""
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or _SHARE.fullmatch(text) is None:
        refuse(
            Code.BAD_NUMBER,
            f"{quoted(value)} is not a share",
            "write a decimal from 0 to 1, such as 0.2",
        )
    return float(Decimal(text))


Share: TypeAlias = Annotated[
    float,
    PlainValidator(_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": whole(_SHARE.pattern)},
            ]
        }
    ),
]


_MEANT = {
    "yes": "true",
    "on": "true",
    "true": "true",
    "no": "false",
    "off": "false",
    "false": "false",
}


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        meant = _MEANT.get(str(value).lower(), "true or false")
        refuse(Code.WRONG_TYPE, f"{quoted(value)} is neither true nor false", f"write {meant}")
    return value


Flag: TypeAlias = Annotated[bool, PlainValidator(_flag), WithJsonSchema({"type": "boolean"})]


def words(options: type[Enum] | tuple[str, ...]) -> dict[str, Any]:
    """Give each word with what it stands for."""
    if isinstance(options, tuple):
        return {word: word for word in options}
    return {str(member.value): member for member in options}


def choice(members: dict[str, Any], what: str) -> PlainValidator:
    """Make the reader of a closed set of words."""
    mend = f"choose one of {listed(members)}" if len(members) > 1 else f"write {min(members)}"

    def read(value: object) -> object:
        if not isinstance(value, str) or value not in members:
            advice = suggestion(str(value), members, otherwise=mend)
            refuse(Code.BAD_CHOICE, f"{quoted(value)} is not {what}", advice)
        return members[value]

    return PlainValidator(read)


_PRUNES = words(Prune)
_MODES = words(AuthorizationMode)
_PROFILES = words(HashProfile)
_SINKS = words(SinkKind)
_RETIREMENTS = words(Retirement)
_REASONS = {w: m for w, m in words(RemovalReason).items() if m is not RemovalReason.UNDECLARED}
_ALGORITHMS = words(SigningAlgorithm)
_SEVERITIES = {w: m for w, m in words(Severity).items() if m is not Severity.INFO}

PruneField: TypeAlias = Annotated[
    Prune, choice(_PRUNES, "a way to prune"), text_schema(enum=[*_PRUNES])
]
ModeField: TypeAlias = Annotated[
    AuthorizationMode, choice(_MODES, "a mode of authorization"), text_schema(enum=[*_MODES])
]
HashingField: TypeAlias = Annotated[
    HashProfile, choice(_PROFILES, "a hashing profile"), text_schema(enum=[*_PROFILES])
]
SinkKindField: TypeAlias = Annotated[
    SinkKind, choice(_SINKS, "a kind of sink"), text_schema(enum=[*_SINKS])
]
ReasonField: TypeAlias = Annotated[
    RemovalReason, choice(_REASONS, "a reason to remove a key"), text_schema(enum=[*_REASONS])
]
RetirementField: TypeAlias = Annotated[
    Retirement, choice(_RETIREMENTS, "a way to retire"), text_schema(enum=[*_RETIREMENTS])
]
AlgorithmField: TypeAlias = Annotated[
    SigningAlgorithm, choice(_ALGORITHMS, "a way to sign"), text_schema(enum=[*_ALGORITHMS])
]
SeverityField: TypeAlias = Annotated[
    Severity, choice(_SEVERITIES, "a severity"), text_schema(enum=[*_SEVERITIES])
]
