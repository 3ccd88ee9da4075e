"""What a key gets where its manifest is silent: the workspace's default, then the built-in one.

The rule that lives here: that order, field by field, and the place of a key's secret. Whether the
result is allowed is decided in `rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from reconciler.manifest.declared import DeclaredKey
from reconciler.manifest.wired import entries
from reconciler.model.keys import DEFAULT_OVERLAP, KeyAddress
from reconciler.model.lifetime import Expiration
from reconciler.model.sink_path import render_template
from reconciler.model.workspaces import Workspace, WorkspaceDefaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What a manifest says of a key that names it and its environment, and nothing else."""

    owner: str | None
    expiration: Expiration
    allowlist: tuple[str, ...] | None
    every: timedelta | None
    overlap: timedelta
    sink_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDraft:
    """One declared key with its defaults filled in."""

    declared: DeclaredKey
    address: KeyAddress
    owner: str | None
    expiration: Expiration
    allowlist: tuple[str, ...] | None
    every: timedelta | None
    overlap: timedelta
    sink_path: str


def silence(
    address: KeyAddress, environment: str, workspace: Workspace | None, template: str
) -> Silence:
    """Give what holds where nothing is said."""
    defaults = WorkspaceDefaults() if workspace is None else workspace.defaults
    return Silence(
        owner=defaults.owner,
        expiration=defaults.expiration or Expiration.NONE,
        allowlist=defaults.allowlist,
        every=defaults.rotate_every,
        overlap=defaults.overlap or DEFAULT_OVERLAP,
        sink_path=render_template(
            template, workspace=address.workspace, environment=environment, name=address.name
        ),
    )


def draft_key(key: DeclaredKey, workspace: Workspace | None, template: str) -> KeyDraft:
    """Fill in a key's defaults."""
    address = KeyAddress(workspace=key.workspace, name=key.name)
    silent = silence(address, key.environment, workspace, template)
    return KeyDraft(
        declared=key,
        address=address,
        owner=key.owner or silent.owner,
        expiration=key.expiration or silent.expiration,
        allowlist=silent.allowlist if key.allowlist is None else entries(key.allowlist),
        every=key.every or silent.every,
        overlap=key.overlap or silent.overlap,
        sink_path=key.path or silent.sink_path,
    )
