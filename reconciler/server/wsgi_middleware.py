"""The entrance in front of a WSGI application: Flask, Django, or any other.

    application = KeyrecMiddleware(app, verifier=verifier, required={"/reviews/*": "Reviews:read"})

The rule: nothing reaches the application but what `entrance.py` lets in, without the key and
without anybody's `X-Auth-*`. What does not live here: decisions, and any framework.

A server tells of `X-API-Key` and `X_API_Key` by one variable. Ours are removed however they were
spelled; that nobody adds to `X-Forwarded-For` by another spelling is for the server to see to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from reconciler.server.answers import Answer
from reconciler.server.caller import Caller, required_caller
from reconciler.server.entrance import Guard, Request
from reconciler.server.routes import method_of

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

ENVIRON_KEY: Final = "keyrec.caller"
"""Where in the environ the `Caller` is."""

_HEADER = "HTTP_"
_AS_SENT = ("REQUEST_URI", "RAW_URI")
"""Where servers put the address as it was sent, query included; none has to."""


class KeyrecMiddleware(Guard[Application]):
    """Lets requests in by their keys; safe under threads."""

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        environ.pop(ENVIRON_KEY, None)
        entry = self._entrance.admit(_request(environ))
        self._remove_credential(environ)
        if isinstance(entry, Answer):
            return _answer(environ, start_response, entry)
        if entry is None:
            return self._app(environ, start_response)
        environ[ENVIRON_KEY] = entry
        return self._app(environ, _telling(entry, start_response))

    def _remove_credential(self, environ: Environ) -> None:
        for variable, name in _header_names(environ):
            if not self._keeps(name):
                del environ[variable]


def caller_of(environ: Environ) -> Caller:
    """Give who sent a request that was let in by a key.

    Raises:
        VerifierMisused: no middleware stands in front, or the path is public.
    """
    return required_caller(environ.get(ENVIRON_KEY))


def _telling(caller: Caller, start_response: StartResponse) -> StartResponse:
    """Give a `start_response` that tells the caller of a rotation."""
    more = caller.rotation_headers
    if not more:
        return start_response

    def telling(status: str, headers: list[tuple[str, str]], *fault: Any) -> Any:
        return start_response(status, [*headers, *more], *fault)

    return telling


def _request(environ: Environ) -> Request:
    """Read what the server tells of a request; the path without that under which we are mounted."""
    address = next((environ[name] for name in _AS_SENT if name in environ), "")
    path, _, query = address.partition("?")
    return Request(
        method=method_of(environ["REQUEST_METHOD"]),
        path=environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace"),
        as_sent=path,
        query=environ.get("QUERY_STRING", "") or query,
        headers=tuple((name, environ[variable]) for variable, name in _header_names(environ)),
        peer=environ.get("REMOTE_ADDR"),
    )


def _header_names(environ: Environ) -> list[tuple[str, str]]:
    """Give the variables that hold headers, each with its header's name."""
    return [
        (variable, variable.removeprefix(_HEADER).replace("_", "-").lower())
        for variable in environ
        if variable.startswith(_HEADER)
    ]


def _answer(environ: Environ, start_response: StartResponse, answer: Answer) -> Iterable[bytes]:
    """Send a whole answer; its body is left out for HEAD."""
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    length = ("Content-Length", str(len(answer.body)))
    start_response(status, [*answer.headers, length])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]
