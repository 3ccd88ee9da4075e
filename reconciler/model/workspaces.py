"""Who shares what: workspaces with their admins, and named networks.

A principal is text: `local:<operating-system user>` in mode `local`, `<issuer>:<name>` in mode
`oidc`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from reconciler.model.lifetime import Expiration

Principal: TypeAlias = str
LOCAL = "local"
"""The first part of principals of mode `local`, and of no others."""


class Role(StrEnum):
    """What a principal may be."""

    PLATFORM_ADMIN = "platform-admin"
    WORKSPACE_ADMIN = "workspace-admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceDefaults:
    """What a key of the workspace gets where its manifest is silent."""

    owner: str | None = None
    expiration: Expiration | None = None
    allowlist: tuple[str, ...] | None = None
    """Entries as a manifest writes them: canonical ranges, or `network:<name>`."""
    rotate_every: timedelta | None = None
    overlap: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One workspace: who may change its keys, and their defaults."""

    name: str
    description: str | None = None
    admins: tuple[Principal, ...] = ()
    defaults: WorkspaceDefaults = WorkspaceDefaults()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSet:
    """A named list of ranges; with a workspace it belongs to that workspace's admins."""

    name: str
    workspace: str | None = None
    description: str | None = None
    ranges: tuple[str, ...] = ()
    """Canonical ranges, sorted and without overlaps."""
