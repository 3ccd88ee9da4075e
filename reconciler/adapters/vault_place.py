"""Where in Vault keyrec may reach: one address, one mount, one prefix, a fixed list of calls.

A client library folds dot segments and keeps slashes, so a path from a manifest could reach any
call of Vault's. Segments are checked before the library sees them, and the final address of every
request is checked against this list before it is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from reconciler.errors import SinkMisconfigured
from reconciler.model.sink_path import RESERVED_PREFIX, SEGMENT, path_fault
from reconciler.model.vault_address import Endpoint, read_endpoint

_ADDRESS_ADVICE = "Set VAULT_ADDR or sink.vault.address, such as https://vault.example:8200."


def endpoint_of(address: str | None) -> Endpoint:
    """Read the configured address.

    Raises:
        SinkMisconfigured: there is none, it is malformed, or it is plain http to another machine.
    """
    if not address:
        raise SinkMisconfigured("No address of Vault is configured.", advice=_ADDRESS_ADVICE)
    endpoint = read_endpoint(address)
    if endpoint is None:
        raise SinkMisconfigured(
            "The address of Vault is not of the form https://host:port.", advice=_ADDRESS_ADVICE
        )
    if not endpoint.is_private:
        raise SinkMisconfigured(
            f"The address of Vault is plain http to {endpoint.host}: token and secrets would be "
            "readable on the way.",
            advice="Use https; plain http is taken only to this machine itself.",
        )
    return endpoint


def authority_of(endpoint: Endpoint) -> str:
    """Give the server as a request names it: host and port, in ASCII.

    The host is encoded alone, as its last label would take the port in.

    Raises:
        SinkMisconfigured: the host has no such form; nothing could connect to it either.
    """
    try:
        host = endpoint.host.encode("idna").decode()
    except UnicodeError:
        raise SinkMisconfigured(
            "The host in the address of Vault is no name of a server.", advice=_ADDRESS_ADVICE
        ) from None
    return str(replace(endpoint, host=host)).partition("://")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The pinned mount and prefix of the policy."""

    mount: str
    prefix: str
    """May be empty: then keys stand directly in the mount."""

    def __post_init__(self) -> None:
        """Refuse what is no path.

        Raises:
            SinkMisconfigured: mount or prefix leave the grammar of segments.
        """
        segments = self.mount.split("/") + (self.prefix.split("/") if self.prefix else [])
        if any(SEGMENT.fullmatch(segment) is None for segment in segments):
            raise SinkMisconfigured(
                "The policy's mount or prefix in Vault is no path.",
                advice="Write them without slashes at the ends, such as `secret` and `keyrec`.",
            )

    def below(self, path: str) -> str:
        """Give a key's path below the mount.

        Raises:
            SinkMisconfigured: it is no path.
        """
        fault = path_fault(path)
        if fault is not None:
            raise SinkMisconfigured(
                f"The path {path!r} cannot be used in Vault: {fault}.",
                advice="Choose another spec.secret.path.",
            )
        return self._joined(path)

    @property
    def anchor(self) -> str:
        """Give the audit anchor's path below the mount."""
        return self.own("anchor")

    def own(self, name: str) -> str:
        """Give the path below the mount of something of keyrec's own, which is no key."""
        return self._joined(f"{RESERVED_PREFIX}/{name}")

    def permits(self, target: str) -> bool:
        """Whether a request's final target, without its query, may be sent at all."""
        if target in _CALLS or target == f"/v1/{self.mount}/config":
            return True
        if target == f"/v1/sys/internal/ui/mounts/{self.mount}":
            return True
        login = re.fullmatch(r"/v1/auth/(.+)/login", target)
        if login is not None:
            return _is_path(login[1])
        for call in ("data", "metadata", "destroy"):
            start = f"/v1/{self.mount}/{call}/{self._joined('')}"
            if target.startswith(start):
                return _is_path(target.removeprefix(start))
        return False

    def _joined(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path


_CALLS = frozenset(
    {
        "/v1/sys/health",
        "/v1/sys/capabilities-self",
        "/v1/auth/token/lookup-self",
        "/v1/auth/token/renew-self",
        "/v1/auth/token/revoke-self",
    }
)


def _is_path(text: str) -> bool:
    return all(SEGMENT.fullmatch(segment) for segment in text.split("/"))
