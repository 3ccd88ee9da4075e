"""What a key gets where its manifest is silent: the workspace's default, then the built-in one.

The rule that lives here: that order, field by field, and the place of a key's secret. Whether the
result is allowed is decided in `rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from reconciler.manifest.schema_keys import ApiKeyWire
from reconciler.manifest.wired import entries
from reconciler.model.keys import DEFAULT_OVERLAP, KeyAddress
from reconciler.model.lifetime import Expiration
from reconciler.model.sink_path import render_template
from reconciler.model.workspaces import Workspace, WorkspaceDefaults


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDraft:
    """One declared key with its defaults filled in."""

    wire: ApiKeyWire
    address: KeyAddress
    owner: str | None
    expiration: Expiration
    allowlist: tuple[str, ...] | None
    every: timedelta | None
    overlap: timedelta
    sink_path: str


def draft_key(wire: ApiKeyWire, workspace: Workspace | None, template: str) -> KeyDraft:
    """Fill in a key's defaults."""
    defaults = WorkspaceDefaults() if workspace is None else workspace.defaults
    spec, metadata = wire.spec, wire.metadata
    allowlist = defaults.allowlist if spec.allowlist is None else entries(spec.allowlist)
    return KeyDraft(
        wire=wire,
        address=KeyAddress(workspace=metadata.workspace, name=metadata.name),
        owner=metadata.owner or defaults.owner,
        expiration=spec.expiration or defaults.expiration or Expiration.NONE,
        allowlist=allowlist,
        every=spec.rotation.every or defaults.rotate_every,
        overlap=spec.rotation.overlap or defaults.overlap or DEFAULT_OVERLAP,
        sink_path=spec.secret.path or _templated(wire, template),
    )


def _templated(wire: ApiKeyWire, template: str) -> str:
    return render_template(
        template,
        workspace=wire.metadata.workspace,
        environment=wire.spec.environment,
        name=wire.metadata.name,
    )
