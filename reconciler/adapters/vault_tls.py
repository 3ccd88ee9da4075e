"""How a connection to Vault is opened: TLS as configured, a proxy only where one is named.

Proxies and passwords of the environment and of `.netrc` are not followed.
"""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from reconciler.config import VaultSettings, VaultTls
from reconciler.errors import SinkMisconfigured
from reconciler.model.vault_address import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proxy:
    host: str
    port: int
    headers: dict[str, str]


class _TlsConnection(http.client.HTTPSConnection):
    """TLS with the name that the server must prove, which need not be the host."""

    def __init__(
        self, host: str, port: int, *, timeout: float, context: ssl.SSLContext, name: str
    ) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._chosen_context = context
        self._name = name

    def connect(self) -> None:
        """Connect, through the tunnel where there is one, then shake hands."""
        http.client.HTTPConnection.connect(self)
        self.sock = self._chosen_context.wrap_socket(self.sock, server_hostname=self._name)


def connector(
    endpoint: Endpoint, settings: VaultSettings
) -> Callable[[], http.client.HTTPConnection]:
    """Give what opens a new connection; files named in the settings are read now.

    Raises:
        SinkMisconfigured: a certificate, a key or the proxy's address cannot be used.
    """
    timeout = settings.connect_timeout
    if not endpoint.is_tls:
        return lambda: http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=timeout)
    context = _context(settings.tls)
    name = settings.tls.server_name or endpoint.host
    proxy = None if settings.proxy is None else _proxy(settings.proxy)

    def opened() -> http.client.HTTPConnection:
        host, port = (proxy.host, proxy.port) if proxy else (endpoint.host, endpoint.port)
        connection = _TlsConnection(host, port, timeout=timeout, context=context, name=name)
        if proxy:
            connection.set_tunnel(endpoint.host, endpoint.port, proxy.headers)
        return connection

    return opened


def _context(tls: VaultTls) -> ssl.SSLContext:
    try:
        context = _trusting(tls)
        if tls.client_cert:
            context.load_cert_chain(tls.client_cert, tls.client_key, password=_no_password)
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise SinkMisconfigured(
            "A certificate or key for the connection to Vault cannot be read.",
            advice="Check VAULT_CACERT, VAULT_CAPATH, VAULT_CACERT_BYTES, VAULT_CLIENT_CERT and "
            "VAULT_CLIENT_KEY: PEM, readable, the key without a passphrase.",
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(tls: VaultTls) -> ssl.SSLContext:
    """Trust one source alone, as Vault's own client does: text, else file, else folder."""
    if tls.ca_cert_bytes:
        return ssl.create_default_context(cadata=tls.ca_cert_bytes)
    if tls.ca_cert:
        return ssl.create_default_context(cafile=tls.ca_cert)
    return ssl.create_default_context(capath=tls.ca_path)


def _no_password() -> str:
    """Answer instead of letting OpenSSL ask at the terminal."""
    return ""


def _proxy(address: SecretStr) -> _Proxy:
    try:
        parts = urlsplit(address.get_secret_value())
        host, port, scheme = parts.hostname, parts.port or 3128, parts.scheme
    except ValueError:
        host = None
    if not host or scheme != "http":
        raise SinkMisconfigured(
            "The proxy to Vault has no address of the form http://host:port.",
            advice="Check VAULT_PROXY_ADDR.",
        )
    headers = {}
    if parts.username:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
    return _Proxy(host=host, port=port, headers=headers)
