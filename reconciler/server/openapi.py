"""The endpoint as an OpenAPI 3.1 document: made from the same words as the answers.

`docs/reference/openapi.json` is what this gives; a test holds both together, and another holds the
application against the document.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler import __version__
from reconciler.credentials.verdict import UNDISCLOSED, DenialReason
from reconciler.model.token import ENVIRONMENT_PATTERN
from reconciler.server.answers import AUTH_HEADERS
from reconciler.server.authorization import AUTHORIZE
from reconciler.server.gateway import MODE, NGINX, REQUIRE, SCOPE_PATTERN
from reconciler.server.health import HEALTH, METRICS, READINESS
from reconciler.server.introspection import INTROSPECTION, JSON
from reconciler.server.questions import LONGEST_TOKEN

PROBLEM: Final = "application/problem+json"
_METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options")
_DESCRIPTION: Final = """\
Answers gateways and services about presented keys. Before a secret is proven every refusal is one
identical 401; the holder of a proven one is told the reason (RFC 6750, RFC 9457).
"""
_REFUSALS: Final = {
    "401": "No key, or none that may be used; the challenge says which.",
    "403": "The holder may not do this from here, or the gateway asks wrongly.",
    "503": "Nothing was decided; with mode=nginx this is a 403.",
}


def openapi_document() -> dict[str, Any]:
    """Give the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "keyrec serve",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": {
            AUTHORIZE: {method: _authorize(method) for method in _METHODS},
            INTROSPECTION: {"post": _introspect()},
            HEALTH: {"get": _health("Whether the process lives", {"200": "It does."})},
            READINESS: {
                "get": _health(
                    "Whether keys can be checked",
                    {"200": "They can.", "503": "The store was out of reach for too long."},
                )
            },
            METRICS: {"get": _metrics()},
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
            "schemas": {
                "Problem": _problem(),
                "Question": _question(),
                "Active": _active(),
                "Inactive": _inactive(),
            },
        },
    }


def _authorize(method: str) -> dict[str, Any]:
    body = None if method == "head" else "Problem"
    headers = {name: _header(name) for name in AUTH_HEADERS}
    return {
        "operationId": f"authorize-{method}",
        "summary": "May the request that a gateway holds back go through?",
        "description": "Any method is taken, and any path below; a body is not read.",
        "parameters": [
            _parameter("query", REQUIRE, "The scope that the call needs.", pattern=SCOPE_PATTERN),
            _parameter("query", MODE, "Answer only 200, 401 and 403.", enum=[NGINX]),
        ],
        "responses": {
            "200": {"description": "It may.", "headers": headers | _common()},
            **{status: _refused(status, text, body) for status, text in _REFUSALS.items()},
        },
    }


def _introspect() -> dict[str, Any]:
    more = {
        "400": "The question is not understood.",
        "413": "The body is too long.",
        "415": "The body is not JSON.",
    }
    answers = [{"$ref": f"#/components/schemas/{name}"} for name in ("Active", "Inactive")]
    return {
        "operationId": "introspect",
        "summary": "What is a key worth that somebody presented?",
        "description": "The caller's own key needs the scope `Introspection:use`.",
        "requestBody": {"required": True, "content": {JSON: _schema("Question")}},
        "responses": {
            "200": {
                "description": "What its holder would be told.",
                "headers": _common(),
                "content": {JSON: {"schema": {"oneOf": answers}}},
            },
            **{s: _refused(s, text, "Problem") for s, text in sorted((_REFUSALS | more).items())},
        },
    }


def _health(summary: str, statuses: dict[str, str]) -> dict[str, Any]:
    status = {"type": "object", "required": ["status"], "properties": {"status": _text()}}
    return {
        "summary": summary,
        "security": [],
        "responses": {
            code: {
                "description": text,
                "headers": _common(),
                "content": {JSON: {"schema": status}},
            }
            for code, text in statuses.items()
        },
    }


def _metrics() -> dict[str, Any]:
    content = {"text/plain": {"schema": _text()}}
    return {
        "summary": "Counts of all workers, for Prometheus",
        "security": [],
        "responses": {
            "200": {"description": "The counts.", "headers": _common(), "content": content}
        },
    }


def _refused(status: str, description: str, body: str | None) -> dict[str, Any]:
    headers = _common()
    if status == "401":
        headers["WWW-Authenticate"] = _header("A challenge of RFC 6750.")
    if status == "503":
        headers["Retry-After"] = _header("Seconds.")
    content = {} if body is None else {"content": {PROBLEM: _schema(body)}}
    return {"description": description, "headers": headers, **content}


def _common() -> dict[str, Any]:
    return {
        "Cache-Control": {"required": True, "schema": {"const": "no-store"}},
        "X-Request-Id": _header("The request's own where it is well-formed, else a new one."),
    }


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "required": True, "schema": _text()}


def _parameter(place: str, name: str, description: str, **schema: Any) -> dict[str, Any]:
    limits = {n: f"^{v}$" if n == "pattern" else v for n, v in schema.items()}
    return {
        "in": place,
        "name": name,
        "description": description,
        "schema": {**_text(), **limits},
    }


def _problem() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {**_text(), "format": "uri"},
            "title": _text(),
            "status": {"type": "integer"},
            "code": _text(),
            "detail": _text(),
            "expired_at": _instant(),
            "retired_at": _instant(),
            "observed_address": _text(),
            "required_scope": _text(),
        },
        "additionalProperties": False,
    }


def _question() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["token"],
        "properties": {
            "token": {**_text(), "maxLength": LONGEST_TOKEN},
            "address": {**_text(), "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
            "scope": {**_text(), "pattern": f"^{SCOPE_PATTERN}$"},
            "environment": {**_text(), "pattern": f"^{ENVIRONMENT_PATTERN}$"},
        },
        "additionalProperties": False,
    }


def _active() -> dict[str, Any]:
    texts = ("sub", "scope", "workspace", "key_name", "version", "environment")
    maybe = {"anyOf": [_instant(), {"type": "null"}]}
    return {
        "type": "object",
        "required": ["active", *texts, "expires_at", "retiring", "rotate_by"],
        "properties": {
            "active": {"const": True},
            **{name: _text() for name in texts},
            "exp": {"type": "integer"},
            "expires_at": maybe,
            "retiring": {"type": "boolean"},
            "rotate_by": maybe,
        },
        "additionalProperties": False,
    }


def _inactive() -> dict[str, Any]:
    reasons = [reason.value for reason in DenialReason if reason not in UNDISCLOSED]
    return {
        "type": "object",
        "required": ["active"],
        "properties": {"active": {"const": False}, "reason": {"enum": reasons}},
        "additionalProperties": False,
    }


def _schema(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def _text() -> dict[str, Any]:
    return {"type": "string"}


def _instant() -> dict[str, Any]:
    return {"type": "string", "format": "date-time"}
