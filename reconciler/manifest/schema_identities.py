"""What names an issuer of identity tokens, and whom its tokens speak of."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from reconciler.manifest.codes import Code
from reconciler.manifest.schema_texts import patterned, text_schema, whole

SYSTEM_PATTERN = "[a-z][a-z0-9-]{0,15}"
PRINCIPAL_NAME_PATTERN = "[!-~]{1,255}"
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

ClaimName: TypeAlias = Annotated[
    str,
    patterned(
        "the name of a claim",
        CLAIM_PATTERN,
        Code.BAD_NAME,
        "write the claim's name as the token has it, such as repository_id",
    ),
    text_schema(pattern=whole(CLAIM_PATTERN)),
]

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
