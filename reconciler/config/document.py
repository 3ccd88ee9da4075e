"""The form of `keyrec.yaml`, kind `Config`: which fields there are and what each may hold.

Every field may be absent: a flag, the environment or a default can stand in. No field takes a
secret; those come from the environment or from files named here.

Compatibility: `keyrec/v1`. Fields are only added, each optional.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from reconciler.config.sections import Filled, Section, Text, VaultSection
from reconciler.config.serving_sections import ServerSection, VerificationSection

NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
PREFIX_PATTERN = r"^[a-z]{2,8}$"
ENVIRONMENT_PATTERN = r"^[a-z0-9]{1,16}$"

_STORE_SCHEMES = ("sqlite", "postgresql", "postgresql+psycopg")


_PASSWORD = re.compile(r"://[^:/@]*:[^@]+@|[?&](ssl)?password=", re.IGNORECASE)


def _store_url(url: str) -> str:
    if url.partition(":")[0] not in _STORE_SCHEMES:
        raise ValueError(
            "must start with sqlite:/// or postgresql+psycopg://, the two stores there are"
        )
    return url


def holds_password(url: str) -> bool:
    """Whether an address carries a password, before its host or among its options."""
    return _PASSWORD.search(url) is not None


class AgeSection(Section):
    """Where age files are kept; their recipients are the policy's."""

    directory: Text = Field(
        default=None,
        title="Folder of the secrets",
        description="Relative to this file. Default .keyrec/secrets.",
        examples=[".keyrec/secrets"],
    )
    identity: Text = Field(
        default=None,
        title="Identity file",
        description="Where people find the identity that reads them; keyrec never opens it.",
    )


class SinkSection(Section):
    """How to reach the places where secrets are kept; which one is used is the policy's."""

    age: AgeSection = Field(default_factory=AgeSection, title="age", description="age files.")
    vault: VaultSection = Field(
        default_factory=VaultSection, title="Vault", description="Vault or OpenBao, KV version 2."
    )


class StoreSection(Section):
    """The key store."""

    url: Annotated[str, AfterValidator(_store_url)] | None = Field(
        default=None,
        title="Address of the store",
        description="sqlite:/// and a path relative to this file, or postgresql+psycopg://. Never "
        "with a password: use KEYREC_STORE_URL or PGPASSFILE. Default sqlite:///.keyrec/keys.db.",
        examples=["sqlite:///.keyrec/keys.db", "postgresql+psycopg://keyrec@db.example/keyrec"],
    )


class IdentitySection(Section):
    """How whoever applies is known in mode oidc; whose tokens are believed is the policy's."""

    token_file: Text = Field(
        default=None,
        title="File with the identity token",
        description="Or set KEYREC_IDENTITY_TOKEN. Without both, a job of GitHub asks for one.",
        examples=["/var/run/secrets/keyrec/token"],
    )
    jwks_file: Text = Field(
        default=None,
        title="File with the issuer's keys",
        description="A JSON Web Key Set instead of what the issuer publishes; only keys whose "
        "thumbprints the Policy lists are believed.",
        examples=["issuer-keys.json"],
    )


class TokenSection(Section):
    """The text of the keys."""

    prefix: Annotated[str, Field(pattern=PREFIX_PATTERN)] | None = Field(
        default=None,
        title="Prefix",
        description="How every key starts: two to eight small letters. Default krk.",
        examples=["krk"],
    )


class ConfigDocument(Section):
    """Configuration of keyrec: how to reach things. What is trusted stands in the Policy."""

    api_version: Literal["keyrec/v1"] = Field(title="API version", description="Always keyrec/v1.")
    kind: Literal["Config"] = Field(title="Kind", description="Always Config.")
    manager: Annotated[str, Field(pattern=NAME_PATTERN)] | None = Field(
        default=None,
        title="Manager",
        description="Ownership mark of this repository: two repositories can share one store, each "
        "with a mark of its own.",
        examples=["platform-keys"],
    )
    manifests: Annotated[list[Filled], Field(min_length=1)] | None = Field(
        default=None,
        title="Manifests",
        description="Folders and files, relative to this file. Default [keys].",
        examples=[["keys"]],
    )
    environments: (
        Annotated[list[Annotated[str, Field(pattern=ENVIRONMENT_PATTERN)]], Field(min_length=1)]
        | None
    ) = Field(
        default=None,
        title="Environments",
        description="Only these are reconciled with this configuration. Default: all.",
        examples=[["prod"]],
    )
    token: TokenSection = Field(
        default_factory=TokenSection, title="Token", description="The text of the keys."
    )
    store: StoreSection = Field(
        default_factory=StoreSection, title="Store", description="The key store."
    )
    identity: IdentitySection = Field(
        default_factory=IdentitySection,
        title="Identity",
        description="How whoever applies is known in mode oidc.",
    )
    sink: SinkSection = Field(
        default_factory=SinkSection, title="Sinks", description="How to reach the sinks."
    )
    verification: VerificationSection = Field(
        default_factory=VerificationSection,
        title="Verification",
        description="What a verifier of presented keys expects and promises.",
    )
    server: ServerSection = Field(
        default_factory=ServerSection, title="Server", description="The HTTP endpoint."
    )
