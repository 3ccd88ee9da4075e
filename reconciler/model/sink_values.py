"""What is written to a sink path, and what is seen there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPayload:
    """What is written to a sink path."""

    api_key: Secret
    key_id: str
    version_id: str
    workspace: str
    name: str
    environment: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAndSetRefused:
    """The sink says that the path is not at the expected version; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkContent:
    """The readable value at a path."""

    api_key: Secret
    key_id: str
    version_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSeen:
    """What a path looks like now."""

    version: int
    """The path's version number, counting destroyed ones; 0 where nothing was ever written or
    the path's metadata was deleted."""
    content: SinkContent | None
    """The latest value, where we may read it and it is one of ours."""
    is_gone: bool = False
    """Whether the path has a version whose value was deleted or destroyed: consumers read nothing.
    Never where it is not known."""
    is_foreign: bool = False
    """Whether the latest value was read and has not the form of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One line of a preflight."""

    name: str
    passed: bool
    message: str
    advice: str = ""
