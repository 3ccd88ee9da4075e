"""What a gateway asks for beside the key: the scope that the call needs, and how to answer.

The rule: whatever says what is needed is counted, and two sources that differ are refused; so a
client that adds one can be refused by it, and never gets a weaker check than the gateway's own.
Query parameters are read where the gateway alone wrote the address. Below `/v1/authorize/` the
path and query are the client's (Envoy forwards them), and nothing is read from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from reconciler.manifest.schema_texts import LEVEL_PATTERN, RESOURCE_PATTERN
from reconciler.model.scopes import ScopeGrant
from reconciler.server.answers import Misconfigured
from reconciler.server.presented import Headers

REQUIRE: Final = "require"
"""Query parameter with the needed scope, `Resource:level`."""
REQUIRE_HEADER: Final = "x-auth-require"
"""Header with the same; the gateway sets it, over whatever its client sent."""
MODE: Final = "mode"
NGINX: Final = "nginx"
MOST_PARAMETERS: Final = 8

SCOPE_PATTERN: Final = f"{RESOURCE_PATTERN}:{LEVEL_PATTERN}"
_SCOPE = re.compile(SCOPE_PATTERN, re.ASCII)
_BLANKS = " \t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked about a key, and for whom the answer is."""

    scope: ScopeGrant | None = None
    """None asks about the key alone."""
    is_for_nginx: bool = False


def wanted_by_gateway(headers: Headers, *, query: str | None) -> Wanted | Misconfigured:
    """Find out what is asked for; what cannot be understood is refused, whatever the key.

    `query`: as it was sent; None where it is the client's.
    """
    parameters = _parameters(query)
    if isinstance(parameters, Misconfigured):
        return parameters
    unknown = {name for name, _ in parameters} - {REQUIRE, MODE}
    modes = {value for name, value in parameters if name == MODE}
    if unknown or not modes <= {NGINX}:
        return Misconfigured(
            detail="The address takes the parameters `require` and `mode=nginx`, and no others."
        )
    scope = _one_scope({*_required(headers, parameters)})
    if isinstance(scope, Misconfigured):
        return scope
    return Wanted(scope=scope, is_for_nginx=bool(modes))


def read_scope(text: str) -> ScopeGrant | None:
    """Read `Resource:level`; None where it is something else."""
    return ScopeGrant.read(text) if _SCOPE.fullmatch(text) is not None else None


def _parameters(query: str | None) -> list[tuple[str, str]] | Misconfigured:
    try:
        return parse_qsl(query or "", keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        return Misconfigured(detail="The address holds more parameters than there are.")


def _required(headers: Headers, parameters: list[tuple[str, str]]) -> Iterator[str]:
    """Give every scope that is asked for, whoever wrote it; an empty one counts."""
    yield from (value for name, value in parameters if name == REQUIRE)
    yield from (v.strip(_BLANKS) for name, v in headers if name.lower() == REQUIRE_HEADER)


def _one_scope(texts: set[str]) -> ScopeGrant | Misconfigured | None:
    if not texts:
        return None
    if len(texts) > 1:
        return Misconfigured(
            detail="`require` and `X-Auth-Require` ask for different scopes; the gateway has to "
            "set one of them and to clear the other."
        )
    return read_scope(texts.pop()) or Misconfigured(
        detail="The scope that is asked for is not written as Resource:level, such as Reviews:read."
    )
