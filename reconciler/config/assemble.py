"""Chosen values become settings: numbers parsed, a login's defaults filled in, secrets wrapped.

Which value was chosen is the matter of `resolve`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from reconciler.config.serving_sections import seconds, server_of, verification_of
from reconciler.config.settings import (
    ANSWER_TIMEOUT,
    CONNECT_TIMEOUT,
    AgeSettings,
    IdentitySettings,
    Settings,
    StoreSettings,
    TokenRequest,
    VaultAuth,
    VaultAuthMethod,
    VaultSettings,
    VaultTls,
)
from reconciler.config.variables import (
    CA_BYTES_NAMES,
    IDENTITY_NAMES,
    JWT_NAMES,
    REQUEST_TOKEN_NAMES,
    REQUEST_URL_NAMES,
    SECRET_ID_NAMES,
    SKIP_VERIFY_NAMES,
    TOKEN_NAMES,
    first_set,
    secret_of,
)

SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path
_VAULT = "sink.vault."
_PLAIN_POSTGRES = "postgresql://"


def assembled(
    values: Mapping[str, Any], environ: Mapping[str, str], root: str, from_file: frozenset[str]
) -> Settings:
    """Build the settings from valid values by dotted path, and the secrets of the environment.

    `from_file`: the paths of those values that the file gave.
    """
    environments = values.get("environments")
    return Settings(
        root=root,
        manager=values["manager"],
        manifests=tuple(values["manifests"]),
        environments=None if environments is None else frozenset(environments),
        token_prefix=values["token.prefix"],
        store=StoreSettings(url=SecretStr(_with_driver(values["store.url"]))),
        age=AgeSettings(
            directory=values["sink.age.directory"], identity=values.get("sink.age.identity")
        ),
        vault=_vault(values, environ, from_file),
        identity=_identity(values, environ),
        verification=verification_of(values),
        cache_folder=_cache_folder(environ),
        server=server_of(values),
    )


def _identity(values: Mapping[str, Any], environ: Mapping[str, str]) -> IdentitySettings:
    return IdentitySettings(
        token=secret_of(environ, IDENTITY_NAMES),
        token_file=values.get("identity.tokenFile"),
        request=_request(environ),
        jwks_file=values.get("identity.jwksFile"),
        cache_folder=_below(_cache_folder(environ), "issuers"),
    )


def _request(environ: Mapping[str, str]) -> TokenRequest:
    url = first_set(environ, REQUEST_URL_NAMES)
    return TokenRequest(
        url=None if url is None else url[1].strip(), token=secret_of(environ, REQUEST_TOKEN_NAMES)
    )


def _cache_folder(environ: Mapping[str, str]) -> str | None:
    """Give the user's own folder for what may be lost; a relative one does not count (XDG)."""
    home = environ.get("HOME", "")
    caches = environ.get("XDG_CACHE_HOME", "")
    if not posixpath.isabs(caches):
        caches = posixpath.join(home, ".cache")
    return posixpath.join(caches, "keyrec") if posixpath.isabs(caches) else None


def _below(folder: str | None, name: str) -> str | None:
    return None if folder is None else posixpath.join(folder, name)


def _with_driver(url: str) -> str:
    """Name psycopg where no driver is named: what is meant depends on SQLAlchemy's version."""
    if url.startswith(_PLAIN_POSTGRES):
        return "postgresql+psycopg://" + url.removeprefix(_PLAIN_POSTGRES)
    return url


def _vault(
    values: Mapping[str, Any], environ: Mapping[str, str], from_file: frozenset[str]
) -> VaultSettings:
    given = values.get("sink.vault.clientTimeout")
    timeout = ANSWER_TIMEOUT if given is None else seconds(given)
    rate, proxy = values.get("sink.vault.rateLimit"), values.get("sink.vault.proxyAddress")
    return VaultSettings(
        address=values.get("sink.vault.address"),
        namespace=values.get("sink.vault.namespace"),
        auth=_auth(values, environ),
        tls=_tls(values, environ),
        connect_timeout=min(CONNECT_TIMEOUT, timeout),
        answer_timeout=timeout,
        max_retries=values["sink.vault.maxRetries"],
        rate_limit=(float(rate.partition(":")[0]) or None) if rate else None,
        proxy=None if proxy is None else SecretStr(proxy),
        from_file=frozenset(p.removeprefix(_VAULT) for p in from_file if p.startswith(_VAULT)),
    )


def _tls(values: Mapping[str, Any], environ: Mapping[str, str]) -> VaultTls:
    authority = first_set(environ, CA_BYTES_NAMES)
    skip = first_set(environ, SKIP_VERIFY_NAMES)
    return VaultTls(
        ca_cert=values.get("sink.vault.caCert"),
        ca_path=values.get("sink.vault.caPath"),
        ca_cert_bytes=None if authority is None else authority[1],
        client_cert=values.get("sink.vault.clientCert"),
        client_key=values.get("sink.vault.clientKey"),
        server_name=values.get("sink.vault.tlsServerName"),
        skip_verify=skip is not None and skip[1].strip().lower() in {"1", "t", "true"},
    )


def _auth(values: Mapping[str, Any], environ: Mapping[str, str]) -> VaultAuth:
    role_id = values.get("sink.vault.auth.roleId")
    unnamed = VaultAuthMethod.TOKEN if role_id is None else VaultAuthMethod.APPROLE
    method = VaultAuthMethod(values.get("sink.vault.auth.method", unnamed))
    jwt_file = values.get("sink.vault.auth.jwtFile")
    if jwt_file is None and method is VaultAuthMethod.KUBERNETES:
        jwt_file = SERVICE_ACCOUNT_TOKEN
    return VaultAuth(
        method=method,
        mount=values.get("sink.vault.auth.mount", method.value),
        role=values.get("sink.vault.auth.role"),
        token=secret_of(environ, TOKEN_NAMES),
        token_file=values.get("sink.vault.auth.tokenFile"),
        role_id=role_id,
        secret_id=secret_of(environ, SECRET_ID_NAMES),
        secret_id_file=values.get("sink.vault.auth.secretIdFile"),
        jwt=secret_of(environ, JWT_NAMES),
        jwt_file=jwt_file,
        request=_request(environ),
        audience=values.get("sink.vault.auth.audience", values.get("sink.vault.address")),
    )
