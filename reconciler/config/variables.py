"""Which environment variables are read, and which setting each one stands for.

The reference (docs/reference/configuration.md) is checked against these lists. A variable of
Vault's has OpenBao's name as an alias; where both are set, Vault's name wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

CONFIG_VARIABLE = "KEYREC_CONFIG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One setting of the file and the variables that stand in for it, strongest first."""

    path: str
    names: tuple[str, ...]
    is_list: bool = False
    """Whether the text is a list parted by commas."""
    is_place: bool = False
    """Whether the value names files, so that a relative one of the file joins its folder."""


def _vault(path: str, name: str, *, is_place: bool = False) -> Variable:
    names = (f"VAULT_{name}", f"BAO_{name}")
    return Variable(path=f"sink.vault.{path}", names=names, is_place=is_place)


VARIABLES = (
    Variable(path="manager", names=("KEYREC_MANAGER",)),
    Variable(path="manifests", names=("KEYREC_MANIFESTS",), is_list=True, is_place=True),
    Variable(path="environments", names=("KEYREC_ENVIRONMENTS",), is_list=True),
    Variable(path="token.prefix", names=("KEYREC_TOKEN_PREFIX",)),
    Variable(path="store.url", names=("KEYREC_STORE_URL",)),
    Variable(path="sink.age.directory", names=("KEYREC_AGE_DIRECTORY",), is_place=True),
    Variable(path="sink.age.identity", names=("KEYREC_AGE_IDENTITY",), is_place=True),
    Variable(path="sink.vault.auth.method", names=("KEYREC_VAULT_AUTH_METHOD",)),
    Variable(path="sink.vault.auth.mount", names=("KEYREC_VAULT_AUTH_MOUNT",)),
    Variable(path="sink.vault.auth.role", names=("KEYREC_VAULT_AUTH_ROLE",)),
    Variable(path="sink.vault.auth.roleId", names=("KEYREC_VAULT_ROLE_ID",)),
    Variable(
        path="sink.vault.auth.secretIdFile", names=("KEYREC_VAULT_SECRET_ID_FILE",), is_place=True
    ),
    Variable(path="sink.vault.auth.jwtFile", names=("KEYREC_VAULT_JWT_FILE",), is_place=True),
    Variable(path="sink.vault.auth.audience", names=("KEYREC_VAULT_AUTH_AUDIENCE",)),
    _vault("auth.tokenFile", "TOKEN_FILE", is_place=True),
    _vault("address", "ADDR"),
    _vault("namespace", "NAMESPACE"),
    _vault("caCert", "CACERT", is_place=True),
    _vault("caPath", "CAPATH", is_place=True),
    _vault("clientCert", "CLIENT_CERT", is_place=True),
    _vault("clientKey", "CLIENT_KEY", is_place=True),
    _vault("tlsServerName", "TLS_SERVER_NAME"),
    _vault("clientTimeout", "CLIENT_TIMEOUT"),
    _vault("maxRetries", "MAX_RETRIES"),
    _vault("rateLimit", "RATE_LIMIT"),
    _vault("proxyAddress", "PROXY_ADDR"),
    Variable(path="identity.tokenFile", names=("KEYREC_IDENTITY_TOKEN_FILE",), is_place=True),
    Variable(path="identity.jwksFile", names=("KEYREC_IDENTITY_JWKS_FILE",), is_place=True),
    Variable(path="verification.environment", names=("KEYREC_ENVIRONMENT",)),
    Variable(path="verification.revocationBound", names=("KEYREC_REVOCATION_BOUND",)),
    Variable(path="verification.maxStale", names=("KEYREC_MAX_STALE",)),
    Variable(path="verification.cacheEntries", names=("KEYREC_CACHE_ENTRIES",)),
    Variable(path="server.host", names=("KEYREC_LISTEN_HOST",)),
    Variable(path="server.port", names=("KEYREC_LISTEN_PORT",)),
    Variable(path="server.healthPort", names=("KEYREC_LISTEN_HEALTH_PORT",)),
    Variable(path="server.workers", names=("KEYREC_WORKERS",)),
    Variable(path="server.trustedProxies", names=("KEYREC_TRUSTED_PROXIES",), is_list=True),
    Variable(path="server.clientAddressHeader", names=("KEYREC_CLIENT_ADDRESS_HEADER",)),
    Variable(path="server.disclosure", names=("KEYREC_DISCLOSURE",)),
    Variable(path="server.realm", names=("KEYREC_REALM",)),
    Variable(path="server.tlsCertificate", names=("KEYREC_TLS_CERT",), is_place=True),
    Variable(path="server.tlsKey", names=("KEYREC_TLS_KEY",), is_place=True),
)
"""No KEYREC_PORT: Kubernetes sets that to something else where a Service is called keyrec."""

PLACES = frozenset(v.path for v in VARIABLES if v.is_place)

TOKEN_NAMES = ("VAULT_TOKEN", "BAO_TOKEN")
SECRET_ID_NAMES = ("KEYREC_VAULT_SECRET_ID",)
JWT_NAMES = ("KEYREC_VAULT_JWT", "VAULT_ID_TOKEN")
CA_BYTES_NAMES = ("VAULT_CACERT_BYTES", "BAO_CACERT_BYTES")
SKIP_VERIFY_NAMES = ("VAULT_SKIP_VERIFY", "BAO_SKIP_VERIFY")
IDENTITY_NAMES = ("KEYREC_IDENTITY_TOKEN",)
REQUEST_URL_NAMES = ("ACTIONS_ID_TOKEN_REQUEST_URL",)
REQUEST_TOKEN_NAMES = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN",)
"""GitHub gives both to a job that may ask for tokens; they are read for that and nothing else."""
ONLY_VARIABLES = (
    TOKEN_NAMES,
    SECRET_ID_NAMES,
    JWT_NAMES,
    CA_BYTES_NAMES,
    SKIP_VERIFY_NAMES,
    IDENTITY_NAMES,
    REQUEST_URL_NAMES,
    REQUEST_TOKEN_NAMES,
)
"""What no file may hold: secrets, and the switch that turns certificate checks off."""


def first_set(environ: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str] | None:
    """Give name and text of the first variable that is set and not empty."""
    return next(((n, environ[n]) for n in names if environ.get(n)), None)


def secret_of(environ: Mapping[str, str], names: tuple[str, ...]) -> SecretStr | None:
    """Give the first of the variables as a sensitive value, without surrounding blanks."""
    found = first_set(environ, names)
    return None if found is None else SecretStr(found[1].strip())
