"""The form of the Vault section of `keyrec.yaml`, and what all sections have in common.

No field takes a secret; those come from the environment or from files named here.

Compatibility: `keyrec/v1`. Fields are only added, each optional.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

DURATION_PATTERN = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)?$"
RATE_PATTERN = r"^[0-9]+(\.[0-9]+)?(:[0-9]+)?$"


def _segments(text: str) -> str:
    if any(not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", part) for part in text.split("/")):
        raise ValueError("holds letters, digits, _, . and - in segments parted by single slashes")
    return text


Filled: TypeAlias = Annotated[str, Field(min_length=1)]
Text: TypeAlias = Filled | None
Mount: TypeAlias = Annotated[str, AfterValidator(_segments)] | None


def _without_nulls(schema: dict[str, Any]) -> None:
    """Leave out that a field may be null: an editor should not offer it."""
    for part in schema.get("properties", {}).values():
        if part.get("default", ...) is None:
            del part["default"]
        for choice in part.pop("anyOf", ()):
            if choice != {"type": "null"}:
                part.update(choice)


class Section(BaseModel):
    """Common form of all sections: camelCase names, nothing unknown, nothing converted."""

    model_config = ConfigDict(
        defer_build=True,  # a model that is only a part of others is built with them
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        json_schema_extra=_without_nulls,
    )


class VaultAuthSection(Section):
    """How keyrec logs in to Vault."""

    method: Literal["token", "approle", "jwt", "kubernetes"] | None = Field(
        default=None,
        title="Login method",
        description="Default: approle where KEYREC_VAULT_ROLE_ID is set, else token.",
    )
    mount: Mount = Field(
        default=None,
        title="Mount of the login",
        description="Where the method is mounted, without auth/. Default: the method's name.",
        examples=["jwt-github"],
    )
    role: Text = Field(
        default=None,
        title="Role",
        description="The role to log in as; needed by jwt and kubernetes.",
        examples=["keyrec-apply"],
    )
    role_id: Text = Field(
        default=None, title="AppRole role id", description="Not secret; the secret id is."
    )
    secret_id_file: Text = Field(
        default=None,
        title="File with the AppRole secret id",
        description="Or set KEYREC_VAULT_SECRET_ID.",
    )
    jwt_file: Text = Field(
        default=None,
        title="File with the JWT",
        description="Read again at every login. Default for kubernetes: the service account's "
        "projected token. For jwt, KEYREC_VAULT_JWT or VAULT_ID_TOKEN do as well, or GitHub is "
        "asked for one.",
    )
    audience: Text = Field(
        default=None,
        title="Audience of a requested JWT",
        description="Whom the JWT is meant for that a job of GitHub asks for. Default: the "
        "address of Vault.",
        examples=["https://vault.example:8200"],
    )
    token_file: Text = Field(
        default=None,
        title="File with a Vault token",
        description="Or set VAULT_TOKEN. ~/.vault-token is read only where it is named here.",
    )


class VaultSection(Section):
    """How to reach Vault; mount and prefix are pinned by the policy."""

    address: Text = Field(
        default=None,
        title="Address",
        description="https://host:port; plain http only to this machine.",
        examples=["https://vault.example:8200"],
    )
    namespace: Text = Field(default=None, title="Namespace", description="Vault Enterprise.")
    auth: VaultAuthSection = Field(
        default_factory=VaultAuthSection, title="Login", description="How a token is had."
    )
    ca_cert: Text = Field(
        default=None,
        title="CA file",
        description="PEM file that the server's certificate is checked against.",
    )
    ca_path: Text = Field(
        default=None, title="CA folder", description="Folder of PEM files, hashed as OpenSSL wants."
    )
    client_cert: Text = Field(default=None, title="Client certificate", description="PEM file.")
    client_key: Text = Field(default=None, title="Client key", description="PEM file.")
    tls_server_name: Text = Field(
        default=None,
        title="TLS server name",
        description="The name that the server's certificate must hold, where it is not the host.",
    )
    client_timeout: Annotated[str, Field(pattern=DURATION_PATTERN)] | None = Field(
        default=None,
        title="Time-out",
        description="Time within which an answer has to be whole: 30s, 1m, 500ms.",
        examples=["30s"],
    )
    max_retries: Annotated[int, Field(ge=0, le=10)] | None = Field(
        default=None,
        title="Retries of reads",
        description="How often a read is repeated; a write never is. Default 2.",
    )
    rate_limit: Annotated[str, Field(pattern=RATE_PATTERN)] | None = Field(
        default=None,
        title="Requests a second",
        description="At most so many; a burst behind a colon is understood and not used.",
        examples=["100"],
    )
    proxy_address: Text = Field(
        default=None,
        title="Proxy",
        description="http://host:port of a proxy that tunnels (CONNECT). No other proxy setting "
        "of the environment is followed.",
    )
