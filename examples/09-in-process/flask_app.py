"""A Flask service that its callers enter by their keys: `flask --app flask_app run`."""

from __future__ import annotations

import atexit
from pathlib import Path

from flask import Flask, Response, abort, request

import reconciler
from reconciler.server.caller import Caller
from reconciler.server.routes import Access
from reconciler.server.wsgi_middleware import KeyrecMiddleware, caller_of

CONFIG = Path(__file__).with_name("keyrec.yaml")
verifier = reconciler.load(str(CONFIG)).verifier(environment="dev")
atexit.register(verifier.close)

app = Flask(__name__)
app.wsgi_app = KeyrecMiddleware(
    app.wsgi_app,
    verifier=verifier,
    required={"GET /healthz": Access.PUBLIC, "/reviews/*": "Reviews:read"},
)


def caller_with(scope: str) -> Caller:
    """Give who calls, for calls that need more than the table asks for."""
    caller = caller_of(request.environ)
    refusal = caller.refusal(scope)
    if refusal is not None:
        abort(Response(refusal.body, refusal.status, list(refusal.headers)))
    return caller


@app.get("/healthz")
def healthz() -> str:
    """Say that the service runs; needs no key."""
    return "ok"


@app.get("/reviews")
def reviews() -> dict[str, str]:
    """Say who asks; the table above let in who may read reviews."""
    return {"caller": str(caller_of(request.environ).allowed.record.address)}


@app.post("/reviews/<name>/approve")
def approve(name: str) -> dict[str, str]:
    """Approve a review."""
    caller = caller_with("Reviews:operate")
    return {"approved": name, "by": str(caller.allowed.record.address)}
