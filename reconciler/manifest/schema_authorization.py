"""The wire form of who may apply: how a principal is known, and which issuers speak for whom.

Compatibility: `keyrec/v1`; fields are only added, each optional with what its absence meant.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.manifest.schema_identities import (
    ClaimName,
    ExactLine,
    IssuerUrl,
    PrincipalName,
    SystemName,
    Thumbprint,
)
from reconciler.manifest.schema_lists import Wire
from reconciler.manifest.schema_texts import Principal
from reconciler.manifest.schema_values import AlgorithmField, ModeField
from reconciler.model.policy import SigningAlgorithm


class IssuerWire(Wire):
    """Who signs identity tokens, and whom they speak of."""

    url: Annotated[
        IssuerUrl,
        Field(
            title="URL",
            description="The token's iss, to the letter.",
            examples=["https://token.actions.githubusercontent.com"],
        ),
    ]
    audience: Annotated[
        ExactLine,
        Field(title="Audience", description="The token's aud.", examples=["keyrec"]),
    ]
    algorithm: Annotated[
        AlgorithmField,
        Field(
            default=SigningAlgorithm.RS256,
            title="Algorithm",
            description="How the issuer signs; the token does not choose.",
        ),
    ]
    keys: Annotated[
        list[Thumbprint] | None,
        Field(
            default=None,
            min_length=1,
            title="Keys",
            description="RFC 7638 SHA-256 thumbprints of the only keys that are trusted; "
            "without any, whatever the issuer publishes.",
        ),
    ]
    principals: Annotated[
        dict[PrincipalName, Annotated[dict[ClaimName, ExactLine], Field(min_length=1)]],
        Field(
            min_length=1,
            title="Principals",
            description="Who somebody is whose token has exactly these claims.",
            examples=[{"platform-apply": {"repository_id": "1234567", "ref": "refs/heads/main"}}],
        ),
    ]


class AuthorizationWire(Wire):
    """How a principal is known, and who may do everything; silence keeps what the store has."""

    mode: Annotated[
        ModeField | None,
        Field(
            default=None,
            title="Mode",
            description="local: the user of the operating system. oidc: an identity token.",
        ),
    ]
    platform_admins: Annotated[
        list[Principal] | None,
        Field(
            default=None,
            min_length=1,
            title="Platform admins",
            description="Who may change policy, workspaces and everything else; "
            "where nothing is said the store's stay.",
            examples=[["local:alice"]],
        ),
    ]
    issuers: Annotated[
        dict[SystemName, IssuerWire] | None,
        Field(
            default=None,
            min_length=1,
            title="Issuers",
            description="Whose identity tokens are believed; their principals are named "
            "issuer:principal.",
        ),
    ]
