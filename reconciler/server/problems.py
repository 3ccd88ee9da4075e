"""The bodies of refusals: `application/problem+json` of RFC 9457, in one fixed form.

Compatibility: `type` is `urn:keyrec:problem:` and the code; codes are only added.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

TYPE_PREFIX: Final = "urn:keyrec:problem:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, for a program (`code`) and for a person."""

    code: str
    title: str
    """The same for every problem of its code."""
    detail: str | None = None
    more: tuple[tuple[str, str], ...] = ()
    """Members of this code's own."""


def problem_body(problem: Problem, status: int) -> bytes:
    """Write a problem: members in this order, pure ASCII, a line break at the end."""
    members: dict[str, object] = {
        "type": TYPE_PREFIX + problem.code,
        "title": problem.title,
        "status": status,
        "code": problem.code,
    }
    if problem.detail is not None:
        members["detail"] = problem.detail
    members |= problem.more
    return (json.dumps(members, ensure_ascii=True) + "\n").encode("ascii")


def instant(at: datetime | None) -> str | None:
    """Write an instant as `2026-11-24T12:00:00Z`; None where there is none."""
    return None if at is None else f"{at.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
