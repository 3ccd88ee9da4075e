"""A FastAPI service that its callers enter by their keys: `uvicorn fastapi_app:app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request

import reconciler
from reconciler.server.asgi_middleware import KeyrecMiddleware, caller_of
from reconciler.server.caller import Caller
from reconciler.server.routes import Access
from reconciler.server.scope_dependency import requires

CONFIG = Path(__file__).with_name("keyrec.yaml")
verifier = reconciler.load(str(CONFIG)).verifier(environment="dev")
Moderator = Annotated[Caller, Depends(requires("Reviews:operate"))]


@asynccontextmanager
async def closing(_: FastAPI) -> AsyncIterator[None]:
    """Report the last uses when the server stops."""
    with verifier:
        yield


app = FastAPI(lifespan=closing)
app.add_middleware(
    KeyrecMiddleware,
    verifier=verifier,
    required={"GET /healthz": Access.PUBLIC, "/reviews/*": "Reviews:read"},
)


@app.get("/healthz")
async def healthz() -> str:
    """Say that the service runs; needs no key."""
    return "ok"


@app.get("/reviews")
async def reviews(request: Request) -> dict[str, str]:
    """Say who asks; the table above let in who may read reviews."""
    return {"caller": str(caller_of(request.scope).allowed.record.address)}


@app.post("/reviews/{name}/approve")
async def approve(name: str, caller: Moderator) -> dict[str, str]:
    """Approve a review; needs more than the table asks for."""
    return {"approved": name, "by": str(caller.allowed.record.address)}
