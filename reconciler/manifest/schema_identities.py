"""What names an issuer of identity tokens, and whom its tokens speak of.

Claims and audiences are compared to the letter, so they are taken to the letter or not at all.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator

from reconciler.manifest.codes import Code
from reconciler.manifest.refusal import refuse
from reconciler.manifest.schema_texts import LONGEST_LINE, Line, patterned, text_schema, whole
from reconciler.manifest.snippets import quoted

SYSTEM_PATTERN = "[a-z][a-z0-9-]{0,15}"
PRINCIPAL_NAME_PATTERN = "[!-~]{1,255}"
RESERVED_CLAIMS: Final = ("iss", "aud", "exp", "nbf", "iat")
"""What keyrec itself asks of every token: bound once more, nobody or everybody would fit."""
CLAIM_PATTERN = "[A-Za-z0-9_.:/-]{1,100}"
ISSUER_PATTERN = (
    r"https://[!-~]{1,500}|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?(/[!-~]{0,200})?"
)
THUMBPRINT_PATTERN = "[A-Za-z0-9_-]{43}"

SystemName: TypeAlias = Annotated[
    str,
    patterned(
        "the name of an issuer",
        SYSTEM_PATTERN,
        Code.BAD_NAME,
        "issuers are named with a-z, 0-9 and -, at most 16 long, such as github",
    ),
    text_schema(pattern=whole(SYSTEM_PATTERN)),
]

PrincipalName: TypeAlias = Annotated[
    str,
    patterned(
        "the name of a principal",
        PRINCIPAL_NAME_PATTERN,
        Code.BAD_PRINCIPAL,
        "write a name without spaces, at most 255 long, such as platform-apply",
    ),
    text_schema(pattern=whole(PRINCIPAL_NAME_PATTERN)),
]


def _bindable(value: object) -> object:
    """Pass on a claim that says whom a token speaks of."""
    if isinstance(value, str) and value in RESERVED_CLAIMS:
        refuse(
            Code.RESERVED_CLAIM,
            f"{quoted(value)} cannot be bound: keyrec judges it in every token",
            "take it out; the issuer's url and audience say what iss and aud have to be, and "
            "principals are told apart by claims such as repository_id, ref and environment",
        )
    return value


ClaimName: TypeAlias = Annotated[
    str,
    patterned(
        "the name of a claim",
        CLAIM_PATTERN,
        Code.BAD_NAME,
        "write the claim's name as the token has it, such as repository_id",
    ),
    BeforeValidator(_bindable),
    text_schema(pattern=f"^(?!({'|'.join(RESERVED_CLAIMS)})$)({CLAIM_PATTERN})$"),
]


def _to_the_letter(value: object) -> object:
    """Pass on a text that begins and ends with something to see."""
    if isinstance(value, str) and value.strip() not in {"", value}:
        refuse(
            Code.BAD_TEXT,
            "this begins or ends with a blank, and it is compared to the letter",
            "take the blank out",
        )
    return value


ExactLine: TypeAlias = Annotated[
    Line,
    BeforeValidator(_to_the_letter),
    text_schema(minLength=1, maxLength=LONGEST_LINE, pattern=r"^\S(.*\S)?$"),
]
"""One line of text that a token has to have just so."""

IssuerUrl: TypeAlias = Annotated[
    str,
    patterned(
        "the address of an issuer",
        ISSUER_PATTERN,
        Code.BAD_ISSUER,
        "write the token's iss to the letter: it starts with https://",
    ),
    text_schema(pattern=whole(ISSUER_PATTERN)),
]

Thumbprint: TypeAlias = Annotated[
    str,
    patterned(
        "a key's thumbprint",
        THUMBPRINT_PATTERN,
        Code.BAD_ISSUER,
        "write the RFC 7638 SHA-256 thumbprint in base64url, 43 characters",
    ),
    text_schema(pattern=whole(THUMBPRINT_PATTERN)),
]
