"""Settings as the rest of the program reads them: complete, parsed once, frozen.

Sensitive values are `SecretStr`, which prints stars. Where a value comes from is the matter of
`resolve`; how the file looks, of `document`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import SecretStr

from reconciler.config.serving import ServerSettings, VerificationSettings

CONNECT_TIMEOUT = 5.0
"""Seconds to open a connection; never more than the time given to the whole answer."""
ANSWER_TIMEOUT = 30.0
"""Seconds within which an answer has to be whole; one that is not counts as lost."""


class VaultAuthMethod(StrEnum):
    """How a Vault token is had."""

    TOKEN = "token"  # noqa: S105 - the name of a login method
    APPROLE = "approle"
    JWT = "jwt"
    KUBERNETES = "kubernetes"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """Where a CI job of GitHub asks for an identity token of its own."""

    url: str | None = None
    token: SecretStr | None = None
    """What the request is made with; never shown to anybody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySettings:
    """Where the identity token of whoever applies is found, and the keys that it is checked with.

    Whom a token is believed is the policy's, never said here.
    """

    token: SecretStr | None = None
    token_file: str | None = None
    request: TokenRequest = field(default_factory=TokenRequest)
    jwks_file: str | None = None
    """Keys that are not fetched; believed only where the policy lists their thumbprints."""
    cache_folder: str | None = None
    """Where fetched keys are kept for an hour; None: nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultAuth:
    """A login: its method and what the method needs."""

    method: VaultAuthMethod = VaultAuthMethod.TOKEN
    mount: str = "token"
    """Where the method is mounted, without `auth/`."""
    role: str | None = None
    token: SecretStr | None = None
    token_file: str | None = None
    role_id: str | None = None
    secret_id: SecretStr | None = None
    secret_id_file: str | None = None
    jwt: SecretStr | None = None
    jwt_file: str | None = None
    request: TokenRequest = field(default_factory=TokenRequest)
    audience: str | None = None
    """Whom a token that is requested is meant for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultTls:
    """What a Vault server's certificate is checked against, and what we show of ourselves."""

    ca_cert: str | None = None
    ca_path: str | None = None
    ca_cert_bytes: str | None = None
    """PEM text; takes precedence over the file, as the file does over the folder."""
    client_cert: str | None = None
    client_key: str | None = None
    server_name: str | None = None
    skip_verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSettings:
    """How to reach a Vault; which mount and prefix are used is the policy's."""

    address: str | None = None
    namespace: str | None = None
    auth: VaultAuth = field(default_factory=VaultAuth)
    tls: VaultTls = field(default_factory=VaultTls)
    connect_timeout: float = CONNECT_TIMEOUT
    answer_timeout: float = ANSWER_TIMEOUT
    max_retries: int = 2
    """How often a read is repeated; writes are never repeated here."""
    rate_limit: float | None = None
    """At most this many requests a second, None without a limit."""
    proxy: SecretStr | None = None
    from_file: frozenset[str] = frozenset()
    """Which fields of `sink.vault` the configuration file decided, by their names there."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say loudly what is dangerous here."""
        if not self.tls.skip_verify:
            return ()
        warning = (
            "VAULT_SKIP_VERIFY is set: the server's certificate is NOT checked, so anybody on the "
            "way can read the token and every new secret. Set VAULT_CACERT instead."
        )
        return (warning,)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeSettings:
    """Where age files are kept, and where the identity stands that can read them."""

    directory: str
    identity: str | None = None
    """Only named to people; keyrec itself never reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """The key store's address; may hold a password, so it is sensitive as a whole."""

    url: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that configuration says."""

    root: str
    """Folder of the configuration file; relative paths of the file are already joined to it."""
    manager: str
    manifests: tuple[str, ...]
    environments: frozenset[str] | None
    """Only these are reconciled; None means all."""
    token_prefix: str
    store: StoreSettings
    age: AgeSettings
    vault: VaultSettings
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    verification: VerificationSettings = field(default_factory=VerificationSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    cache_folder: str | None = None
    """The user's own folder for what may be lost; None: nothing is kept."""
