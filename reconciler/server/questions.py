"""The body of an introspection request: one JSON object of a strict form.

The rule: what is not understood is refused with a reason, and no part of the body is repeated,
since it holds a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.model.allowlist import canonical_address
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret
from reconciler.model.token import ENVIRONMENT_PATTERN
from reconciler.server.gateway import read_scope

MOST_BYTES: Final = 8 * 1024
"""A body is at most so long."""
LONGEST_TOKEN: Final = 512
"""Characters; much longer than any key, and short enough for a body in any encoding of JSON."""

_ENVIRONMENT = re.compile(ENVIRONMENT_PATTERN, re.ASCII)
_FORM = 'The body is one JSON object: {"token": …}, and where wanted "address", "scope" and '
_MEMBERS: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    "token": (
        lambda text: len(text) <= LONGEST_TOKEN,
        f"a text of at most {LONGEST_TOKEN} characters",
    ),
    "address": (lambda text: canonical_address(text) is not None, "an IP address"),
    "scope": (lambda text: read_scope(text) is not None, "written as Resource:level"),
    "environment": (
        lambda text: _ENVIRONMENT.fullmatch(text) is not None,
        "1 to 16 small letters and digits",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyQuestion:
    """A key that somebody asks about, and under what conditions."""

    secret: Secret
    address: str | None = None
    scope: ScopeGrant | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRefused:
    """Why a body is not understood; never with its words."""

    detail: str


def read_question(body: bytes) -> KeyQuestion | FormRefused:
    """Read a body."""
    members = _object(body)
    if members is None:
        return FormRefused(detail=f'{_FORM}"environment".')
    for name, value in members.items():
        wrong = _wrong(name, value)
        if wrong is not None:
            return FormRefused(detail=wrong)
    if "token" not in members:
        return FormRefused(detail="`token` is missing.")
    scope = members.get("scope")
    return KeyQuestion(
        secret=Secret(members["token"]),
        address=members.get("address"),
        scope=None if scope is None else read_scope(scope),
        environment=members.get("environment"),
    )


def _object(body: bytes) -> dict[str, Any] | None:
    """Decode an object, each member once; None for anything else."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is repeated")
    return members


def _wrong(name: str, value: Any) -> str | None:
    known = _MEMBERS.get(name)
    if known is None:
        return f"There is a member that is none of {', '.join(_MEMBERS)}."
    is_legal, form = known
    if not isinstance(value, str) or not is_legal(value):
        return f"`{name}` has to be {form}."
    return None
