"""A scope that one route needs beyond its path's: for `Depends` of FastAPI, and for Starlette.

    @app.post("/reviews/{name}/approve")
    async def approve(caller: Annotated[Caller, Depends(requires("Reviews:operate"))]): ...

The rule: the key that the middleware let in is decided about again, by the same rules, and refused
by the same bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection

from reconciler.model.scopes import ScopeGrant
from reconciler.server.asgi_middleware import ScopeRefused, caller_of
from reconciler.server.caller import Caller
from reconciler.server.routes import wanted_scope


def requires(scope: ScopeGrant | str) -> Callable[[HTTPConnection], Awaitable[Caller]]:
    """Give a function from a request to its caller, for calls that need this scope.

    Raises:
        ConfigInvalid: the scope is no `Resource:level`. What is given raises `ScopeRefused`, which
            the middleware answers, and `VerifierMisused` where there is no middleware.
    """
    wanted = wanted_scope(scope)

    async def caller_with_scope(connection: HTTPConnection) -> Caller:
        caller = caller_of(connection.scope)
        answer = await caller.refusal_async(wanted)
        if answer is not None:
            raise ScopeRefused(answer)
        return caller

    return caller_with_scope
