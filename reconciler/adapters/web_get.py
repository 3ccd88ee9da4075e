"""One GET to a place that may be asked: https, or plain http to this machine alone.

No redirect is followed, no proxy and no password of the environment is used, an answer is short and
comes soon. What goes wrong is a value, as a request may be made with a token.
"""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from reconciler.adapters.timely_socket import Deadline, dialled
from reconciler.adapters.vault_pool import reason_of
from reconciler.model.frames import without_frames
from reconciler.model.secret import Secret
from reconciler.model.vault_address import is_this_machine

LONGEST_WAIT = 15.0
"""Seconds for all of it: to connect, and to have the whole answer."""
LARGEST_ANSWER = 256 * 1024
"""Bytes."""
_CHUNK = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """Why there is none, without a word of what was sent or received."""

    reason: str


Got: TypeAlias = bytes | NoAnswer


def get(url: str, *, bearer: Secret | None = None, wait: float = LONGEST_WAIT) -> Got:
    """Give what stands at an address."""
    parts = _readable(url)
    if parts is None:
        return NoAnswer(reason="that is no address of the form https://host/path")
    if parts.scheme == "http" and not is_this_machine(parts.hostname or ""):
        return NoAnswer(reason="plain http is taken only to this machine itself")
    try:
        return _asked(parts, bearer, Deadline.after(wait))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return NoAnswer(reason=reason_of(error))
    except BaseException as fault:  # noqa: BLE001 - it is raised again, without its frames
        raise without_frames(fault) from None


def is_plain(url: str) -> bool:
    """Whether an address is one of plain http."""
    return url[:5].lower() == "http:"


def _readable(url: str) -> SplitResult | None:
    """Read an address; None for what is none, and for one with a password or a fragment."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    extra = parts.username is not None or parts.fragment
    return parts if is_whole and not extra and parts.scheme in {"https", "http"} else None


def _asked(parts: SplitResult, bearer: Secret | None, deadline: Deadline) -> Got:
    connection = _connection(parts, deadline)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.putrequest("GET", target)
        connection.putheader("Accept", "application/json")
        connection.putheader("User-Agent", "keyrec")
        if bearer is not None:
            connection.putheader("Authorization", f"Bearer {bearer.reveal()}")
        connection.endheaders()
        with connection.getresponse() as response:
            return _body(response)
    finally:
        connection.close()


def _connection(parts: SplitResult, deadline: Deadline) -> http.client.HTTPConnection:
    """Open it; the port is always said, as the last part of an IPv6 address is none."""
    host = parts.hostname or ""
    if parts.scheme == "http":
        connection = http.client.HTTPConnection(host, parts.port or http.client.HTTP_PORT)
        connection.sock = dialled(host, connection.port, deadline)
        return connection
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    port = parts.port or http.client.HTTPS_PORT
    connection = http.client.HTTPSConnection(host, port, context=context)
    connection.sock = dialled(host, port, deadline, tls=context)
    return connection


def _body(response: http.client.HTTPResponse) -> Got:
    if 300 <= response.status < 400:
        return NoAnswer(reason="it redirects, which is not followed")
    if response.status != 200:
        return NoAnswer(reason=f"it answers with status {response.status}")
    body = b""
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            return NoAnswer(reason="its answer is too long")
    if response.length:
        return NoAnswer(reason="its answer was cut off")
    return body
