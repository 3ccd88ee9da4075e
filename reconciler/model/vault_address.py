"""The address of a Vault, as far as it says who is talked to: scheme, host and port.

Two addresses are the same where these are. Compatibility: policies hold the text of `Endpoint`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A server to connect to."""

    host: str
    """In small letters; an IP address in its one form, without brackets."""
    port: int
    is_tls: bool

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read along: TLS, or this machine itself."""
        return self.is_tls or is_this_machine(self.host)

    def __str__(self) -> str:
        """Write it in its one form; the usual port is left out."""
        scheme = "https" if self.is_tls else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[scheme] else f":{self.port}"
        return f"{scheme}://{host}{port}"


def read_endpoint(address: str) -> Endpoint | None:
    """Read `https://host:port`; None for what says more, or is none."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    extra = parts.username or parts.query or parts.fragment or parts.path.strip("/")
    if parts.scheme not in _DEFAULT_PORTS or not host or extra or re.search(r"[\s\x00-\x1f]", host):
        return None
    return Endpoint(
        host=_one_form(host),
        port=port or _DEFAULT_PORTS[parts.scheme],
        is_tls=parts.scheme == "https",
    )


def _one_form(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def is_this_machine(host: str) -> bool:
    """Whether nothing leaves this machine on the way to a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
