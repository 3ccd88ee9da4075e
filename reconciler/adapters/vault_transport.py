"""hvac's adapter interface over our own connections.

hvac knows Vault's calls; this knows how to send one: only to permitted places, with headers of our
own, never through a redirect, and with the outcome as a value (`Answer`), because hvac's frames
hold the secret and an exception would keep them. hvac's `Client` is not used: it reads the
environment and `~/.vault-token`. An adapter is made for each request, so threads share nothing but
connections.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from hvac.adapters import Adapter

from reconciler.adapters.vault_answers import Answer, answer_of
from reconciler.adapters.vault_place import Place
from reconciler.adapters.vault_pool import ConnectionPool, NotSent
from reconciler.adapters.vault_wire import Request
from reconciler.model.frames import without_frames
from reconciler.model.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What all requests of a run share."""

    pool: ConnectionPool
    place: Place
    namespace: str | None

    def adapter(self, token: Secret | None, *, at_root: bool = False) -> VaultTransport:
        """Give hvac's adapter for one request; `at_root`: outside of any namespace."""
        return VaultTransport(self, token, namespace=None if at_root else self.namespace)


class VaultTransport(Adapter):  # type: ignore[type-arg]  # generic in its stubs alone
    """Sends what hvac asks for; returns an `Answer`, never raises for what a server does."""

    def __init__(self, link: Link, token: Secret | None, *, namespace: str | None) -> None:
        """Set what hvac reads; its own constructor would open a session of `requests`."""
        self.namespace = namespace
        self._link = link
        self._secret_token = token

    def get_login_token(self, response: Any) -> str:
        """Refuse: logins are read where they are made, hvac never keeps a token."""
        del response
        raise NotImplementedError

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        raise_exception: bool = True,  # noqa: FBT001, FBT002 - hvac's interface
        **kwargs: Any,
    ) -> Answer:
        """Send one request of hvac's."""
        del headers, raise_exception
        if not self._link.place.permits(url):
            return answer_of(NotSent(reason="the request leaves the pinned mount and prefix"))
        try:
            return answer_of(self._link.pool.send(self._request(method, url, kwargs)))
        except BaseException as fault:  # noqa: BLE001 - it is raised again, without its frames
            raise without_frames(fault) from None

    def _request(self, method: str, url: str, asked: Mapping[str, Any]) -> Request:
        content = asked.get("json")
        return Request(
            method=method.upper(),
            target=url + _query(asked.get("params")),
            headers=self._headers(),
            body=None if content is None else json.dumps(content).encode(),
        )

    def _headers(self) -> dict[str, str]:
        headers = {
            "User-Agent": "keyrec",
            "X-Vault-Request": "true",
            "Content-Type": "application/json",
        }
        if self.namespace:
            headers["X-Vault-Namespace"] = self.namespace
        if self._secret_token is not None:
            headers["X-Vault-Token"] = self._secret_token.reveal()
        return headers


def _query(params: Mapping[str, Any] | None) -> str:
    return f"?{urlencode(params)}" if params else ""
